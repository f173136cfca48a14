# stopbench - completion for bash. The program itself says what may follow
# (stopbench --complete WORD...); what it leaves to the shell begins with a colon.

# Offers the lines of stdin that begin with what is typed.
_stopbench_offer() {
	local line
	while IFS= read -r line; do
		[[ $line != "$1"* ]] || COMPREPLY+=("$line")
	done
}

_stopbench() {
	local typed=${COMP_WORDS[COMP_CWORD]} scenarios=${BASH_SOURCE[0]%/*}/../../stopbench/scenarios
	local words=() word line

	# "--option=value" is three words of bash's, and one of the program's.
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		if [[ ${#words[@]} -gt 0 && ($word == = || ${words[-1]} == --*=) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done
	[[ $typed != = ]] || typed=
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:FILE | :DIR | :FOLDER | :COMMAND | :SCENARIO)
			compopt -o filenames 2>/dev/null
			_stopbench_offer "$typed" < <(compgen -f -- "$typed")
			;;&
		:COMMAND) _stopbench_offer "$typed" < <(compgen -c -- "$typed") ;;
		:SCENARIO)
			_stopbench_offer "$typed" < <(cd "$scenarios" 2>/dev/null && compgen -f -X '!*.json' -- "$typed")
			_stopbench_offer "$typed" < <(cd "$scenarios" 2>/dev/null && compgen -d -- "$typed")
			;;
		:CONTAINER) _stopbench_offer "$typed" < <(docker ps --format '{{.Names}}' 2>/dev/null) ;;
		:IMAGE) _stopbench_offer "$typed" < <(docker images --format '{{.Repository}}' 2>/dev/null) ;;
		:ID) _stopbench_offer "$typed" < <("$1" explain 2>/dev/null | sed -n 's/^\([A-Z][0-9]*\) .*/\1/p') ;;
		:*) ;;
		*)
			line=${line%%$'\t'*}
			[[ $line != --*=* ]] || line=${line#*=}
			_stopbench_offer "$typed" <<<"$line"
			;;
		esac
	done < <("$1" --complete "${words[@]}" 2>/dev/null)
}

complete -F _stopbench stopbench mock-agent mock-mcp
