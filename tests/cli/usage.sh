# SPDX-License-Identifier: MIT
# usage.sh - help, exit codes, the choice of the service, JSON of every verb.

say 'no service'
t list
is 3
has 'no service has files here'
t -s mysvc list
is 3
has 'no such service: mysvc'
t -s '../mysvc' list
is 2
has 'cannot be a service'

say 'help: ten verbs in four groups, each with a worked line'
t
is 0
[ "$(grep -c '^  [a-z]' <<< "$out")" -le 10 ] || fail 'too many verbs'
[ "$(grep -c '^           \$ flagctl ' <<< "$out")" = \
	"$(grep -c '^  [a-z]' <<< "$out")" ] || fail 'a verb without an example'
[ "$(grep -cE '^(See|Change|Undo|Files)$' <<< "$out")" = 4 ] ||
	fail 'not four groups'
t help all
is 0
for verb in list status why get ps paths services check lint init reload on \
	off set unset panic unpanic watch help version; do
	grep -q "^  $verb\b" <<< "$out" || fail "help all lacks $verb"
	"$FLAGCTL" help "$verb" | grep -q "^  \$ .*flagctl" ||
		fail "help $verb has no example"
	"$FLAGCTL" help --mdoc-list | grep -q "^\.It Cm $verb\b" ||
		fail "the list for the manual lacks $verb"
done
[ "$("$FLAGCTL" help --verbs | wc -l)" = 21 ] || fail 'help --verbs'
t off --help
is 0
has 'Turns flags off'
t help nothing
is 2
t --version
is 0
has 'flagctl (ripcord) '

say 'calls that cannot be'
t of
is 2
has 'no such verb: of'
t statsu
is 2
has 'did you mean status?'
t off
is 2
has 'off takes FLAG'
t set a
is 2
t list --dry-run
is 2
has 'list does not take --dry-run'
t unset a --for 5m
is 2
has 'unset does not take --for'
t list --jsno
is 2
has 'did you mean --json?'
t off a --wait 5
is 2
has 'accepted are 500ms, 5s, 2m, 1h'
t off a --wait
is 2
has 'needs an argument'
t list --color blue
is 2

say 'which service'
file mysvc.ini < /dev/null
t list
is 0
file other.ini < /dev/null
t list
is 2
has 'which service?'
has 'mysvc other'
t -s other list
is 0
RIPCORD_SERVICE=mysvc t paths
is 0
has "$root/state/mysvc"
t -s nothing list
is 3
has 'services here: mysvc other'
t services
is 0
[ "$(tail -n +2 <<< "$out" | awk '{ print $1 }' | xargs)" = 'mysvc other' ] ||
	fail 'services does not list both'
rm "$root/etc/other.ini"

say 'JSON of every verb, also where it fails'
host a
for call in '' list status 'why search.fast' 'get search.fast' ps paths \
	services check 'init -n' reload 'on search.fast' 'off search.fast' \
	'set search.fast on' 'unset search.fast' panic unpanic 'help off' \
	'help all' version 'list --names' 'watch --for 300ms' \
	'off search.fast -n' 'panic -n' 'unpanic -n' 'off search.fast --no-wait'
do
	t $call --json
	is 0
	while read -r line; do
		jq -e '.v == 1' <<< "$line" > /dev/null ||
			fail "an object without a version: $line"
	done < <(jq -c . <<< "$out")
	[ -n "$out" ] || fail 'no JSON'
	[ -z "$err" ] || fail 'something on standard error'
done
while read -r code call; do
	t $call --json
	is "$code"
	json ".v == 1 and .exit == $code and .errors[0].code == $code"
	[ -z "$err" ] || fail 'something on standard error'
done <<'END'
2 of
2 off
3 off no.such
3 get no.such
3 -s nothing list
2 set search.fast 5.0001%
END

say 'plain text without a terminal, colour where it is asked for'
t list
lacks $'\033'
t list --color always
has $'\033'
NO_COLOR=1 t list
lacks $'\033'
