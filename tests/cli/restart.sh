# SPDX-License-Identifier: MIT
# restart.sh - what holds over a restart, and what ends.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END

say 'an off and an on hold over a restart'
host a
t off checksum.crc32c
is 0
t on search.fast
is 0
end a
host a
answers a 'read checksum.crc32c' off
answers a 'read search.fast' on

say 'an off holds when the run directory is gone, as after a boot'
end a
rm -r "$root/run"
host a
answers a 'read checksum.crc32c' off

say 'an on ends by itself, and the process sees it'
t on search.fast
is 0
answers a 'until search.fast 2' 0
eventually host_says a search.fast off
t get search.fast
is 0
[ "$out" = off ] || fail "$out"
t why search.fast
is 0
has 'search.fast is off: its compiled default'
has 'has ended'

say 'an on of another boot is no more'
t on search.fast
is 0
answers a 'read search.fast' on
answers a 'boot search.fast 11111111-2222-3333-4444-555555555555' 0
eventually host_says a search.fast off
t why search.fast
is 0
has 'has ended (boot)'
end a

say 'an off never ends'
t off search.fast --no-wait
is 0
! grep -q 'until=' "$root/state/mysvc/live/overrides" || fail 'it has an end'
! grep -q 'boot=' "$root/state/mysvc/live/overrides" || fail 'it has a boot'

say 'no file at all'
rm -r "$root/state" "$root/run" "$root/etc/mysvc.ini"
host a
answers a 'read checksum.crc32c' off
answers a 'read parse.simd' on
t list
is 0
