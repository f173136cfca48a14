#!/bin/sh
# A service whose stderr nobody reads: the pipe is full before it says its first word.
# It must come up, hear SIGTERM and end with exit code 0 all the same.
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

# Another one may take the port in between: then another is tried.
healthy=1
for port in 38471 38472 38473 38474; do
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
check "it comes up with a log that nobody reads" [ $healthy -eq 0 ]
if [ -n "$pid" ]; then
	kill -TERM "$pid"
	wait "$pid"
	check "it ends with exit code 0" [ $? -eq 0 ]
	pid=
fi
exit $failed
