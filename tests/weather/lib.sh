# SPDX-License-Identifier: MIT
# lib.sh - what bad weather is made of; sourced by the scenarios of this folder
# after tests/cli/lib.sh.
#
#	good			a configuration unlike every compiled default
#	in_force [NAME]		the host lives and has just these values
#	reports TEXT		for eventually: a process says so in status
#	refused TEXT		all that has to hold while a file is refused
#	clear			good files again, and nobody complains
#	put NAME < BYTES	a file of the configuration, renamed into place
#	as_root WHAT		false, and says what is skipped, for others
#	soaking			whether the long form is wanted: ./dev soak

main=$root/etc/mysvc.ini
dropins=$root/etc/mysvc.d

good()
{
	file mysvc.ini <<-'END'
	[checksum.crc32c]
	state = on
	[parse.simd]
	state = off
	END
}

alive()
{
	local name=${1:-a}

	ask "$name" 'read checksum.crc32c'
	grep -q '^State:.[SR]' "/proc/${pid[$name]}/status" ||
		fail "host $name is not alive"
}

in_force()
{
	alive "${1:-a}"
	answers "${1:-a}" 'read checksum.crc32c' on
	answers "${1:-a}" 'read parse.simd' off
}

# is_in_force: the same for eventually.
is_in_force()
{
	host_says a checksum.crc32c on && host_says a parse.simd off
}

# defaults_in_force: for eventually.
defaults_in_force()
{
	host_says a checksum.crc32c off && host_says a parse.simd on
}

reports()
{
	"$FLAGCTL" status --json 2> /dev/null |
		jq -e --arg text "$1" \
		'any(.process_errors[]?; .error | contains($text))' > /dev/null
}

silent()
{
	"$FLAGCTL" status --json 2> /dev/null |
		jq -e '.process_errors | length == 0' > /dev/null
}

applied()
{
	"$FLAGCTL" status --json 2> /dev/null |
		jq -e '.config_applied == .drivers_thread' > /dev/null
}

# word FLAG: the state word, whose stamp changes with each publication.
word()
{
	"$FLAGCTL" why "$1" --json | jq -r '.processes[0].word'
}

# What the host says, what flagctl says, and that nothing claims to be well.
refused()
{
	local code=${2:-6}

	eventually reports "$1"
	in_force
	t status
	has "$1"
	has 'refused, see below'
	has '(file not applied; generation '
	t check
	is "$code"
	has "$1"
	lacks 'ok:'
	t reload
	is 6
	has "$1"
	lacks 'ok '
	t list
	has 'checksum.crc32c  on'
	has 'parse.simd       off'
}

clear()
{
	good
	eventually silent
	eventually applied
	in_force
}

put()
{
	mkdir -p "$(dirname "$root/etc/$1")"
	cat > "$root/etc/$1.new"
	mv -T "$root/etc/$1.new" "$root/etc/$1"
}

as_root()
{
	[ "$(id -u)" = 0 ] && return
	say "skipped, needs root: $*"
	return 1
}

soaking()
{
	[ -n "${WEATHER_LONG:-}" ]
}

# as_nobody COMMAND...: without root's rights, if we have them.
as_nobody()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
