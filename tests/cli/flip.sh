# SPDX-License-Identifier: MIT
# flip.sh - a live service: on, off, set, unset, and what they say.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a

say 'the configuration is in force'
t list
is 0
answers a 'read checksum.crc32c' on
answers a 'read search.fast' off
answers a 'read parse.simd' on
t get checksum.crc32c
is 0
[ "$out" = on ] || fail "get says $out"

say 'off is acknowledged and in force when flagctl ends'
t off checksum.crc32c --reason 'wrong sums' --ticket OPS-7
is 0
shows <<'END'
checksum.crc32c  on  ->  off  until unset
ok 1/1 families (1 process), durable yes
END
answers a 'read checksum.crc32c' off
grep -q 'reason=OPS-7:%20wrong%20sums' "$root/state/mysvc/live/overrides" ||
	fail 'the state directory does not have the reason'
grep -q '^flag checksum.crc32c state=off' "$root/run/mysvc/live/overrides" ||
	fail 'the run directory does not have the record'

say 'both folders say the same, one generation'
cmp "$root/state/mysvc/live/overrides" "$root/run/mysvc/live/overrides" ||
	fail 'the folders differ'

say 'why tells it in words first'
t why checksum.crc32c
is 0
has 'checksum.crc32c is off since '
has 'turned off by '
has '"OPS-7: wrong sums"'
has 'To let mysvc.ini:2 (on) decide: flagctl unset checksum.crc32c'
has '* off'
has 'shadowed'
t explain checksum.crc32c
is 0
has 'checksum.crc32c is off since '

say 'unset reveals the file'
t unset checksum.crc32c
is 0
has 'checksum.crc32c  off  ->  on  decided by main file'
answers a 'read checksum.crc32c' on
t unset checksum.crc32c
is 0
has 'checksum.crc32c has no override; it is on (mysvc.ini:2)'

say 'on lasts an hour, in the state directory'
t on search.fast
is 0
has 'for an hour, or until the next boot'
answers a 'read search.fast' on
grep -q '^flag search.fast state=on .*until=.*boot=' \
	"$root/state/mysvc/live/overrides" || fail 'no end, or no boot'
! grep -q '^flag search.fast' "$root/run/mysvc/live/overrides" ||
	fail 'an on stands in the run directory'

say 'off after on, then unset: nothing is left over'
t off search.fast
is 0
answers a 'read search.fast' off
t unset search.fast
is 0
answers a 'read search.fast' off
t off parse.simd
is 0
! grep -q search.fast "$root"/*/mysvc/live/overrides ||
	fail 'tombstones stay although both folders agree'

say 'on over an off that stands in both folders'
t on parse.simd
is 0
answers a 'read parse.simd' on
t unset parse.simd
is 0
answers a 'read parse.simd' on

say 'set does the same'
t set checksum.crc32c off
is 0
answers a 'read checksum.crc32c' off
t set checksum.crc32c on
is 0
answers a 'read checksum.crc32c' on
t set checksum.crc32c maybe
is 2
has 'accepted are on, off and 0% to 100%'
t set checksum.crc32c 101%
is 2
answers a 'read checksum.crc32c' on

say 'generations only grow'
before=$(sed -n 's/^generation //p' "$root/state/mysvc/live/overrides")
t off checksum.crc32c --json
is 0
json ".generation == $before + 1 and .durable and .processes == 1"
json '.changes[0].before == "on" and .changes[0].after == "off"'
