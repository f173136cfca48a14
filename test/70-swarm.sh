#!/bin/sh
# Docker Swarm, on two real nodes: those of STOPBENCH_SWARM (a folder of swarm-up), or of a
# swarm that is brought up for this, with which test_swarm runs as well.
set -u
test=swarm
. test/support/stopbench.sh
. test/support/swarm.sh

if [ -n "$own_rig" ]; then
	STOPBENCH_SWARM=$rig timeout 400 "$bin/../harness/cluster/test/test_swarm" \
		>"$work/out" 2>&1
	code=$?
	check "services, tasks and nodes on it (test_swarm)" [ "$code" = 0 ]
fi
number=$(cat "$rig/number")
export DOCKER_HOST="unix://$rig/n1/docker.sock"

# --- stopbench clean ---

# A service, an overlay network and a drained node of a run.
leave() { # RUN HOME
	docker network create -d overlay --label "stopbench.run=$1" \
		--label "stopbench.home=$2" "$name-$1" >/dev/null
	docker service create -q -d --no-resolve-image --name "$name-$1" \
		--label "stopbench.run=$1" --label "stopbench.home=$2" \
		--container-label "stopbench.run=$1" --container-label "stopbench.home=$2" \
		--network "$name-$1" --endpoint-mode dnsrr --entrypoint service \
		stopbench-programs:latest >/dev/null
}

# What a manager knows; a node lists a network until the last task there has ended.
left() { # RUN
	docker service ls -q --filter "name=$name-$1"
}

here=$(uname -n):$work
leave gone "$here"
leave alive "$here"
leave elsewhere "another-machine:/tmp"
mkdir "$work/stopbench-alive"
exec 8>"$work/stopbench-alive/.stopbench-lock" # a run that goes on holds its lock
flock 8
docker node update --label-add stopbench.run=gone --label-add "stopbench.home=$here" \
	--label-add stopbench.availability=active --availability drain n2 >/dev/null
TMPDIR=$work stopbench clean
check "what a run that is over left is removed" \
	ends_with 0 "removed service $name-gone of run gone" \
	"removed network $name-gone of run gone" "made active: node n2 of run gone"
check "its service is no more" [ -z "$(left gone)" ]
check "the node takes tasks again" \
	[ "$(docker node inspect -f '{{.Spec.Availability}} {{.Spec.Labels}}' n2)" = "active map[]" ]
check "a run that goes on keeps its service" [ -n "$(left alive)" ]
check "and so does a run of another machine" [ -n "$(left elsewhere)" ]
TMPDIR=$work stopbench clean
check "a second time there is nothing to remove" ends_with 0 "nothing to remove"
DOCKER_HOST=unix://$rig/n2/docker.sock TMPDIR=$work stopbench clean
check "a worker is cleaned as any Docker engine is" ends_with 0 "nothing to remove"
exec 8>&-
docker service rm "$name-alive" "$name-elsewhere" >/dev/null
for run in alive elsewhere; do
	docker network rm "$name-$run" >/dev/null
done

# --- the swarm goes ---

[ -z "${STOPBENCH_SWARM:-}" ] || exit "$failed"
unset DOCKER_HOST
timeout 60 sh test/support/swarm-down "$rig" >"$work/out" 2>"$work/errors"
code=$?
left_over() {
	ip netns list | grep "^stopbench-$number-"
	ip -o link show | grep "sb$number-n"
	grep -lsaF -- "$rig/" /proc/[0-9]*/cmdline
	grep -F -- "$rig/" /proc/self/mountinfo
	find /sys/fs/cgroup -name "stopbench-$number-*"
	ls -d "$rig" 2>/dev/null
}
left_over >>"$work/out"
check "nothing is left of the swarm" [ "$code-$(left_over | wc -l)" = 0-0 ]
exit "$failed"
