#!/bin/sh
# `stopbench check` on containers that somebody else made: what it says would come of a stop
# is what comes of it, and by looking nothing is changed.
set -u
test=check
. test/support/stopbench.sh
foreign=stopbench-foreign

needs_docker

finish() {
	remove_containers
	rm -rf "$work"
}
trap finish EXIT

make_image || exit 1

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

# Waits until COMMAND... holds, at most 20 s.
await() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

# A server is waited for behind its line.
shell() { # NAME SCRIPT
	run "$1" "$image" busybox sh -c "$2"
	case $2 in
	*httpd*) await_port 80 ;;
	esac
}

# All that a look could have changed. (A shell that forks a sleep is twice there before the
# exec, and has a zombie behind it.)
state() {
	docker inspect -f '{{json .State}} {{.RestartCount}}' "$container"
	docker logs "$container" 2>&1
	docker exec "$container" busybox ps -o args 2>/dev/null |
		grep -v -e 'ps -o' -e sleep -e '^\[' | sort -u
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

handles='trap "exit 0" TERM; echo up; while :; do busybox sleep 1; done'
serves='echo up; exec busybox httpd -f -p 80'

shell handler "$handles"
agree 0 0 clean "$container no fault seen SIGTERM, and SIGKILL after 10s" \
	"(busybox sleep 1), which" "Not known: Whether a handler"

shell default "$serves"
agree 1 1 W1 "$container will fail" "W1 will fail: PID 1 (busybox) has no handler for SIGTERM" \
	"Cure: Install a handler"

shell shell 'echo up; busybox httpd -f -p 80; true'
agree 1 1 W3 "W3 will fail: PID 1 is busybox" "never receives it" "Cure: Make busybox PID 1: \`CMD ["

shell ignores 'trap "" TERM; echo up; while :; do busybox sleep 0.05; done'
agree 1 1 W2 "W2 will fail: PID 1 (busybox) ignores SIGTERM"

shell trap 'trap "exit 0" TERM; echo up; busybox httpd -f -p 80; true'
agree 1 1 W4 "W4 will fail: PID 1 (busybox) is a shell with a trap"

shell wait 'trap "kill \$!; wait; exit 0" TERM; busybox httpd -f -p 80 & echo up; wait'
agree 0 0 clean "no fault seen"

options='--stop-signal USR1'
shell signal "$handles"
agree 1 1 W5 "W5 will fail: PID 1 (busybox) has no handler for SIGUSR1" "it handles SIGTERM"

options='--stop-signal INT'
shell background 'busybox httpd -f -p 80 & echo up; wait'
agree 0 1 X8 "X8 may fail: PID 1 (busybox) catches SIGINT by itself" \
	"H3 may fail: busybox" "ignores or blocks SIGINT"

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
has_both() {
	docker exec "$container" busybox ps -o ppid,args >"$work/ps"
	grep -q '^ *0 busybox sleep 100$' "$work/ps" &&
		grep -q '^ *1 busybox sleep 200$' "$work/ps"
}
await has_both
agree 0 1 L1 "L1 may fail: busybox" "is an orphan" "is in a session from outside"

shell json 'echo up; exec busybox httpd -f -p 80'
look --json "$container"
check "programs can read it" ends_with 1 '"outlook": "will fail"' '"id": "W1"' \
	'"grace_ns": 10000000000' '"not_seen": null'
look -s HUP -t -1 "$container"
check "another signal and no grace can be asked for" \
	ends_with 0 "no fault seen SIGHUP, and never SIGKILL"

# As somebody who may use the daemon, and is not root.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && [ -S /var/run/docker.sock ]; then
	group=$(stat -c %g /var/run/docker.sock)
	setpriv --reuid=65534 --regid=65534 --groups="$group" "$bin/stopbench" check "$container" \
		>"$work/out" 2>&1
	code=$?
	check "who is not root is told what could not be seen, and how to see it" \
		ends_with 0 "W1 may fail: PID 1 (busybox) catches no SIGTERM by its masks" \
		"Not seen: what its processes wait in" "As root it can be seen"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/stopbench" check "$container" \
		>"$work/out" 2>&1
	code=$?
	check "who may not use the daemon is told who may" \
		ends_with 3 "Permission denied: the Docker daemon's socket is for root"
fi

cat >"$work/stacks.json" <<'END'
{"stacks": [{"name": "busybox httpd", "command": "^busybox httpd", "timeout": "30s",
             "source": "this test"}]}
END
look -s HUP --stacks "$work/stacks.json" "$container"
check "programs of one's own are known by a file" \
	ends_with 0 "H15 may fail: busybox httpd may take 30.0s for its own graceful stop" \
	"Time for a graceful stop: 30.0s busybox httpd (its default)"
echo '{"stacks": [{}]}' >"$work/stacks.json"
look --stacks "$work/stacks.json" "$container"
check "which has to be right" ends_with 2 "stacks.json:1:13"

options='--restart always'
shell crash 'echo up; exit 3'
for _ in $(seq 400); do
	case $(docker inspect -f '{{.State.Status}} {{.RestartCount}}' "$container") in
	restarting\ [5-9]) break ;; # for 3.2 s at least
	esac
	sleep 0.05
done
look "$container"
check "a container between two starts has ended" \
	ends_with 1 "X10 will fail: it has no process now" "exit code 3" "Restart policy: always"
docker stop "$container" >/dev/null
look "$container"
check "what does not run cannot be looked at" ends_with 3 "is not running"
look
check "a container has to be named" ends_with 2 "name a container"
look "$name-json" "$name-nobody"
check "one that is not there is named" ends_with 3 "W1 will fail" "No such container: $name-nobody"

sh -c 'trap "" TERM; touch "$0"; while :; do sleep 0.1; done' "$work/ready" &
pid=$!
await [ -e "$work/ready" ]
look --pid "$pid"
check "a process that is in no container can be looked at" \
	ends_with 1 "sh (pid $pid) will fail" "W2 will fail: sh (pid $pid) ignores SIGTERM"
check "and runs on" kill -0 "$pid"
kill -KILL "$pid"

# Programs of packages, where `make foreign` has made their image.
if docker image inspect "$foreign" >/dev/null 2>&1; then
	apps=foreign/apps
	options='--stop-signal WINCH'
	run nginx "$foreign" $apps/nginx.sh 8000
	has_worker() {
		docker top "$container" | grep -q 'nginx: worker'
	}
	await has_worker
	agree 1 1 W5 "W5 will fail: PID 1 (nginx) is nginx: SIGWINCH does nothing"
	options='-e PORT=8000'
	run node "$foreign" node $apps/node/server.js
	agree 0 1 W11 "W11 may fail: PID 1 (node) catches SIGTERM and SIGINT, as Node.js does"
	options='-e PORT=8000 -e HANDLER=1'
	run npm "$foreign" npm --prefix $apps/node start
	for _ in $(seq 100); do
		docker logs "$container" 2>&1 | grep -q ready && break
		sleep 0.1
	done
	agree 1 1 W3 "W3 will fail: PID 1 (npm start) passes SIGTERM on to sh" \
		"which has a handler for it, never receives it"
	run tini "$foreign" tini -- sh -c "/usr/bin/python3 $apps/drains.py; true"
	agree 1 1 W3 "W3 will fail: PID 1 (tini) passes SIGTERM on to sh" \
		"which has a handler for it, never receives it"
	run python "$foreign" /usr/bin/python3 -u $apps/drains.py
	agree 0 0 clean "$container no fault seen"
	run dash "$foreign" dash -c "trap 'exit 0' TERM; /usr/bin/python3 $apps/drains.py; true"
	agree 1 1 W4 "W4 will fail: PID 1 (dash) is a shell with a trap"
fi
exit $failed
