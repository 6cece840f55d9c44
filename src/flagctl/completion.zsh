#compdef flagctl
# SPDX-License-Identifier: MIT
# zsh completion of flagctl(1).  Every list comes from the tool itself.

_flagctl()
{
	local verb= last=${words[CURRENT-1]} word=${words[CURRENT]}
	local -a place
	integer i

	for ((i = 2; i < CURRENT; i++)); do
		case ${words[i]} in
		-s|--service|--root)
			place+=(${words[i]} ${words[i+1]})
			((i++))
			;;
		--wait|--reason|--ticket|--for|--from|--color)
			((i++))
			;;
		-*)
			;;
		*)
			verb=${words[i]}
			break
			;;
		esac
	done

	case $last in
	-s|--service)
		compadd -- $(flagctl services --json 2>/dev/null |
			sed -n 's/.*"service": "\([^"]*\)".*/\1/p')
		return
		;;
	--root)
		_files -/
		return
		;;
	--from)
		_files
		return
		;;
	--color)
		compadd auto always never
		return
		;;
	--wait|--for|--reason|--ticket)
		return
		;;
	esac
	if [[ $word == -* ]]; then
		compadd -- $(flagctl help --options 2>/dev/null)
		return
	fi
	case $verb in
	'')
		compadd -- $(flagctl help --verbs 2>/dev/null)
		;;
	help)
		compadd -- all $(flagctl help --verbs 2>/dev/null)
		;;
	check|lint)
		_files
		;;
	set)
		if [[ $last != set ]]; then
			compadd on off
			return
		fi
		compadd -- $(flagctl $place list --names 2>/dev/null)
		;;
	list|why|explain|get|on|off|unset)
		compadd -- $(flagctl $place list --names 2>/dev/null)
		;;
	esac
}

_flagctl "$@"
