# SPDX-License-Identifier: MIT
# names.sh - several names, patterns, unknown names, dry runs, hostile text.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
[checksum.adler]
state = on
END
host a

say 'a pattern is expanded over the known flags, and listed first'
t off 'checksum.*'
is 0
shows <<'END'
off: checksum.adler checksum.crc32c
checksum.adler   on  ->  off  until unset
checksum.crc32c  on  ->  off  until unset
ok 1/1 families (1 process), durable yes
END
answers a 'read checksum.crc32c' off
answers a 'read parse.simd' on

say 'several changes are one generation'
grep -q '^change 1 .* flag=\* count=2 ' "$root/state/mysvc/live/overrides" ||
	fail 'not one change of two'
[ "$(grep -c ' generation=1 ' "$root/run/mysvc/live/overrides")" = 2 ] ||
	fail 'not one generation'

say 'names and patterns together, a flag twice'
t unset 'checksum.*' checksum.crc32c
is 0
[ "$(grep -c '^checksum' <<< "$out")" = 2 ] || fail 'a flag twice'
answers a 'read checksum.crc32c' on

say 'both directions in one call'
t off parse.simd
t on search.fast
is 0
t unset parse.simd search.fast
is 0
answers a 'read parse.simd' on
answers a 'read search.fast' off

say 'a name that nobody knows: the nearest, and nothing is written'
before=$(cat "$root"/*/mysvc/live/*)
t off cheksum.crc32c
is 3
has 'did you mean checksum.crc32c?'
t off checksum.crc32c no.such.flag
is 3
t off 'nothing.*'
is 3
has 'no flag matches'
t on '../../etc/passwd'
is 3
[ "$before" = "$(cat "$root"/*/mysvc/live/*)" ] || fail 'something was written'
answers a 'read checksum.crc32c' on

say 'a dry run shows and does not write'
t off 'checksum.*' -n
is 0
has 'checksum.crc32c  on  ->  off'
has 'dry run: nothing was written'
t on search.fast --dry-run
is 0
has 'search.fast  off  ->  on'
t unset checksum.crc32c -n
is 0
[ "$before" = "$(cat "$root"/*/mysvc/live/*)" ] || fail 'something was written'
answers a 'read checksum.crc32c' on

say 'list takes them too'
t list 'checksum.*'
is 0
[ "$(wc -l <<< "$out")" = 3 ] || fail 'not two flags and a title'
t list --names
is 0
[ "$(xargs <<< "$out")" = \
	'checksum.adler checksum.crc32c parse.simd search.fast' ] ||
	fail 'names'
t list no.such
is 3

say 'the list of flags that the service left is enough'
end a
rm -f "$root"/run/mysvc/proc/*
t off search.fast
is 4
has 'saved; mysvc is not running; applies at its start'
t off search.fast --no-wait
is 0
t list search.fast
is 0
has 'search by words'

say 'hostile text does not reach a terminal, nor a file'
t off search.fast --reason $'a\033[31mb'
is 2
has 'control characters are not accepted'
t off search.fast --reason $'a\nflag parse.simd state=off'
is 2
t off search.fast --reason $'a\302\233b'
is 2
t off search.fast --reason $'a\377b'
is 2
t off search.fast --reason "$(printf '%257s' x)"
is 2
has 'at most 256 bytes'
t off search.fast --reason "$(printf '%0256d' 0)" --no-wait
is 0
t off search.fast --reason "$(printf '%0250d' 0)" --ticket 1234567
is 2
t off search.fast --reason '100% = "so" ünd é' --no-wait
is 0
t why search.fast
is 0
has '100% = "so" ünd é'
file mysvc.ini <<< $'[\033[31mred]'
t check
is 6
lacks $'\033'
