#!/bin/sh
# Rollouts under traffic on a Docker Swarm of two real nodes: those of STOPBENCH_SWARM (a
# folder of swarm-up), or of a swarm that is brought up for this. A rolling update, behind our
# balancer and behind haproxy, and a node's drain, with their twins.
set -u
test=rollout
. test/support/stopbench.sh
. test/support/swarm.sh

rollout() { # SCENARIO...
	DOCKER_HOST=unix://$rig/n1/docker.sock timeout 200 "$bin/stopbench" run \
		--engine swarm --witness "docker:unix://$rig/n2/docker.sock" \
		--report "$work/reports" "$@" >"$work/out" 2>"$work/errors"
	code=$?
}

rollout --set rollout.order=start-first scenarios/rollout/10-update.json
check "no request is lost in an update; the twin loses some, and says why" \
	ends_with 0 "2 cases, 2 met" "4 clean; 4 seen by a witness" "U1 "
rollout scenarios/rollout/20-drain.json
check "nor in the drain of a node" ends_with 0 "2 cases, 2 met"

stopbench run --engine process --report "$work/reports" scenarios/rollout/10-update.json
check "an engine without rollouts says that it has none" \
	ends_with 3 "not for engine process" "(it has a rollout, which needs an orchestrator)"

if has_checker haproxy test -x /usr/sbin/haproxy; then
	rollout scenarios/rollout/15-haproxy.json
	check "nor behind haproxy" ends_with 0 "2 cases, 2 met"
fi
exit $failed
