#!/bin/sh
# documents - runs what the documents tell their readers to run.
#
# Of README.md, scenarios/README.md and docs/*.md, or of those that are named behind it, in
# the order of the text:
#
#   ```sh            commands, run from the top of the tree with sh -e
#   ```sh curl       the same; they need curl
#   ```sh docker     the same; they need a Docker engine, curl and docker-compose
#   ```sh cri        the same; they need containerd, runc and root
#   ```sh swarm      the same; they need Docker's daemon, command line, and root
#   ```sh kubectl    the same; they need kubectl
#   ```sh npm        the same; they need Node.js and npm as well
#   ```sh test       `make test`, of which this script is a part, `make bench`, which
#                    docs/benchmark.md runs, and what takes many minutes: not run here
#   ```sh bench      minutes of measuring: run where STOPBENCH_BENCH is set
#   ```text          what the block before it prints: its lines, in this order. Durations,
#                    decimals, seeds and the engine that was found may differ, a line may
#                    end early in an ellipsis, and a line that begins with three dots
#                    stands for others.
#   ```json          a scenario: it is met ten times of ten on the process engine; one
#                    with a rollout is sound, and is run by a block of commands
#   ```json FILE     the same, and FILE in the repository has the same text
#   ```              a picture
#
# Commands outside of such a block would run nowhere, so indented blocks are failures.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if [ "$bin" != build/bin ]; then
	echo "skip documents: they name build/bin, and the programs under test are in $bin"
	exit 0
fi

result() { # CODE NAME
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		failed=1
	fi
}

# Splits a document into NN.block files, whose first line is the info string.
split() {
	awk -v folder="$2" '
		/^```/ && !inside { inside = 1; n++; file = sprintf("%s/%03d.block", folder, n)
			info = substr($0, 4); print info " :" NR > file; next }
		/^```/ { inside = 0; close(file); next }
		inside { print > file; next }
		/^(    |\t)[^ ]/ && blank { printf "%d: an indented block\n", NR > (folder "/indented") }
		{ blank = ($0 == "") }
	' "$1"
}

# What may differ between two runs becomes "#".
mask() {
	sed -E 's/seed [0-9]+/seed #/g; s/engine (docker|process|cri|swarm|kubernetes)/engine #/
		s/[-+]?[0-9]+(\.[0-9]+)?(ns|us|ms|s)([^a-z]|$)/#\3/g
		s/[-+]?[0-9]+\.[0-9]+/#/g; s/[[:space:]]+/ /g; s/ $//'
}

# Are the lines of $1 in $2, in this order?
same_output() {
	mask <"$1" >"$work/wanted"
	mask <"$2" >"$work/seen"
	awk -v wanted="$work/wanted" '
		function next_wanted() {
			while ((more = (getline line < wanted)) > 0)
				if (line != "" && line !~ /^[^A-Za-z0-9]*\.\.\./) break
			cut = sub(/ ?…$/, "", line)
		}
		BEGIN { next_wanted() }
		more > 0 && (cut ? index($0, line) == 1 : $0 == line) { next_wanted() }
		END { if (more > 0) { print "missing: " line; exit 1 } }
	' "$work/seen"
}

docker_answers() {
	curl -s --max-time 5 --unix-socket /var/run/docker.sock http://docker/_ping 2>/dev/null |
		grep -q OK && { command -v docker-compose >/dev/null; }
}

cri_is_there() {
	[ "$(id -u)" -eq 0 ] && command -v containerd >/dev/null &&
		command -v runc >/dev/null && command -v curl >/dev/null
}

swarm_can_be_had() {
	[ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null && command -v docker >/dev/null &&
		command -v containerd >/dev/null && command -v ip >/dev/null
}

run_commands() { # INFO FILE NAME
	case $1 in
	"sh test") return ;;
	"sh bench") [ -n "${STOPBENCH_BENCH:-}" ] || {
		echo "skip $3: STOPBENCH_BENCH is not set"
		return
	} ;;
	"sh curl") command -v curl >/dev/null || {
		echo "skip $3: no curl"
		return
	} ;;
	"sh kubectl") command -v kubectl >/dev/null || {
		echo "skip $3: no kubectl"
		return
	} ;;
	"sh npm") docker_answers && command -v npm >/dev/null || {
		echo "skip $3: no npm, Docker engine, curl or docker-compose"
		return
	} ;;
	"sh cri") cri_is_there || {
		[ -z "${STOPBENCH_REQUIRE_CRI:-}" ]
		result $? "$3: needs root, containerd, runc and curl"
		echo "skip $3: no root, containerd, runc or curl"
		return
	} ;;
	"sh swarm") swarm_can_be_had || {
		[ -z "${STOPBENCH_REQUIRE_DOCKER:-}" ]
		result $? "$3: needs root, dockerd, docker, containerd and ip"
		echo "skip $3: no root, dockerd, docker, containerd or ip"
		return
	} ;;
	"sh docker") docker_answers || {
		[ -z "${STOPBENCH_REQUIRE_DOCKER:-}" ]
		result $? "$3: needs a Docker engine, curl and docker-compose"
		echo "skip $3: no Docker engine, curl or docker-compose"
		return
	} ;;
	esac
	! grep -q ' &$' "$2" || grep -q '^kill ' "$2"
	result $? "$3: what runs in the background is ended"
	# What runs in the background must not outlive commands that fail.
	{ echo 'trap "kill \$! 2>/dev/null || true" EXIT' && cat "$2"; } >"$work/commands"
	timeout 900 sh -e "$work/commands" >"$work/output" 2>"$work/errors" </dev/null
	code=$?
	result "$code" "$3: the commands succeed"
	[ "$code" -eq 0 ] || cat "$2" "$work/output" "$work/errors"
	ran=1
}

run_scenario() { # INFO FILE NAME
	named=${1#json}
	named=${named# }
	scenario=$work/scenario.json
	cp "$2" "$scenario"
	if [ -n "$named" ]; then
		cmp -s "$2" "$named"
		result $? "$3: $named has the same text"
		scenario=$named
	fi
	if grep -q '"rollout"' "$2"; then
		"$bin/stopbench" validate "$scenario"
		result $? "$3: the scenario is sound"
		return
	fi
	"$bin/stopbench" run --engine process --repeat 10 --report "$work/reports" \
		"$scenario" >"$work/scenario.out" 2>&1
	code=$?
	result "$code" "$3: the scenario is met ten times of ten"
	[ "$code" -eq 0 ] || cat "$work/scenario.out"
}

[ $# -gt 0 ] || set -- README.md scenarios/README.md docs/*.md
for document in "$@"; do
	folder=$work/$(echo "$document" | tr / _)
	mkdir "$folder"
	split "$document" "$folder"
	[ ! -e "$folder/indented" ]
	result $? "$document: commands stand in fenced blocks"
	cat "$folder/indented" 2>/dev/null
	# A file that is named with its folder is there.
	missing=$(grep -oE '`[a-z][A-Za-z0-9_./-]*/[A-Za-z0-9_.-]+\.(c|h|def|md|json|sh|yml)`' "$document" |
		tr -d '`' | sort -u | while read -r path; do
			[ -e "$path" ] || [ -e "$(dirname "$document")/$path" ] || echo "$path"
		done)
	[ -z "$(echo "$missing" | grep -vE '^(reports|build)/')" ]
	result $? "$document: the files that it names exist"
	[ -z "$missing" ] || echo "$missing"
	missing=$(grep -oE '\]\([^)#:]+\)' "$document" | tr -d '()]' | sort -u | while read -r path; do
		[ -e "$(dirname "$document")/$path" ] || echo "$path"
	done)
	[ -z "$missing" ]
	result $? "$document: its links lead to files"
	[ -z "$missing" ] || echo "$missing"
	ran=0
	for block in "$folder"/*.block; do
		[ -e "$block" ] || continue
		head=$(head -n 1 "$block")
		info=${head% :*}
		name=$document:${head##*:}
		sed 1d "$block" >"$work/body"
		case $info in
		sh | "sh "*)
			ran=0
			run_commands "$info" "$work/body" "$name"
			;;
		text)
			[ "$ran" -eq 1 ] || continue
			same_output "$work/body" "$work/output" >"$work/missing"
			code=$?
			result "$code" "$name: the output is what the commands print"
			[ "$code" -eq 0 ] || cat "$work/missing" "$work/output"
			;;
		json | "json "*) run_scenario "$info" "$work/body" "$name" ;;
		"") ;;
		*) result 1 "$name: \"$info\" is a kind of block that nothing runs" ;;
		esac
	done
done
exit $failed
