# SPDX-License-Identifier: MIT
# config.sh - files: broken, mended, drop-ins, check, init, reload.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a
answers a 'read checksum.crc32c' on

say 'a broken file changes nothing and is shown with its line'
t off parse.simd
is 0
file mysvc.ini <<'END'
; one line more
[checksum.crc32c]
stat = off
END
t check
is 6
has 'mysvc.ini:3: [checksum.crc32c] stat = off: unknown key; did you mean state'
has '(file not applied; generation 1 stays)'
answers a 'read checksum.crc32c' on
reported()
{
	"$FLAGCTL" status --json | jq -e '.process_errors[0].error' |
		grep -q 'mysvc.ini:3'
}
eventually reported
t status
is 0
has 'mysvc.ini:3'
t list checksum.crc32c
is 0
has 'checksum.crc32c  on '
t get checksum.crc32c
is 0
[ "$out" = on ] || fail "$out"
t why checksum.crc32c
is 0
has 'checksum.crc32c is on, as its processes report: mysvc.ini:2'
has 'not known: files refused; flagctl check says why'

say 'a broken file does not keep anybody from a kill'
t off checksum.crc32c
is 0
answers a 'read checksum.crc32c' off
t unset checksum.crc32c
is 0
has 'checksum.crc32c  off  ->  -  decided by the files, which are refused now'
answers a 'read checksum.crc32c' on
t panic
is 0
answers a 'read checksum.crc32c' off
t unpanic
is 0
answers a 'read checksum.crc32c' on

say 'reload says what is refused'
t reload
is 6
has 'mysvc.ini:3'

say 'mended'
file mysvc.ini <<'END'
[checksum.crc32c]
state = off
END
t reload
is 0
has 'ok 1/1 families (1 process), 1 file'
answers a 'read checksum.crc32c' off
t status
lacks 'mysvc.ini:3'

say 'the last drop-in wins'
file mysvc.d/20-on.ini <<'END'
[checksum.crc32c]
state = on
[search.fsat]
state = on
[breaker:cache]
threshold = 5
END
file mysvc.d/10-off.ini <<'END'
[checksum.crc32c]
state = off
END
t reload
is 0
answers a 'read checksum.crc32c' on
t why checksum.crc32c
is 0
has 'checksum.crc32c is on: mysvc.d/20-on.ini:2 says so'
has '* drop-in'
has 'mysvc.ini:2'

say 'what no process knows, and what is skipped, is listed'
t status
is 0
has 'search.fsat  unknown here  did you mean search.fast?'
has '[breaker:cache]'
t check
is 0
has 'mysvc.d/20-on.ini:4: [search.fsat]: unknown here'
has '; did you mean search.fast?'
has 'ok: 3 files, 2 flags'
t status --json
json '.unknown_here[0].nearest == "search.fast"'

say 'check before it is put in place'
printf '[a]\nstate = on\n' > "$root/good.ini"
printf '[a]\nstate = maybe\n' > "$root/bad.ini"
t check "$root/good.ini"
is 0
has 'ok: 1 file, 1 flag'
t check "$root/good.ini" "$root/bad.ini"
is 6
has "$root/bad.ini:2:"
lacks 'not applied'
t check "$root/nothing.ini"
is 1
has 'no such file'
t check "$root"
is 1

say 'a key of a later version is refused as such'
file mysvc.d/20-on.ini <<'END'
[checksum.crc32c]
ramp = 1% 10m, 100%
END
t check
is 6
has 'not in this version'
rm "$root/etc/mysvc.d/20-on.ini"

say 'init never touches a file'
t init
is 5
has 'stays as it is'
t init -n
is 0
has '; [checksum.crc32c]'
has '; hardware CRC32C'
rm -r "$root/etc/mysvc.ini" "$root/etc/mysvc.d"
t init
is 0
has 'written'
grep -q '^; \[parse.simd\]' "$root/etc/mysvc.ini" || fail 'no parse.simd'
grep -A1 '^; \[parse.simd\]' "$root/etc/mysvc.ini" | grep -q '= on' ||
	fail 'not its compiled default'
t check
is 0
sed -i 's/^; \(\[\|state\)/\1/' "$root/etc/mysvc.ini"
t check
is 0
has 'ok: 1 file, 3 flags'
t -s newsvc init
is 0
t -s newsvc check
is 0
[ -z "$(ls "$root/etc" | grep new$)" ] || fail 'a temporary file is left'
rm "$root/etc/newsvc.ini"
