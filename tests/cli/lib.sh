# SPDX-License-Identifier: MIT
# lib.sh - what scenarios are made of; sourced by tests/cli/run.
#
#	file NAME <<'END'		writes a file of the configuration
#	host NAME [OPTION...]		starts a host; ${pid[NAME]}
#	degraded TEXT NAME [OPTION...]	one that says TEXT at its start
#	ask NAME COMMAND		its answer, in $answer
#	end NAME			ends it in order
#	t ARGUMENT...			calls flagctl; $status, $out, $err
#	is CODE				what $status has to be
#	has TEXT, lacks TEXT		what $out and $err have to (not) contain
#	json EXPRESSION			what jq -e says of $out has to be true
#	eventually COMMAND...		within ten seconds
#
# The first expectation that is not met ends the scenario.

root=$(mktemp -d "${TMPDIR:-/tmp}/ripcord-cli.XXXXXX")
export RIPCORD_ROOT=$root
unset RIPCORD_SERVICE NO_COLOR
mkdir "$root/etc"
service=mysvc
status=0 out= err= answer= called= result=
declare -A pid=() children=() host_in=() host_out=()

leave()
{
	local name

	for name in "${!pid[@]}"; do
		kill -CONT ${children[$name]} "${pid[$name]}" 2>/dev/null
		kill -KILL ${children[$name]} "${pid[$name]}" 2>/dev/null
	done
	rm -rf "$root"
}
trap leave EXIT

fail()
{
	echo "${BASH_SOURCE[-1]##*/}:${BASH_LINENO[1]}: $*"
	echo "--- last call: flagctl $called: exit $status"
	printf '%s\n' "$out" "$err"
	echo '--- files'
	find "$root" -type f -path '*live*' -exec tail -v -n +1 {} +
	exit 1
}

say()
{
	echo "- $*"
}

file()
{
	mkdir -p "$(dirname "$root/etc/$1")"
	cat > "$root/etc/$1.new"
	mv "$root/etc/$1.new" "$root/etc/$1"
}

# launch NAME OPTION...: its first line, in $answer
launch()
{
	local name=$1

	shift
	mkfifo "$root/$name.in" "$root/$name.out"
	"$HOST" "$service" --root "$root" "$@" \
		< "$root/$name.in" > "$root/$name.out" &
	pid[$name]=$!
	disown $!
	exec {host_in[$name]}> "$root/$name.in"
	exec {host_out[$name]}< "$root/$name.out"
	read -r -t 20 answer <&"${host_out[$name]}" ||
		fail "host $name is mute"
	read -r _ result _ children[$name] <<< "${answer%% :*}"
}

host()
{
	launch "$@"
	[ "$result" = 0 ] || fail "host $1: $answer"
}

# degraded TEXT NAME OPTION...: it runs, and says what does not work
degraded()
{
	local text=$1

	shift
	launch "$@"
	case $result:$answer in
	[1-9]*:*"$text"*) ;;
	*) fail "host $1: $answer" ;;
	esac
}

ask()
{
	local name=$1

	shift
	echo "$*" >&"${host_in[$name]}"
	read -r -t 20 answer <&"${host_out[$name]}" ||
		fail "host $name does not answer $*"
	case $answer in
	child\ *) children[$name]+=" ${answer#child }" ;;
	esac
}

# answers NAME COMMAND ANSWER
answers()
{
	ask "$1" "$2"
	[ "$answer" = "$3" ] || fail "$1: $2: '$answer', not '$3'"
}

gone()
{
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

end()
{
	echo exit >&"${host_in[$1]}"
	eventually gone "${pid[$1]}"
	exec {host_in[$1]}>&- {host_out[$1]}<&-
	rm "$root/$1.in" "$root/$1.out"
	unset "pid[$1]"
}

crash()
{
	echo crash >&"${host_in[$1]}"
	eventually gone "${pid[$1]}"
	exec {host_in[$1]}>&- {host_out[$1]}<&-
	rm "$root/$1.in" "$root/$1.out"
}

t()
{
	called=$*
	"$FLAGCTL" "$@" > "$root/out" 2> "$root/err" < /dev/null
	status=$?
	out=$(cat "$root/out")
	err=$(cat "$root/err")
}

is()
{
	[ "$status" -eq "$1" ] || fail "exit $status, not $1"
}

has()
{
	case "$out$err" in
	*"$1"*) ;;
	*) fail "nowhere: $1" ;;
	esac
}

lacks()
{
	case "$out$err" in
	*"$1"*) fail "there is: $1" ;;
	esac
}

json()
{
	jq -e "$1" <<< "$out" > /dev/null || fail "not true: $1"
}

# Everything that differs between two runs gets a name.
mask()
{
	sed -E -e "s,$root,ROOT,g" \
	    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/TIME/g' \
	    -e 's/[0-9]+(\.[0-9]+)? (ms|s|min)\b/SPAN/g' \
	    -e 's/\bpid [0-9]+/pid PID/g' \
	    -e 's/board [0-9]+/board BOARD/g' -e 's/ +$//'
}

# shows <<'END': standard output, masked.
shows()
{
	local want got

	want=$(cat)
	got=$(mask <<< "$out")
	[ "$want" = "$got" ] ||
		fail "output differs:$(diff <(echo "$want") <(echo "$got"))"
}

eventually()
{
	local i

	for i in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	fail "did not come true: $*"
}

# state_is FLAG on|off, for eventually
state_is()
{
	[ "$("$FLAGCTL" get "$1" 2>/dev/null)" = "$2" ]
}

# registered PID, for eventually: a child does so at the end of its fork()
registered()
{
	[ -n "$(find "$root/run/$service/proc" -name "$1.*")" ]
}

# host_says NAME FLAG on|off, for eventually
host_says()
{
	ask "$1" "read $2"
	[ "$answer" = "$3" ]
}
