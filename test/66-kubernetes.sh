#!/bin/sh
# Real kubectl against kube-fake, whose kubelet is simulated.
set -u
test=kubernetes
. test/support/stopbench.sh
. test/support/kube-fake.sh
needs_kubectl

watcher=
finish() {
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
	stop_kube
	rm -rf "$work"
}
trap finish EXIT

kubectl_runs() {
	timeout 60 kubectl "$@" >"$work/out" 2>"$work/errors"
	code=$?
}

deployment() { # REPLICAS CONTAINER-MEMBERS
	cat <<-END
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
		 "spec": {"replicas": $1, "selector": {"matchLabels": {"app": "web"}},
		 "template": {"metadata": {"labels": {"app": "web"}}, "spec":
		 {"terminationGracePeriodSeconds": 10,
		 "containers": [{"name": "web", "image": "web"${2:+, $2}}]}}}}
	END
}

budget() { # MIN-AVAILABLE
	cat <<-END
		{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata":
		 {"name": "web"}, "spec": {"minAvailable": $1, "selector": {"matchLabels":
		 {"app": "web"}}}}
	END
}

# kubectl before 1.24 validates by itself, with a file in protobuf that kube-fake has not.
creates() {
	case $(kubectl version --client 2>/dev/null | grep -o 'v1\.[0-9]*' | head -n 1) in
	v1.[0-9] | v1.1[0-9] | v1.2[0-3]) timeout 60 kubectl create --validate=false -f - ;;
	*) timeout 60 kubectl create -f - ;;
	esac >"$work/out" 2>"$work/errors"
	code=$?
}

columns() {
	kubectl get pods -o "custom-columns=N:.metadata.name,NODE:.spec.nodeName,P:.status.phase" \
		--no-headers
}
# Pods that are being stopped are still called Running: it waits for their end.
runs() { # COUNT
	for _ in $(seq 100); do
		[ "$(columns | grep -c ' Running$')" -ne "$1" ] || return 0
		sleep 0.1
	done
	return 1
}
first_pod() {
	columns | awk 'NR == 1 { print $1 }'
}

start_kube
kubectl_runs version
check "kubectl sees that the kubelet is simulated" ends_with 0 "+simulated"
kubectl_runs get nodes
check "nodes" ends_with 0 node-1 node-2

deployment 4 >"$work/deployment"
creates <"$work/deployment"
check "create, checked by the server's OpenAPI" ends_with 0 "deployment.apps/web created"
kubectl_runs rollout status deployment/web --timeout=30s
check "rollout status waits for it" ends_with 0 "successfully rolled out"
check "its pods run" runs 4

kubectl get pods -w -o 'custom-columns=N:.metadata.name,P:.status.phase,D:.metadata.deletionTimestamp' \
	>"$work/watch" 2>&1 &
watcher=$!
kubectl_runs rollout restart deployment/web
check "rollout restart" ends_with 0 "restarted"
kubectl_runs rollout status deployment/web --timeout=30s
check "and its status" ends_with 0 "successfully rolled out"
kubectl_runs scale deployment/web --replicas=2
kubectl_runs rollout status deployment/web --timeout=30s
check "scale" ends_with 0 "successfully rolled out"
check "fewer run" runs 2

kubectl_runs delete pod "$(first_pod)" --grace-period=5
check "delete --grace-period waits until the pod is gone" ends_with 0 deleted
check "get -w sees pods that are deleted and end" grep -q "Succeeded  *20" "$work/watch"
kill "$watcher"
watcher=

budget 2 >"$work/budget"
creates <"$work/budget"
kubectl_runs rollout status deployment/web --timeout=30s
kubectl_runs drain node-1 --timeout=3s
check "drain is held up by a disruption budget" ends_with 1 \
	"Cannot evict pod as it would violate the pod's disruption budget"
kubectl_runs delete poddisruptionbudget web
kubectl_runs drain node-1 --timeout=30s
check "drain" ends_with 0 "pod/web-" "evicted"
nothing_on_node_1() {
	! columns | grep -q ' node-1 *Running'
}
check "nothing runs on the node" nothing_on_node_1
kubectl_runs uncordon node-1
check "uncordon" ends_with 0 "uncordoned"

kubectl_runs delete deployment web
behave '{"stop": "1h"}'
deployment 1 '"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}' >"$work/deployment"
creates <"$work/deployment"
kubectl_runs rollout status deployment/web --timeout=30s
kubectl_runs delete pod "$(first_pod)" --grace-period=1
check "one that does not end is gone when preStop and the least grace are over" \
	ends_with 0 deleted
kubectl_runs get events -o custom-columns=R:.reason --no-headers
check "and an event says that it was killed" ends_with 0 Killing ExceededGracePeriod

start_kube --behavior '{"token": "secret"}'
kubectl_runs get pods
check "without a token nothing is answered" ends_with 1 "ogged in"
start_kube --behavior '{"forbidden": "list pods"}'
kubectl_runs get pods
check "403 names verb and resource" ends_with 1 'cannot list resource "pods"'
stop_kube
ended_with_0() {
	[ "$kube_code" -eq 0 ] || { cat "$work/kube-log" && return 1; }
}
check "kube-fake ends with 0" ended_with_0

exit $failed
