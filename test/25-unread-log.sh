#!/bin/sh
# Programs whose stderr nobody reads: the pipe is full before they say their first word.
# Each must come up, hear how it is stopped and end with exit code 0 all the same.
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

check() { # NAME COMMAND...
	name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		failed=1
	fi
}

mkfifo "$work/log"
exec 3<>"$work/log" # held open, and never read before the end
dd if=/dev/zero of="$work/log" bs=4096 count=16 2>/dev/null

unset STOPBENCH_LEDGER

# Gives the exit code of one that was sent SIGTERM, or 124.
stop() {
	kill -TERM "$pid"
	(sleep 10 && kill -KILL "$pid" && touch "$work/late") 2>/dev/null &
	watchdog=$!
	wait "$pid"
	code=$?
	kill "$watchdog" 2>/dev/null
	pid=
	[ ! -e "$work/late" ] || code=124
	return $code
}

# Another one may take the port in between: then another is tried.
healthy=1
for port in 18471 18472 18473 18474; do
	"$bin/service" --port="$port" --store="$work/store" 2>"$work/log" &
	pid=$!
	for _ in $(seq 300); do
		"$bin/service" --health="$port" 2>/dev/null && healthy=0 && break 2
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	pid=
done
check "the service comes up with a log that nobody reads" [ $healthy -eq 0 ]
if [ -n "$pid" ]; then
	stop
	check "the service ends with exit code 0" [ $? -eq 0 ]
fi

"$bin/mock-agent" --port-file="$work/port" 2>"$work/log" &
pid=$!
for _ in $(seq 100); do
	[ ! -e "$work/port" ] || break
	sleep 0.1
done
timeout -k 1 10 "$bin/mock-agent" --health="$(cat "$work/port")" 2>/dev/null
check "mock-agent comes up with a log that nobody reads" [ $? -eq 0 ]
stop
check "mock-agent ends with exit code 0" [ $? -eq 0 ]

ping='{"jsonrpc":"2.0","id":1,"method":"ping"}'
printf '%s\n' "$ping" | timeout -k 1 10 "$bin/mock-mcp" 2>"$work/log" >"$work/answer"
check "mock-mcp ends at EOF with a log that nobody reads" [ $? -eq 0 ]
check "mock-mcp answers" grep -q '"result":{}' "$work/answer"

: >"$work/answer"
mkfifo "$work/in"
exec 4<>"$work/in"
"$bin/mock-mcp" 2>"$work/log" <"$work/in" >"$work/answer" &
pid=$!
printf '%s\n' "$ping" >&4
for _ in $(seq 100); do
	[ ! -s "$work/answer" ] || break
	sleep 0.1
done
stop
check "mock-mcp ends at SIGTERM" [ $? -eq 0 ]
exit $failed
