#!/bin/sh
# Programs started with SIGTERM and SIGCHLD blocked, as by a careless supervisor. Each
# must end at SIGTERM all the same, and a run must notice that its processes end.
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

check() { # NAME CODE
	if [ "$2" -eq 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1 ($2)"
		failed=1
	fi
}

blocked() {
	exec env --block-signal=TERM --block-signal=CHLD "$@"
}

# Waits until the log of the program in $pid has EVENT, sends SIGTERM and gives the exit
# code; 137: it had to be killed.
stop_after() {
	for _ in $(seq 300); do
		! grep -q "$1" "$work/log" || break
		sleep 0.1
	done
	kill -TERM "$pid"
	(sleep 10 && kill -KILL "$pid") 2>/dev/null &
	watchdog=$!
	wait "$pid"
	code=$?
	kill "$watchdog" 2>/dev/null
	pid=
	return $code
}

if ! (blocked true) 2>/dev/null; then
	echo "skip env(1) cannot block signals here"
	exit 0
fi
unset STOPBENCH_LEDGER

blocked "$bin/service" --port=0 --store="$work/store" 2>"$work/log" &
pid=$!
stop_after service.listening
check "the service ends at a SIGTERM that was blocked when it started" $?

: >"$work/log"
blocked "$bin/mock-agent" 2>"$work/log" &
pid=$!
stop_after agent.listening
check "mock-agent ends at a SIGTERM that was blocked when it started" $?

: >"$work/log"
mkfifo "$work/in"
exec 4<>"$work/in"
blocked "$bin/mock-mcp" 2>"$work/log" <"$work/in" >/dev/null &
pid=$!
stop_after process.start
check "mock-mcp ends at a SIGTERM that was blocked when it started" $?

timeout -k 1 60 env --block-signal=TERM --block-signal=CHLD \
	"$bin/stopbench" run scenarios/baseline/10-idle.json >"$work/run" 2>&1
check "a run comes to its end with SIGCHLD blocked when it started" $?
exit $failed
