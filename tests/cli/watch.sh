# SPDX-License-Identifier: MIT
# watch.sh - a line for each change, until the last process ends.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a

# seen TEXT FILE, for eventually
seen()
{
	grep -q -- "$1" "$2"
}

"$FLAGCTL" watch > "$root/text" 2>&1 &
text=$!
"$FLAGCTL" watch --json > "$root/json" 2>&1 &
objects=$!
eventually seen 'begin' "$root/text"
eventually seen '"event":"begin"' "$root/json"

say 'a flip'
t off checksum.crc32c
is 0
eventually seen 'checksum.crc32c  on -> off  off by ' "$root/text"
eventually seen '"event":"flag","flag":"checksum.crc32c"' "$root/json"

say 'a broken and a mended file'
file mysvc.ini <<< '[checksum.crc32c'
eventually seen 'config  mysvc.ini:1: ' "$root/text"
file mysvc.ini <<< '[checksum.crc32c]'
eventually seen 'config  in order' "$root/text"

say 'a panic'
touch "$root/run/mysvc/live/PANIC"
eventually seen 'panic  every flag is off' "$root/text"
t unpanic
is 0
eventually seen 'panic  ended' "$root/text"

say 'processes'
host b
eventually seen "pid ${pid[b]} (host)  began" "$root/text"
end b
eventually seen 'ended$' "$root/text"

say 'it ends by itself'
end a
wait $text || fail "exit $?"
seen 'end  the last process ended' "$root/text" || fail "$(cat "$root/text")"
wait $objects || fail "exit $?"
jq -s -e 'all(.v == 1) and (map(.event) | index("end"))' "$root/json" \
	> /dev/null || fail "$(cat "$root/json")"
[ "$(wc -l < "$root/json")" = "$(jq -c . "$root/json" | wc -l)" ] ||
	fail 'not one object a line'

say 'or after a time'
host a
t watch --for 300ms
is 0
has 'end  time is over'
