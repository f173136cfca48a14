#!/bin/sh
# Programs that may open too few files for libuv. Each must say so and end, where libuv
# would abort, or turn for ever on a loop that is only half made.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
failed=0
trap 'rm -rf "$work"' EXIT
unset STOPBENCH_LEDGER

# NAME CODE COMMAND...: the command ends with CODE whatever the limit is, and names it.
check() {
	name=$1
	code=$2
	shift 2
	bad=
	for limit in 4 5 6 7 8 9 12 16 24; do
		(
			exec >"$work/out" 2>&1
			ulimit -c 0
			ulimit -n $limit
			exec "$@"
		) &
		pid=$!
		(sleep 10 && kill -KILL "$pid") 2>/dev/null &
		watchdog=$!
		wait "$pid"
		got=$?
		kill "$watchdog" 2>/dev/null
		if [ $got -ne "$code" ] || ! grep -q RLIMIT_NOFILE "$work/out"; then
			bad="$bad $limit:$got"
		fi
	done
	if [ -z "$bad" ]; then
		echo "ok $name"
	else
		echo "not ok $name:$bad"
		failed=1
	fi
}

check "the service does not start" 1 "$bin/service" --port=0 --store="$work/store"
check "mock-agent does not start" 3 "$bin/mock-agent"
check "mock-mcp does not start" 1 "$bin/mock-mcp"
check "nothing is run" 3 "$bin/stopbench" run scenarios/baseline/10-idle.json
exit $failed
