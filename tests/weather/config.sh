# SPDX-License-Identifier: MIT
# config.sh - files that nobody meant to write: each is refused as a whole, with
# file and line, and the last good flags stay in force.
. "$here/../weather/lib.sh"

good
host a --log "$root/log"
in_force

# text WHERE TEXT < BYTES: the main file is these bytes.
text()
{
	put mysvc.ini
	refused "mysvc.ini:$1: $2"
}

say 'a kill goes through whatever the file says'
printf '[two\n' | text 1 '[two: ] is missing; write [name]'
t off checksum.crc32c
is 0
has 'ok 1/1 families'
answers a 'read checksum.crc32c' off
t unset checksum.crc32c
is 0
in_force

say 'the host is told of it once, however long it stays'
touch "$main" && touch "$main"
t reload
[ "$(grep -c 'mysvc.ini:1: \[two' "$root/log")" = 1 ] ||
	fail "$(cat "$root/log")"
grep -q 'mysvc.ini:1: .*(not applied; what was good stays in force)' \
	"$root/log" || fail "$(cat "$root/log")"

say 'text behind a section'
printf '; c\n[a] x=1\n' | text 2 '[a] x=1: text after ]'

say 'a line of one mebibyte'
{
	printf '[checksum.crc32c]\nstate = '
	head -c 1048576 /dev/zero | tr '\0' n
} | text 2 'line of 1048584 characters; at most 190 are accepted'

say 'a long comment that ends in a key is a comment'
{
	printf '; %0400d enabled = true\n[checksum.crc32c]\nstate = on\n' 0
	printf '[parse.simd]\nstate = off ; %0120d enabled = true\n' 0
} > "$root/etc/comment.new"
mv "$root/etc/comment.new" "$main"
eventually silent
in_force
t check
is 0
has 'ok: 1 file, 2 flags'

say 'NUL bytes'
printf '[checksum.crc32c]\nst\0ate = on\n' | text 2 'NUL byte'
printf '[checksum.crc32c]\nstate = o\0n\n' | text 2 'NUL byte'
printf '[checksum.crc32c]\n\0state = on\n' | text 2 'NUL byte'

say 'UTF-16'
printf '[checksum.crc32c]\nstate = off\n' | sed 's/./&\x00/g' |
	sed '1s/^/\xff\xfe/' | text 1 'UTF-16 text; save the file as UTF-8'

say 'a byte order mark in the second line'
printf '[checksum.crc32c]\n\xef\xbb\xbfstate = off\n' |
	text 2 'byte order mark inside the file'

say 'line ends: CR alone, CR LF, mixed'
printf '[checksum.crc32c]\rstate = off\r' | text 1 'carriage return inside'
printf '[checksum.crc32c]\r\nstate = on\n[parse.simd]\r\nstate = off\r\n' |
	put mysvc.ini
eventually silent
in_force
t check
is 0

say 'names of 50 and 60 characters, and not in ASCII'
printf '\n[%050d]\nstate = on\n' 0 |
	text 2 "[$(printf %050d 0)]: name of 50 characters; at most 48"
printf '\n[%060d]\nstate = on\n' 0 |
	text 2 "[$(printf %060d 0)]: name of 60 characters; at most 48"
printf '[caf\xc3\xa9]\nstate = on\n' | text 1 'byte 0xc3 is not ASCII'

say 'a flag twice in one file'
printf '[checksum.crc32c]\nstate = on\n[a]\n[checksum.crc32c]\nstate = off\n' |
	text 4 '[checksum.crc32c]: section stands in line 1 already'
printf '[checksum.crc32c]\nstate = on\nstate = off\n' |
	text 3 '[checksum.crc32c] state = off: state stands in line 2 already'

say 'unknown and misspelt keys'
printf '[checksum.crc32c]\nenabeld = on\n' |
	text 2 '[checksum.crc32c] enabeld = on: unknown key'
printf '[checksum.crc32c]\nstat = off\n' |
	text 2 '[checksum.crc32c] stat = off: unknown key; did you mean state?'

say 'words and numbers that are no state'
for word in yes On 1 -1 -1% 1e9% nan nan% 0x 0x10% 18446744073709551616 %; do
	printf '[checksum.crc32c]\nstate = %s\n' "$word" |
		text 2 "[checksum.crc32c] state = $word: not a state; use on"
done
for word in 101% 18446744073709551616%; do
	printf '[checksum.crc32c]\nstate = %s\n' "$word" |
		text 2 "[checksum.crc32c] state = $word: not "
done

say 'an indented key'
printf '[checksum.crc32c]\n\tstate = off\n' | text 2 'indented line'

say 'one bad drop-in of two spoils the set, and is the one that is named'
good
put mysvc.d/10-a.ini <<'END'
[checksum.crc32c]
state = off
END
put mysvc.d/20-b.ini <<'END'
[checksum.crc32c]

staet = off
END
refused 'mysvc.d/20-b.ini:3: [checksum.crc32c] staet = off: unknown key'
rm -r "$dropins"
clear

say 'a flag in two drop-ins: the last one in byte order wins, and why says so'
put mysvc.d/10-a.ini <<'END'
[checksum.crc32c]
state = off
END
put mysvc.d/9-b.ini <<'END'
[checksum.crc32c]
state = on
END
put mysvc.d/11-c.ini <<'END'
[parse.simd]
state = off
END
t reload
is 0
has 'ok 1/1 families'
in_force
t why checksum.crc32c
has 'mysvc.d/9-b.ini:2 says so'
rm -r "$dropins"

say "what editors leave beside drop-ins is nobody's business"
mkdir "$dropins"
before=$("$FLAGCTL" status --json | jq -r .config_digest)
for name in x.ini~ .x.ini.swp 4913 README ..data '#x.ini#' x.ini.bak .ini; do
	printf '[checksum.crc32c\n' > "$dropins/$name"
done
t check
is 0
has 'ok: 1 file, 2 flags'
t reload
is 0
in_force
[ "$before" = "$("$FLAGCTL" status --json | jq -r .config_digest)" ] ||
	fail 'another digest'
rm -r "$dropins"

say 'fifty thousand flags'
{
	cat "$main"
	seq -f '[many.%.0f]' 50000 | sed 's/$/\nstate = on/'
} | put mysvc.ini
t reload --wait 20s
is 0
has 'ok 1/1 families'
in_force
t get many.50000
is 0
clear

say 'nothing was lost'
t on search.fast
is 0
answers a 'read search.fast' on
end a
