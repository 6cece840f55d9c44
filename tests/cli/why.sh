# SPDX-License-Identifier: MIT
# why.sh - why reports the word; it does not compute it.

host a
host b --fork 1
follower=${children[b]}

eventually registered "$follower"
t why search.fast
is 0
has 'search.fast is off: its compiled default'
has "follows board"
has "${pid[a]}"
has "$follower"

say 'a word that differs is an error, loudly'
answers a 'poke search.fast 1' 0
answers a 'read search.fast' on
poked()
{
	! "$FLAGCTL" why search.fast > /dev/null 2>&1
}
eventually poked
t why search.fast
is 1
has "search.fast: pid ${pid[a]} (host): word says on, layers say off"
lacks "pid ${pid[b]} (host): word"
t list search.fast
is 0
has "pid ${pid[a]} (host) reports on"
t why search.fast --json
is 1
json '.errors[0].text | contains("word says on, layers say off")'
json ".processes[] | select(.pid == ${pid[a]}) | .state == \"on\""
json '.layers[] | select(.wins) | .layer == "default"'

say 'the next change mends it'
t off search.fast
is 0
answers a 'read search.fast' off
t why search.fast
is 0
has 'turned off by '

say 'a flag that only one process has'
answers a 'read only.here' off
eventually state_is only.here off
t why only.here
is 0
has 'does not have this flag'

say 'nobody knows it'
t why no.such.flag
is 3
