# SPDX-License-Identifier: MIT
# completion.sh - what bash offers.

source_dir=${RIPCORD_SOURCE:-$(cd "$here/../.." && pwd)}
. "$source_dir/src/flagctl/completion.bash"
flagctl()
{
	"$FLAGCTL" "$@"
}

# offers WORD... : what is offered for the last of them
offers()
{
	COMP_WORDS=(flagctl "$@")
	COMP_CWORD=$#
	_flagctl
	out=$(printf '%s\n' "${COMPREPLY[@]}" | sort | xargs)
	called="completion of: $*"
}

wants()
{
	[ "$out" = "$1" ] || fail "offers '$out', not '$1'"
}

file mysvc.ini <<< $'[checksum.crc32c]\nstate = on'
file other.ini <<< $'[other.flag]\nstate = on'

offers un
wants 'unpanic unset'
offers -s
offers -s m
wants mysvc
offers -s mysvc off che
wants checksum.crc32c
offers -s other off ''
wants other.flag
offers off --no
wants --no-wait
offers --color a
wants 'always auto'
offers -s mysvc set checksum.crc32c o
wants 'off on'
offers help al
wants all
offers off --wait ''
wants ''
