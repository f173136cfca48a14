#!/bin/sh
# `stopbench check` on containers that somebody else made: what it says would come of a stop
# is what comes of it, and by looking nothing is changed.
set -u
bin=${PROGRAMS:-build/bin}
name=stopbench-test-check-$$
image=$name
foreign=stopbench-foreign
work=$(mktemp -d)
failed=0

skip_or_fail() {
	if [ -n "${STOPBENCH_REQUIRE_DOCKER:-}" ]; then
		echo "not ok check: $1, and STOPBENCH_REQUIRE_DOCKER is set"
		exit 1
	fi
	echo "skip check: $1"
	exit 0
}

docker version >/dev/null 2>&1 || skip_or_fail "no Docker engine answers, or there is no docker"
[ -x /bin/busybox ] || skip_or_fail "there is no /bin/busybox"

finish() {
	docker ps -aq --filter "name=$name" | xargs -r docker rm -f >/dev/null 2>&1
	docker rmi -f "$image" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT

mkdir "$work/bin"
cp /bin/busybox "$work/bin/"
tar -C "$work" -c bin | docker import -c 'ENV PATH=/bin' - "$image" >/dev/null || exit 1

check() { # WHAT COMMAND...
	what=$1
	shift
	if "$@"; then
		echo "ok $what"
	else
		echo "not ok $what (exit code $code)"
		cat "$work/out"
		failed=1
	fi
}

# Words of one paragraph, wherever its lines break.
ends_with() { # CODE WORDS...
	[ "$code" -eq "$1" ] || return 1
	shift
	for words in "$@"; do
		tr -s ' \t\n' ' ' <"$work/out" | grep -qF -- "$words" || return 1
	done
}

look() {
	"$bin/stopbench" check "$@" >"$work/out" 2>&1
	code=$?
}

# Runs a container until it has printed a line: NAME IMAGE ARGUMENT... Options for docker
# run are in $options.
options=
run() {
	container=$name-$1
	shift
	# shellcheck disable=SC2086
	docker run -d --pull never --name "$container" $options "$@" >/dev/null
	options=
	for _ in $(seq 200); do
		[ -z "$(docker logs "$container" 2>&1)" ] || break
		sleep 0.05
	done
}

shell() { # NAME SCRIPT
	run "$1" "$image" busybox sh -c "$2"
}

# All that a look could have changed.
state() {
	docker inspect -f '{{json .State}} {{.RestartCount}}' "$container"
	docker logs "$container" 2>&1
	docker exec "$container" busybox ps -o pid,args 2>/dev/null | grep -v 'ps -o' | grep -v sleep
}

# CODE STOP_CODE ID WORDS...: a look at the container ends with the code and says so, the
# stop of it says so as well, and in between nothing has changed. ID "clean": no diagnosis.
agree() {
	expected=$1 stopped=$2 id=$3
	shift 3
	state >"$work/before"
	look "$container"
	check "$container: $id is foreseen" ends_with "$expected" "$@"
	state >"$work/after"
	check "$container: a look changes nothing" cmp "$work/before" "$work/after"
	"$bin/stopbench" stop -t 2 "$container" >"$work/out" 2>&1
	code=$?
	check "$container: $id comes of the stop" ends_with "$stopped" "$id "
}

handles='trap "exit 0" TERM; echo up; while :; do busybox sleep 0.3; done'
serves='echo up; exec busybox httpd -f -p 80'

shell handler "$handles"
agree 0 0 clean "$container no fault seen SIGTERM, and SIGKILL after 10s" \
	"(busybox sleep 0.3), which" "Not known: Whether a handler"

shell default "$serves"
agree 1 1 W1 "$container will fail" "W1 will fail: PID 1 (busybox) has no handler for SIGTERM" \
	"Cure: Install a handler"

shell shell 'echo up; busybox httpd -f -p 80; true'
agree 1 1 W3 "W3 will fail: PID 1 is busybox" "never receives it" "Cure: Make the program"

shell ignores 'trap "" TERM; echo up; while :; do busybox sleep 0.05; done'
agree 1 1 W2 "W2 will fail: PID 1 (busybox) ignores SIGTERM"

shell trap 'trap "exit 0" TERM; echo up; busybox httpd -f -p 80; true'
agree 1 1 W4 "W4 will fail: PID 1 (busybox) is a shell with a trap"

shell wait 'trap "kill \$!; wait; exit 0" TERM; busybox httpd -f -p 80 & echo up; wait'
agree 0 0 clean "no fault seen"

options='--stop-signal USR1'
shell signal "$handles"
agree 1 1 W5 "W5 will fail: PID 1 (busybox) has no handler for SIGUSR1" "it handles SIGTERM"

options=--init
shell init "$serves"
agree 1 1 X9 "X9 will fail: PID 1 (" "passes SIGTERM on to busybox" "exit code 143"

options=--init
shell init-handler "$handles"
agree 0 0 clean "no fault seen"

options=--init
shell init-shell 'echo up; busybox httpd -f -p 80; true'
agree 1 1 W3 "W3 will fail: PID 1 (" "never receives it"

options=--init
shell init-ignores 'trap "" TERM; echo up; while :; do busybox sleep 0.05; done'
agree 1 1 H3 "H3 will fail: PID 1 (" "ignores SIGTERM"

shell exec "$handles"
docker exec -d "$container" busybox sleep 100
docker exec "$container" busybox sh -c 'busybox setsid busybox sh -c "busybox sleep 200 &"' >/dev/null
sleep 0.2
agree 0 1 L1 "L1 may fail: busybox" "is an orphan" "is in a session from outside"

exit $failed
