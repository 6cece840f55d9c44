# SPDX-License-Identifier: MIT
# panic.sh - panic by flagctl and by touch.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a
answers a 'read checksum.crc32c' on

say 'panic turns everything off'
t panic --reason 'errors everywhere'
is 0
has '2 flags were on, every flag is off until unpanic'
has 'ok 1/1 families (1 process), durable yes'
answers a 'read checksum.crc32c' off
answers a 'read parse.simd' off
[ -e "$root/state/mysvc/live/PANIC" ] || fail 'not durable'
t why checksum.crc32c
is 0
has 'is off since '
has 'panic by '
has 'errors everywhere'
has '* panic'
t list
has 'panic'

say 'an on under a panic is kept, but says that it is outranked'
t on search.fast
is 0
has 'panic outranks it'
answers a 'read search.fast' off
t off parse.simd
is 0

say 'the panic survives a restart'
end a
host a
answers a 'read checksum.crc32c' off

say 'unpanic: what was off before stays off'
t unpanic
is 0
has 'panic ended, generation '
answers a 'read checksum.crc32c' on
answers a 'read search.fast' on
answers a 'read parse.simd' off
t unpanic
is 0
has 'there is no panic'

say 'by touch, in either folder, while flagctl is not needed'
for folder in state run; do
	touch "$root/$folder/mysvc/live/PANIC"
	eventually host_says a checksum.crc32c off
	t status
	is 0
	has 'panic       yes'
	t why checksum.crc32c
	is 0
	t unpanic
	is 0
	answers a 'read checksum.crc32c' on
	[ ! -e "$root/$folder/mysvc/live/PANIC" ] || fail 'PANIC stays'
done

say 'generations grow over a panic'
t panic --json
first=$(jq .generation <<< "$out")
t unpanic --json
second=$(jq .generation <<< "$out")
t off search.fast --json
third=$(jq .generation <<< "$out")
[ "$first" -lt "$second" ] && [ "$second" -lt "$third" ] ||
	fail "generations $first $second $third"

say 'a dry run'
t panic -n
is 0
has 'would turn off the flags that are on: '
answers a 'read checksum.crc32c' on
[ ! -e "$root/run/mysvc/live/PANIC" ] || fail 'dry run wrote PANIC'

say 'the files are refused: nobody counts what he cannot know'
t unset search.fast
is 0
printf '[search.fast]\nstate = on\n' | file mysvc.ini
t reload
is 0
printf '[search.fast]\nstat = off\n' | file mysvc.ini
t reload
is 6
t panic -n
is 0
has 'the files are refused'
t panic
is 0
has 'how many were on is not known here'
answers a 'read search.fast' off
t unpanic
is 0
has 'the last good files decide'
answers a 'read search.fast' on

say 'a reload names flags that nobody has'
printf '[search.fats]\nstate = on\n' | file mysvc.ini
t reload
is 0
has '[search.fats]: unknown here; did you mean search.fast?'
