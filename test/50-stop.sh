#!/bin/sh
# `stopbench stop` on containers that somebody else made: each kind of container once, what
# it says of it, and that nothing but the stop has been done to it.
set -u
test=stop
. test/support/stopbench.sh

needs_docker

finish() {
	remove_containers
	rm -rf "$work"
}
trap finish EXIT

make_image || exit 1

# Stops at SIGTERM with code 0, and says so.
handles='trap "echo bye; exit 0" TERM; trap "echo int; exit 0" INT; echo up
	while :; do busybox sleep 0.05; done'

# Runs a container: NAME SCRIPT [OPTION...], until it has printed a line.
run() {
	container=$name-$1
	script=$2
	shift 2
	docker run -d --pull never --name "$container" "$@" "$image" busybox sh -c "$script" \
		>/dev/null
	for _ in $(seq 100); do
		[ -z "$(docker logs "$container" 2>&1)" ] || break
		sleep 0.05
	done
}

stop() {
	stopbench stop "$@"
}

state() {
	docker inspect -f "{{.State.$1}}" "$container"
}

run other "$handles"
started=$(state StartedAt)

run clean "$handles"
stop "$container"
check "a clean stop is told as one, with the last words" \
	ends_with 0 "$container clean 0 after" "Last words: \"bye\"" "after the signal"
check "what was stopped is still there" [ "$(state Status)" = exited ]
stop "$container"
check "what does not run is not stopped" \
	ends_with 3 "is not running (exit code 0): \`docker stop\` would do nothing"

run shell 'echo up; busybox httpd -f -p 127.0.0.1:80; true'
stop -t 1 "$container"
check "a shell that passes nothing on is the reason, with its cure" \
	ends_with 1 "$container killed 137 after 1." "(grace: 1s)" "W3 PID 1 is busybox" \
	"so busybox" "never received it" \
	"Cure: Make busybox PID 1: \`CMD [\"busybox\",\"sh\",\"-c\",\"echo up; exec busybox httpd -f" \
	"It has no handler for SIGTERM" \
	"Last words: \"up\"" "before the signal"

run timeout 'echo up; while :; do busybox sleep 1; done' --stop-timeout 1
stop "$container"
check "the container's own grace holds" ends_with 1 "killed 137 after 1." "(its grace: 1s)"

run removed "$handles" --rm
stop "$container"
check "a container that is removed at its end has an exit code" \
	ends_with 0 "clean 0 after" "--rm: the engine removes it"

run tty "$handles" -t
stop "$container"
check "the log of a terminal is read" ends_with 0 "Last words: \"bye\""

run silent 'trap "exit 0" TERM; echo up; while :; do busybox sleep 0.05; done' -t
stop "$container"
check "from its first byte on" ends_with 0 "Last words: \"up\"" "before the signal"

run local "$handles" --log-driver local
stop "$container"
check "the log of the driver local is read" ends_with 0 "Last words: \"bye\""

docker run -d --pull never --name "$name-none" --log-driver none "$image" \
	busybox sh -c "$handles" >/dev/null
# Nobody can read its line, but it sleeps behind it.
for _ in $(seq 100); do
	docker top "$name-none" | grep -q 'busybox sleep 0.05$' && break
	sleep 0.05
done
stop "$name-none"
check "a log that cannot be read is said to be missing" \
	ends_with 0 "Not seen: its log (" "driver json-file"

run paused "$handles"
docker pause "$container" >/dev/null
stop "$container"
check "a paused container is thawed by its stop" ends_with 0 "clean 0" "it was paused"

run policy "$handles" --restart always
stop "$container"
check "what the restart policy does is told" \
	ends_with 0 "Restart policy: always: it stays stopped until"
sleep 0.5
check "and it does it" [ "$(state Status)" = exited ]

run int "$handles" --restart always
stop -s INT -t 2 --json "$container"
check "another signal can be sent" \
	ends_with 0 '"stop_signal": "SIGINT"' '"signal_source": "' '"last_words": { "text": "int",'
sleep 0.5
check "which the restart policy takes for a stop, too" [ "$(state Status)" = exited ]

run deaf 'trap "" INT; echo up; while :; do busybox sleep 0.05; done' --restart always
stop -s INT -t 1 "$container"
check "and SIGKILL comes when the grace is over" ends_with 1 "killed 137 after 1."
sleep 0.5
check "after which it stays stopped" [ "$(state Status)" = exited ]

# It waits for 3.2 s before it is started for the sixth time, and then for longer.
run crash 'echo up; exit 3' --restart always
life() {
	docker inspect -f '{{.State.Status}} {{.RestartCount}}' "$container"
}
for _ in $(seq 400); do
	case $(life) in
	restarting\ [5-9]) break ;;
	esac
	sleep 0.05
done
stop "$container"
check "a container that is waiting to be started again is said to be" \
	ends_with 1 "crash 3 before the stop" "to be started again, as" "times before" "\"up\""
ended=$(life)
sleep 4
check "and is not started again" eval '[ "${ended% *}" = exited ] && [ "$(life)" = "$ended" ]'

run one "$handles"
one=$container
run two 'echo up; while :; do busybox sleep 1; done'
stop -t 1 "$one" "$container" "$name-nobody"
check "several are stopped side by side, and one that is not there is named" \
	ends_with 3 "$one clean 0" "$container killed 137" "No such container: $name-nobody"

run endless 'echo up; while :; do busybox sleep 0.05; done'
"$bin/stopbench" stop "$container" >"$work/out" 2>&1 &
pid=$!
for _ in $(seq 100); do
	docker events --since 60s --until 0s --filter container="$container" --filter event=kill |
		grep -q . && break
	sleep 0.05
done
kill -TERM "$pid"
wait "$pid"
code=$?
check "an interrupted stop says so" ends_with 3 "interrupted: what got the stop signal may"
docker rm -f "$container" >/dev/null

stop
check "a container has to be named" ends_with 2 "name a container"
stop ""
check "with a name" ends_with 2 '"" is no name'
stop -s NOPE x
check "a signal has to be one" ends_with 2 'there is no signal "NOPE"'
stop -t soon x
check "a grace has to be whole seconds" ends_with 2 'whole seconds'
DOCKER_HOST=unix:///nonexistent/docker.sock "$bin/stopbench" stop x >"$work/out" 2>&1
code=$?
check "without a daemon nothing can be stopped" ends_with 3 "no Docker daemon"

# As compose makes them: web depends on api, which depends on db. web takes longest.
project() { # NAME FILE [LABELS]: with LABELS they say what they depend on, as in v2
	for service in web api db; do
		case $service in
		web) needs=api:service_started:false wait=0.6 ;;
		api) needs=db:service_started:false wait=0.2 ;;
		db) needs= wait=0 ;;
		esac
		run "$1-$service" "trap 'busybox sleep $wait; exit 0' TERM; echo up
			while :; do busybox sleep 0.05; done" \
			--label com.docker.compose.project="$name-$1" \
			--label com.docker.compose.service="$service" \
			--label com.docker.compose.oneoff=False \
			--label com.docker.compose.project.working_dir="$work" \
			--label com.docker.compose.project.config_files="$2" \
			${3:+--label com.docker.compose.depends_on="$needs"}
	done
}

cat >"$work/$name.yml" <<'END'
services:
  web:
    image: x
    depends_on: [api]
  api:
    image: x
    depends_on:
      - db
  db:
    image: x
END

ended() { # NAME
	docker inspect -f '{{.State.FinishedAt}}' "$name-$1"
}

# Are these times in this order?
in_order() {
	[ "$(printf '%s\n' "$@" | sort)" = "$(printf '%s\n' "$@")" ]
}

project v1 "$name.yml"
stop --compose "$work/$name.yml"
check "the containers of a compose file are stopped" \
	ends_with 0 "$name-v1-web clean" "$name-v1-api clean" "$name-v1-db clean"
check "each after those that depend on it, by the file" \
	in_order "$(ended v1-web)" "$(ended v1-api)" "$(ended v1-db)"
stop --compose "$work/$name.yml"
check "of which none runs any more" ends_with 3 "nothing runs of project \"$name-v1\""
docker ps -aq --filter "name=$name-v1" | xargs docker rm -f >/dev/null

project v2 "$work/$name.yml" labels
: >"$work/$name.yml"
stop --compose "$work/$name.yml" web db
check "services can be named" ends_with 0 "$name-v2-web clean" "$name-v2-db clean"
check "they are ordered by their labels, through others" \
	in_order "$(ended v2-web)" "$(ended v2-db)"
container=$name-v2-api
check "another service is not stopped" [ "$(state Running)" = true ]
stop --compose "$work/$name.yml" nobody
check "a service that is not there is named" ends_with 3 'no container of a service "nobody"'
stop --compose "$work/nowhere.yml"
check "a compose file that is not there is named" ends_with 2 "nowhere.yml: No such file"

container=$name-other
check "what was not named runs on" [ "$(state StartedAt) $(state Running)" = "$started true" ]

# As somebody who may use the daemon, and is not root.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && [ -S /var/run/docker.sock ]; then
	group=$(stat -c %g /var/run/docker.sock)
	setpriv --reuid=65534 --regid=65534 --groups="$group" "$bin/stopbench" stop "$container" \
		>"$work/out" 2>&1
	code=$?
	check "who is not root is told what could not be seen, and how to see it" \
		ends_with "$code" "$container" " 0 after" "Not seen: no kernel" "As root"
fi
exit $failed
