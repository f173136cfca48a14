#!/bin/sh
# `stopbench stop --service` on a Docker Swarm of two real nodes: those of STOPBENCH_SWARM (a
# folder of swarm-up), or of a swarm that is brought up for this.
set -u
test=stop-service
. test/support/stopbench.sh
. test/support/swarm.sh

finish() {
	docker service rm "$name-web" "$name-bad" "$name-down" >/dev/null 2>&1
	swarm_finish
}
trap finish EXIT
n2=docker:unix://$rig/n2/docker.sock
export TMPDIR="$work"
export DOCKER_HOST="unix://$rig/n1/docker.sock"

serve() { # NAME REPLICAS GRACE PROGRAM...
	service=$name-$1
	replicas=$2
	grace=$3
	shift 3
	docker service create --detach=false -q --no-resolve-image --name "$service" \
		--replicas "$replicas" --stop-grace-period "$grace" --restart-condition any \
		stopbench-programs:latest "$@" >/dev/null
}

stop() {
	: >"$work/errors"
	stopbench stop "$@"
}

serve web 4 5s handles-term
stop --service "$name-web" --rolling --witness "$n2"
check "each task that is replaced is told of" \
	ends_with 0 "4 of 4 tasks of $name-web ended clean; 4 seen by a witness" \
	"$name-web.1 on n" "clean 0 after" "(grace: 5" "by the kernel's clock" \
	"from its turn to the stop signal, of its own"
check "and the service is there" \
	[ "$(docker service ls --filter "name=$name-web" --format '{{.Replicas}}')" = 4/4 ]
stopbench check --service "$name-web"
check "what its settings would do, and each task in reach" \
	ends_with 0 "$name-web no fault seen service of swarm, 4 tasks" \
	"note: there is no health check" "Not seen: $name-web." \
	"--service $name-web --witness https://NODE:PORT" \
	"SIGTERM, and SIGKILL after 5s (its grace)" "Processes now"
docker service update --detach=false -q --update-order stop-first --update-parallelism 0 \
	"$name-web" >/dev/null
stopbench check --service "$name-web" --json
check "an update that leaves nobody" ends_with 0 '"level": "may fail"' \
	"stops all 4 tasks at once"
stop --service "$name-web" --json
check "on a node without a witness the API tells, and the answer says so" \
	ends_with "$code" '"source": "witness"' '"source": "api"' '"orchestrator": "swarm"' \
	'"order": "scale-0"' '"replicas": 4'
check "it ends with what brings it back" \
	says "\"brought_back_by\": \"docker service scale $name-web=4\""
check "nothing of it runs" \
	[ "$(docker service ls --filter "name=$name-web" --format '{{.Replicas}}')" = 0/0 ]
stop --service "$name-web"
check "nothing is stopped where nothing runs" \
	ends_with 3 "nothing runs of the service $name-web"

serve bad 2 1s ignores-term
stop --service "$name-bad" --witness unix:///nowhere
check "without a witness that is named nothing is stopped" \
	ends_with 3 "witness unix:///nowhere"
stop --service "$name-bad" --witness "$n2"
check "why a task was killed" \
	ends_with 1 "killed 137 after 1." "(grace: 1" "0 of 2 tasks" "Cure:" \
	"X1 the grace of 1.0" "It is brought back by: docker service scale $name-bad=2"

# --- what is wrong ---

stop --service "$name-none"
check "a service that is not there" ends_with 3 "$name-none"
stop --service "$name-bad" shop
check "a service and nothing else" ends_with 2 "--service stops nothing else"
stop --service "$name-bad" --engine podman
check "an engine that is no orchestrator" ends_with 2 "docker or cri, not"
stop --engine swarm shop
check "an orchestrator without a service" ends_with 2 "are of --service"
stop --rolling shop
check "an option of a service alone" ends_with 2 "are of --service"
check "no witness is left" [ -z "$(ls -d "$work"/stopbench-* 2>/dev/null)" ]

stop --service "$name-bad" --witness https://:7443
check "a witness without a host is bad usage" ends_with 2 "--witness: expected unix:///PATH"

# --- a daemon that dies below its witness, on a swarm of our own ---

[ -z "${STOPBENCH_SWARM:-}" ] || exit "$failed"

await() { # COMMAND...
	for _ in $(seq 400); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

DOCKER_HOST="unix://$rig/n2/docker.sock" "$bin/stopbench" witness --json --label "$name" \
	>"$work/out" 2>"$work/errors" &
witness=$!
await grep -q watching "$work/errors"
begin() { # NAME
	DOCKER_HOST="unix://$rig/n2/docker.sock" docker run -d --pull never --label "$name=yes" \
		--name "$name-$1" stopbench-programs:latest handles-term >/dev/null
}
tells() { # WHAT CONTAINER
	grep -q "^{\"$1\":.*\"name\":\"$name-$2\"" "$work/out"
}
begin first
await tells watching first
sh test/support/swarm-kill "$rig" n2
check "the witness says that the daemon is away" await grep -q "is away" "$work/errors"
check "and how its container ended" await tells stop first
sh test/support/swarm-start "$rig" n2
check "that it is back" await grep -q "is back" "$work/errors"
begin second
await tells watching second
DOCKER_HOST="unix://$rig/n2/docker.sock" docker stop "$name-second" >/dev/null
check "and goes on" await tells stop second
kill "$witness"
wait "$witness"
code=$?
check "until it is told to end" [ "$code" = 0 ]

# --- a node that goes down while its task has the stop signal ---

serve down 2 8s ignores-term
"$bin/stopbench" stop --service "$name-down" --witness "$n2" >"$work/out" 2>"$work/errors" &
stop=$!
has_signal() { # of Swarm: the manager's wish is with the node
	docker service ps --format '{{.DesiredState}}' "$name-down" | grep -q Remove
}
await has_signal
sh test/support/swarm-kill "$rig" n2
wait "$stop"
code=$?
check "is told as that, and not as a program that kills itself" \
	ends_with 1 " on n2 inconclusive" "U8 n2 went down" "Cure: Look at the node"
check "and the task of the other node for itself" says "W2 PID 1 (ignores-term) ignores"
sh test/support/swarm-start "$rig" n2

exit "$failed"
