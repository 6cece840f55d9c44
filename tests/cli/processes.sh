# SPDX-License-Identifier: MIT
# processes.sh - who has to acknowledge, and who is named if he does not.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END

say 'several processes, one family'
host a --fork 4
for child in ${children[a]}; do
	eventually registered "$child"
done
t off checksum.crc32c
is 0
has 'ok 1/1 families (5 processes), durable yes'
t ps
is 0
[ "$(grep -c ' family ' <<< "$out")" = 4 ] || fail 'not four followers'
[ "$(grep -c ' thread ' <<< "$out")" = 1 ] || fail 'not one driver'

say 'a child with a driver of its own belongs to the family'
ask a child
child=${answer#child }
own_driver()
{
	"$FLAGCTL" ps --json | jq -e ".processes[] | select(.pid == $child) |
		.driver == \"thread\"" > /dev/null
}
eventually own_driver
t unset checksum.crc32c
is 0
has 'ok 1/1 families (6 processes), durable yes'

say 'two families'
host b
t off checksum.crc32c
is 0
has 'ok 2/2 families (7 processes), durable yes'
answers b 'read checksum.crc32c' off

say 'a stopped process is named'
kill -STOP "${pid[b]}"
stopped()
{
	grep -q '^State:.T' "/proc/${pid[b]}/status"
}
eventually stopped
t unset checksum.crc32c --wait 300ms
is 4
has "pid ${pid[b]} (host) has not acknowledged: stopped (T)"
has '1/2 families (7 processes) acknowledged within 300 ms, durable yes'
lacks 'ok '
answers a 'read checksum.crc32c' on
t off checksum.crc32c --wait 300ms --json
is 4
json '.families == 2 and .families_acknowledged == 1 and .durable'
t off checksum.crc32c --no-wait
is 0
has 'written, not confirmed; durable yes'
stale()
{
	"$FLAGCTL" ps | grep -q "^${pid[b]} .* STALE"
}
eventually stale
kill -CONT "${pid[b]}"
eventually host_says b checksum.crc32c off
t off checksum.crc32c
is 0

say 'a driver that only the host turns'
host c --hand
t on search.fast --wait 300ms
is 4
has "pid ${pid[c]} (host) has not acknowledged"
"$FLAGCTL" off search.fast > "$root/late" 2>&1 &
late=$!
changed()
{
	ask c tick
	! kill -0 $late 2> /dev/null
}
eventually changed
wait $late || fail "off of a turned loop: $(cat "$root/late")"
grep -q '^ok 3/3 families' "$root/late" || fail "$(cat "$root/late")"
end c

say 'a loop that turns by itself'
host d --loop
t on search.fast
is 0
answers d 'read search.fast' on
t ps
has ' loop '
end d

say 'the board of its own of a private service'
host e --private --fork 1
eventually registered ${children[e]}
t off search.fast --wait 500ms
is 4
has "pid ${children[e]} (host) has not acknowledged"
kill -KILL ${children[e]}
end e
t off search.fast
is 0

say 'a process without a trace of life does not count'
crash b
t on search.fast
is 0
has 'ok 1/1 families (6 processes)'
t ps
has 'ended without flag_stop'

say 'a family whose only driver died is never ok'
kill -KILL "$child"
eventually gone "$child"
crash a
t off search.fast --wait 300ms
is 4
has 'no driver (4 processes'
has '0/1 families (4 processes) acknowledged'
t unset search.fast --wait 300ms
is 4
kill -KILL ${children[a]} 2> /dev/null

say 'nobody left'
eventually gone "${children[a]##* }"
for pid_left in ${children[a]}; do
	eventually gone "$pid_left"
done
t off search.fast
is 4
has 'saved; mysvc is not running; applies at its start'
t off search.fast --no-wait
is 0
t watch
is 3
t reload
is 4

say 'a process that maps a board which nobody registered is unseen'
host f --follow --fork 1
hidden=${children[f]}
t off search.fast
is 0
crash f
t on search.fast --wait 300ms
is 4
has "pid $hidden (host) is unseen: it maps board"
kill -KILL "$hidden"
eventually gone "$hidden"
t on search.fast
is 4
has 'is not running'

say 'a service of the same name under another root is none of ours'
mkdir -p "$root/second/etc"
host z --root "$root/second" --fork 1
host y
t off search.fast
is 0
has 'ok 1/1 families (1 process)'
end y
kill -KILL ${children[z]}
end z

say 'a host that closed its descriptors is alive, and not acknowledged'
host g
answers g close 0
t ps
is 0
has 'lock lost'
