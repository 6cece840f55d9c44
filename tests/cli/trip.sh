# SPDX-License-Identifier: MIT
# trip.sh - a trip beats on, and loses to off and panic.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a
host b

say 'a trip turns it off everywhere'
t on checksum.crc32c
is 0
answers a 'trip checksum.crc32c errors 4.1% against 0.2%' 0
answers a 'read checksum.crc32c' off
eventually host_says b checksum.crc32c off
grep -q 'checksum.crc32c' "$root/state/mysvc/live/trips" || fail 'no record'

say 'on is refused, with the evidence'
t on checksum.crc32c
is 5
has 'errors 4.1% against 0.2%'
has 'nothing changed'
answers a 'read checksum.crc32c' off
t on 'checksum.*' search.fast
is 5
answers a 'read search.fast' off

say 'why, list and status tell'
t why checksum.crc32c
is 0
has 'is off since '
has 'tripped, errors 4.1% against 0.2%'
has '* trip'
has 'shadowed'
t list checksum.crc32c
has '  trip  '
t status --json
json '.trips == 1'

say 'off over a trip works; unset does not lift the trip'
t off checksum.crc32c
is 0
t why checksum.crc32c
is 0
has 'A trip stands below'
t unset checksum.crc32c
is 0
has 'decided by trip'
answers a 'read checksum.crc32c' off

say 'it survives a restart'
end a
end b
host a
answers a 'read checksum.crc32c' off
t why checksum.crc32c
is 0
has 'tripped'
