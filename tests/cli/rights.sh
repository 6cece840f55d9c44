# SPDX-License-Identifier: MIT
# rights.sh - somebody who may not: exit 7, the group, and nothing changed.

file mysvc.ini <<'END'
[checksum.crc32c]
state = on
END
host a
chmod 755 "$root"

# As root: another user.  Else: folders that are closed to ourselves.
if [ "$(id -u)" = 0 ]; then
	cp "$FLAGCTL" "$root/flagctl"
	group=$(stat -c %G "$root/run/mysvc")
	other()
	{
		called="$* (as nobody)"
		out=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$root/flagctl" "$@" 2> "$root/err")
		status=$?
		err=$(cat "$root/err")
	}
else
	group=$(stat -c %G "$root/run/mysvc")
	other()
	{
		chmod 0 "$root"/run/mysvc "$root"/state/mysvc
		t "$@"
		chmod 2770 "$root"/run/mysvc "$root"/state/mysvc
	}
fi

say 'another user is told which group to join'
for call in 'off checksum.crc32c' 'on search.fast' panic unpanic \
	'unset checksum.crc32c' list status 'why search.fast' ps; do
	other $call
	is 7
	has 'not permitted to'
	has "join group $group"
done
answers a 'read checksum.crc32c' on
[ ! -e "$root/state/mysvc/live/PANIC" ] || fail 'a panic by nobody'
other off checksum.crc32c --json
is 7
json '.errors[0].name == "permission"'

say 'what needs no rights works'
other help
is 0
other paths
is 0
has 'closed to you'

if [ "$(id -u)" = 0 ]; then
	say 'a member of the group flips without root'
	end a
	chown -R 65533:65532 "$root/state" "$root/run"
	host a
	out=$(setpriv --reuid 65534 --regid 65534 --groups 65532 \
		"$root/flagctl" off checksum.crc32c 2>&1) || fail "$out"
	grep -q '^ok 1/1' <<< "$out" || fail "$out"
	answers a 'read checksum.crc32c' off

	say 'what root writes belongs to the owner of the directory'
	t on search.fast
	is 0
	for folder in state run; do
		owner=$(stat -c '%u:%g %a' "$root/$folder/mysvc/live/overrides")
		case $owner in
		*:65532\ 660) ;;
		*) fail "$folder: $owner" ;;
		esac
	done
	[ "$(stat -c %u "$root/state/mysvc/live/overrides")" = 65533 ] ||
		fail "$(stat -c %u "$root/state/mysvc/live/overrides")"
fi
