#!/bin/sh
# `stopbench stop --pid`: processes that are in no container and no children of stopbench.
set -u
test=stop-pid
. test/support/stopbench.sh
pids=

finish() {
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT

# Starts a shell, and waits until it is ready. Its pid is in $pid.
start() { # SCRIPT
	rm -f "$work/ready"
	(cd "$work" && exec sh -c "$1") &
	pid=$!
	pids="$pids $pid"
	for _ in $(seq 100); do
		[ ! -e "$work/ready" ] || break
		sleep 0.05
	done
}

stop() {
	stopbench stop "$@"
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

start 'trap "exit 0" TERM; touch ready; while :; do sleep 0.05; done'
stop --pid "$pid"
check "a process is stopped" ends_with 0 "sh (pid $pid)" "(its grace: 10s)"
check "and is gone" is_gone "$pid"
stop --pid "$pid"
check "one that is not there is named" ends_with 3 "process $pid: No such process"

start 'trap "" TERM; touch ready; while :; do sleep 0.05; done'
stop -t 1 --pid "$pid"
check "SIGKILL comes when the grace is over" \
	ends_with 1 "sh (pid $pid) killed" "after 1." "ignores it" "what it prints"
check "also to what ignores all else" is_gone "$pid"

start 'trap "exit 0" USR1; trap "" TERM; touch ready; while :; do sleep 0.05; done'
stop -s USR1 --pid "$pid" --json
check "another signal can be sent" \
	ends_with 0 '"stop_signal": "SIGUSR1"' '"grace_ns": 10000000000'

start 'trap "exit 3" TERM; touch ready; while :; do sleep 0.05; done'
one=$pid
start 'trap "exit 0" TERM; touch ready; while :; do sleep 0.05; done'
stop -p "$one" -p "$pid"
check "several are stopped" ends_with 1 "sh (pid $one) dirty" "sh (pid $pid)"

for wrong in 0 -1 x "" $$x; do
	stop --pid="$wrong"
	check "\"$wrong\" is no process" ends_with 2 "\"$wrong\" is no pid"
done
stop --compose "$work/none.yml"
check "a compose file that is not there is a mistake of the command line" \
	ends_with 2 "none.yml: No such file or directory"
stop --compose "$work"
check "and so is one that is no file" ends_with 2 "$work: Is a directory"
exit $failed
