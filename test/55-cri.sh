#!/bin/sh
# --engine cri, on a containerd of its own: every case of scenarios/kill is judged right,
# and `stop`, `check`, `images` and `clean` know a container that a kubelet's calls made.
set -u
test=cri
. test/support/stopbench.sh

rig=$work/containerd

# A missing runtime is a failure where one was promised.
cri_missing() { # REASON
	if [ -n "${STOPBENCH_REQUIRE_CRI:-}" ]; then
		echo "not ok $test: $1, and STOPBENCH_REQUIRE_CRI is set"
		exit 1
	fi
	echo "skip $test: $1"
	exit 0
}

finish() {
	sh test/support/containerd-down "$rig"
	rm -rf "$work"
}
trap finish EXIT

for program in containerd ctr runc python3 curl busybox; do
	command -v "$program" >/dev/null || cri_missing "there is no $program"
done
CONTAINER_RUNTIME_ENDPOINT=$(sh test/support/containerd-up "$rig" 2>"$work/errors") ||
	cri_missing "no containerd: $(tail -n 1 "$work/errors")"
export CONTAINER_RUNTIME_ENDPOINT

kubelet() { # POD NAME GRACE SCRIPT, until it has printed a line
	mkdir -p "$work/logs/$1"
	python3 test/support/kubelet.py "$CONTAINER_RUNTIME_ENDPOINT" "$1" "$2" \
		stopbench-programs:latest "$3" "$work/logs/$1" sh -c "$4" >"$work/id" 2>"$work/errors"
	for _ in $(seq 200); do
		[ -s "$work/logs/$1/$2.log" ] && break
		sleep 0.05
	done
}

stopbench images --engine cri
check "our images are imported, with their names" \
	ends_with 0 "stopbench-programs:latest (stopbench-programs:" "stopbench-service:latest"
for engine in process swarm; do
	stopbench images --engine $engine
	check "images of $engine are refused" ends_with 2 "--engine: docker or cri"
done

# As the Docker engine runs them: all apply, since none needs more than a container.
for file in scenarios/kill/*.json; do
	[ -e "$file" ] && cases=$((${cases:-0} + 2))
done
stopbench run --engine cri --format proved scenarios/kill
check "every case of scenarios/kill is judged right" \
	ends_with 0 "$cases cases, $cases met, 0 not met"

handles='echo up; trap "echo bye; exit 0" TERM; while :; do service --help >/dev/null; done'
kubelet shop-7d4b api 7 "$handles"
stopbench check --engine cri shop-7d4b/api
check "check looks at it, and leaves it" ends_with 0 "shop-7d4b/api"
stopbench stop --engine cri shop-7d4b/api
check "a clean stop is told as one, with the pod's grace and the last words" \
	ends_with 0 "shop-7d4b/api clean 0 after" "7s" "Last words: \"bye\""
stopbench stop --engine cri api
check "what does not run is not stopped" \
	ends_with 3 "api is not running (exit code 0): StopContainer would do nothing"

kubelet shop-99 worker 30 'echo up; while :; do :; done'
stopbench stop --engine cri -t 1 "$(cut -c1-12 "$work/id")"
check "what has no handler is killed by the runtime, and told so" \
	ends_with 1 "shop-99/worker killed 137 after 1." "W1" "SIGKILL from the engine"

stopbench stop --engine cri no-such-container
check "a container that is not there is named" \
	ends_with 3 "No such container: no-such-container"
stopbench stop --engine cri --compose compose.test.yml
check "compose files are Docker's" ends_with 2 "--compose: its containers are Docker's"
TMPDIR=$work DOCKER_HOST=unix:///nowhere stopbench clean
check "clean has nothing to remove, and leaves what others made" ends_with 0
stopbench stop --engine cri "$(cat "$work/id")"
check "they are still there" ends_with 3 "is not running (exit code 137)"
CONTAINER_RUNTIME_ENDPOINT=unix:///nowhere stopbench stop --engine cri x
check "where no runtime is, it says where it looked" \
	ends_with 3 "no container runtime at /nowhere (CONTAINER_RUNTIME_ENDPOINT)"

exit "$failed"
