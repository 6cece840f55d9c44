# SPDX-License-Identifier: MIT
# bash completion of flagctl(1).  Every list comes from the tool itself.

_flagctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} last= verb= i
	local -a place=()

	[ "$COMP_CWORD" -gt 0 ] && last=${COMP_WORDS[COMP_CWORD-1]}
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --service | --root)
			place+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}")
			((i++))
			;;
		--wait | --reason | --ticket | --for | --from | --color)
			((i++))
			;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	COMPREPLY=()
	case $last in
	-s | --service)
		COMPREPLY=($(compgen -W "$(flagctl services --json \
			2>/dev/null | sed -n \
			's/.*"service": "\([^"]*\)".*/\1/p')" -- "$word"))
		return
		;;
	--root)
		COMPREPLY=($(compgen -d -- "$word"))
		return
		;;
	--from)
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	--color)
		COMPREPLY=($(compgen -W 'auto always never' -- "$word"))
		return
		;;
	--wait | --for | --reason | --ticket)
		return
		;;
	esac
	if [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W \
			"$(flagctl help --options 2>/dev/null)" -- "$word"))
		return
	fi
	case $verb in
	'')
		COMPREPLY=($(compgen -W \
			"$(flagctl help --verbs 2>/dev/null)" -- "$word"))
		;;
	help)
		COMPREPLY=($(compgen -W \
			"all $(flagctl help --verbs 2>/dev/null)" -- "$word"))
		;;
	check | lint)
		COMPREPLY=($(compgen -f -- "$word"))
		;;
	set)
		if [ "$last" != set ]; then
			COMPREPLY=($(compgen -W 'on off' -- "$word"))
			return
		fi
		;&
	list | why | explain | get | on | off | unset)
		COMPREPLY=($(compgen -W \
			"$(flagctl "${place[@]}" list --names 2>/dev/null)" \
			-- "$word"))
		;;
	esac
}

complete -F _flagctl flagctl
