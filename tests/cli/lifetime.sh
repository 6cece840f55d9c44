# SPDX-License-Identifier: MIT
# lifetime.sh - how long an override lasts, and what may not be given an end.

file mysvc.ini <<'END'
[checksum.crc32c]
state = 10%
END
host a

# seconds from now until the end that the state directory holds for a flag
left()
{
	local until

	until=$(sed -n "s/^flag $1 .* until=\([^ ]*\).*/\1/p" \
		"$root/state/mysvc/live/overrides")
	[ -n "$until" ] || fail "$1 has no end"
	echo $(($(date -d "$until" +%s) - $(date +%s)))
}

say 'an hour, unless told'
t on search.fast
is 0
has 'for an hour, or until the next boot'
[ "$(left search.fast)" -gt 3500 ] && [ "$(left search.fast)" -le 3600 ] ||
	fail "$(left search.fast)"

say 'a time, in units or as a moment'
t on search.fast --for 20m
is 0
has 'until then, or until the next boot'
[ "$(left search.fast)" -gt 1100 ] && [ "$(left search.fast)" -le 1200 ] ||
	fail "$(left search.fast)"
moment=$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)
t set checksum.crc32c 60% --until "$moment"
is 0
t why checksum.crc32c
has "until $moment: set to 60%"

say 'it ends although nobody is there'
t on search.fast --for 1s
is 0
turned_off()
{
	ask a 'read search.fast'
	[ "$answer" = off ]
}
eventually turned_off

say 'no end, with a reason; over a boot, if that is asked for'
t on search.fast --forever
is 2
has 'add --reason TEXT'
answers a 'read search.fast' off
t on search.fast --forever --reason 'the cache is proved'
is 0
has 'until unset or the next boot'
grep -q '^flag search.fast .*boot=' "$root/state/mysvc/live/overrides" ||
	fail 'no boot'
answers a 'boot search.fast another-boot' 0
eventually turned_off
t on search.fast --forever --persist --reason 'the cache is proved'
is 0
has 'until unset'
grep '^flag search.fast ' "$root/state/mysvc/live/overrides" |
	grep -q 'until=\|boot=' && fail 'an end'
answers a 'read search.fast' on
t on search.fast --persist --for 1h
is 0
has 'until then, over a boot too'

say 'what lowers a share lasts: an end is refused, with the reason'
t off search.fast --for 10m
is 5
has 'nobody would see the optimized arm come back'
answers a 'read search.fast' on
t set checksum.crc32c 5% --until "$moment"
is 5
t set checksum.crc32c 5% --forever --reason x
is 5
t off search.fast parse.simd --persist
is 5
answers a 'read search.fast' on
answers a 'read parse.simd' on

say 'slips'
t on search.fast --for 10m --until "$moment"
is 2
has 'one end is enough'
t on search.fast --until tomorrow
is 2
has 'a time like 2026-11-22T02:10:52Z'
t on search.fast --until 2020-01-01T00:00:00Z
is 2
has 'that is over'
t on search.fast --for soon
is 2
t on search.fast --for 5m -n
is 0
has 'dry run'
has 'until then, or until the next boot'
