#!/bin/sh
# Programs whose stdin, stdout or stderr is closed, as under a careless supervisor. Each
# must come to its end as ever, where libuv would abort over a descriptor below 3 that it
# has to close.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
pid=
failed=0

finish() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
unset STOPBENCH_LEDGER
ulimit -c 0

# COMMAND...: in place of this shell, with the descriptors of $closed closed, and the others
# away from ours.
execute() {
	exec </dev/null >"$work/out" 2>"$work/errors"
	for fd in $closed; do
		eval "exec $fd>&-"
	done
	exec "$@"
}

# The program in $pid listens. It has closed descriptors: no log tells.
listens() {
	for fd in /proc/"$pid"/fd/*; do
		case $(readlink "$fd") in socket:*) return 0 ;; esac
	done
	return 1
}

# ends|serves NAME COMMAND...: it ends by itself, or at SIGTERM, with 0.
check() {
	way=$1
	name=$2
	shift 2
	bad=
	for closed in 0 1 2 "0 1" "0 1 2"; do
		execute "$@" &
		pid=$!
		if [ "$way" = serves ]; then
			for _ in $(seq 300); do
				! listens && kill -0 "$pid" 2>/dev/null || break
				sleep 0.1
			done
			kill -TERM "$pid" 2>/dev/null
		fi
		(sleep 30 && kill -KILL "$pid") 2>/dev/null &
		watchdog=$!
		wait "$pid"
		code=$?
		kill "$watchdog" 2>/dev/null
		pid=
		[ $code -eq 0 ] || bad="$bad, without $closed it ends with $code"
	done
	if [ -z "$bad" ]; then
		echo "ok $name"
	else
		echo "not ok $name$bad"
		failed=1
	fi
}

check ends "stopbench" "$bin/stopbench" --help
check ends "mock-cli" "$bin/mock-cli" --output-format stream-json
check ends "mock-agent --stdio" "$bin/mock-agent" --stdio
check ends "mock-mcp" "$bin/mock-mcp"
check serves "mock-mcp-http" "$bin/mock-mcp" --port 0
check serves "mock-agent" "$bin/mock-agent"
check serves "balancer" "$bin/balancer"
check serves "the service" "$bin/service" --port=0 --store="$work/store"
exit $failed
