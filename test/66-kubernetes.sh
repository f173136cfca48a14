#!/bin/sh
# Real kubectl against kube-fake, whose kubelet is simulated; and stopbench, through kubectl
# proxy and as in a pod.
set -u
test=kubernetes
. test/support/stopbench.sh
. test/support/kube-fake.sh
needs_kubectl

watcher=
tls=
finish() {
	for pid in $watcher $tls; do
		kill "$pid" 2>/dev/null
	done
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
check "and an event says that it was stopped" ends_with 0 Killing

start_kube --behavior '{"token": "secret"}'
kubectl_runs get pods
check "without a token nothing is answered" ends_with 1 "ogged in"
start_kube --behavior '{"forbidden": "list pods"}'
kubectl_runs get pods
check "403 names verb and resource" ends_with 1 'cannot list resource "pods"'
# What a run that is over has left: labels as stopbench writes them.
leftover() { # HOME
	labels='"app": "web", "stopbench.run": "0badc0de"'
	home="\"annotations\": {\"stopbench.home\": \"$1\"}"
	cat >"$work/deployment" <<-END
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left",
		 "labels": {$labels}, $home}, "spec": {"replicas": 2, "selector":
		 {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {$labels},
		 $home, "finalizers": ["stopbench/hold"]}, "spec":
		 {"containers": [{"name": "web", "image": "web"}]}}}}
	END
	creates <"$work/deployment"
	kubectl_runs rollout status deployment/left --timeout=30s
}
# Docker engines and swarms are not what this is about, nor are folders of others.
cleans() {
	TMPDIR=$work DOCKER_HOST=unix:///nowhere/docker.sock "$@" "$bin/stopbench" clean \
		>"$work/out" 2>"$work/errors"
	code=$?
}
no_pods() {
	for _ in $(seq 100); do
		[ -n "$(columns)" ] || return 0
		sleep 0.1
	done
	return 1
}

start_kube
leftover "$(uname -n):$work"
cleans env
check "clean takes what a run left, through kubectl proxy" ends_with 0 \
	"removed deployment left of run 0badc0de" "released pod left-"
check "and its pods go" no_pods
leftover "elsewhere:/tmp"
cleans env
has_left() {
	kubectl get deployment left >/dev/null 2>&1
}
check "what a run of another machine left stays" has_left

behave '{"forbidden": "list deployments"}'
cleans env
check "who may list nothing has left nothing" ends_with 0 "nothing to remove"

# The whole of it: traffic flows to pods that answer, while they are replaced.
start_kube --behavior '{"serves": true}'
cat >"$work/update.json" <<-END
	{"name": "an update", "why": "What a simulated program can be asked is /health.",
	 "service": {"port": 8080, "env": {"DRAIN_DELAY": "1s"}},
	 "rollout": {"replicas": 4, "action": "update", "order": "start-first", "parallelism": 2},
	 "balancer": {"health_path": "/ready", "health_interval": "100ms", "fails": 1},
	 "load": {"request": {"path": "/health", "concurrency": 8}},
	 "expect": {"exit_code": 0, "verdict": "clean", "failed": 0},
	 "twin": {"set": {"service.env.DRAIN_DELAY": "0s", "balancer.lag": "1s",
	 "balancer.health_interval": "3s"}, "expect": {"verdict": "loss", "diagnosis": "U1"}}}
END
TMPDIR=$work stopbench run --engine kubernetes --report "$work/report" \
	"$work/update.json" scenarios/rollout/20-drain.json
check "a rolling update and a drain under traffic, and their twins" ends_with 0 \
	"4 cases, 4 met" "the orchestrator had ordered to stop" \
	"engine kubernetes, simulated kubelet"
check "leaves no pod" no_pods
deployment 2 >"$work/deployment"
creates <"$work/deployment"
kubectl_runs rollout status deployment/web --timeout=30s
stopbench stop --engine kubernetes --service deployment/web
check "stop --service" ends_with 0 "2 of 2 tasks of deployment/web ended clean" \
	"its kubelet is simulated: no process has ended" \
	"kubectl scale deployment/web --replicas=2"

# Reads a child's child: sh, and kubectl below it.
children() { # PID
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
proxy_of() { # PID
	for _ in $(seq 200); do
		for child in $(children "$1"); do
			for grandchild in $(children "$child"); do
				grep -qs proxy "/proc/$grandchild/cmdline" &&
					proxy=$grandchild && proxy_folder=$(tr '\0' '\n' \
					<"/proc/$proxy/cmdline" | sed -n 's#^--unix-socket=\(.*\)/.*#\1#p') &&
					[ -d "$proxy_folder" ] && return 0
			done
		done
		sleep 0.02
	done
	return 1
}
proxy_ends() {
	for _ in $(seq 100); do
		[ -e "/proc/$proxy" ] || [ -e "$proxy_folder" ] || return 0
		sleep 0.1
	done
	return 1
}
start_kube
kill -STOP "$kube_pid"
TMPDIR=$work DOCKER_HOST=unix:///nowhere/docker.sock "$bin/stopbench" clean \
	>"$work/out" 2>"$work/errors" &
harness=$!
check "kubectl proxy is a child" proxy_of "$harness"
kill -KILL "$harness"
check "and ends with a stopbench that was killed, its folder with it" proxy_ends
kill -CONT "$kube_pid"

# As in a pod: a token, and a certificate of the cluster's own authority. A file system of
# its own has them where pods do.
in_pod() { # COMMAND...
	unshare --mount sh -c 'mount -t tmpfs tmpfs /run && mkdir -p "$0" && cp "$1"/* "$0/" &&
		shift && exec "$@"' /var/run/secrets/kubernetes.io/serviceaccount "$work/account" \
		env KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT="$tls_port" "$@"
}
if ! unshare --mount true 2>/dev/null || ! command -v python3 openssl >/dev/null; then
	echo "skip kubernetes: no mount namespace, python3 or openssl for a pod's credentials"
else
	start_kube
	leftover "$(uname -n):$work"
	mkdir "$work/tls" "$work/account"
	sh test/support/certificates "$work/tls"
	python3 test/support/tls-forward.py "$work/tls/node" "${kube##*:}" "$work/tls-port" &
	tls=$!
	for _ in $(seq 100); do
		[ ! -s "$work/tls-port" ] || break
		sleep 0.05
	done
	tls_port=$(cat "$work/tls-port")
	cp "$work/tls/node/ca.pem" "$work/account/ca.crt"
	printf default >"$work/account/namespace"
	echo wrong >"$work/account/token"
	behave '{"token": "right"}'
	cleans in_pod
	check "a token that is wrong takes nothing" ends_with 0 "nothing to remove"
	echo right >"$work/account/token"
	cp "$work/tls/other.pem" "$work/account/ca.crt"
	cleans in_pod
	check "nor is a server trusted that another authority signed" ends_with 0 \
		"nothing to remove"
	cp "$work/tls/node/ca.pem" "$work/account/ca.crt"
	cleans in_pod
	check "with both it works as in a pod" ends_with 0 \
		"removed deployment left of run 0badc0de"
fi

stop_kube
ended_with_0() {
	[ "$kube_code" -eq 0 ] || { cat "$work/kube-log" && return 1; }
}
check "kube-fake ends with 0" ended_with_0

exit $failed
