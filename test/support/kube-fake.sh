# shellcheck shell=sh disable=SC2154
# kube-fake.sh - a simulated Kubernetes cluster for tests that user commands play. Sourced
# behind stopbench.sh.

# Starts kube-fake with these options; KUBECONFIG and $kube (its URL) name it. One that runs
# already is ended; stop_kube leaves its exit code in $kube_code.
start_kube() { # OPTIONS...
	stop_kube
	rm -f "$work/kube-port"
	"$bin/kube-fake" --port-file "$work/kube-port" --kubeconfig "$work/kubeconfig" "$@" \
		>"$work/kube-log" 2>&1 &
	kube_pid=$!
	for _ in $(seq 200); do
		[ ! -s "$work/kube-port" ] || break
		sleep 0.05
	done
	kube=http://127.0.0.1:$(cat "$work/kube-port")
	export KUBECONFIG="$work/kubeconfig"
}

stop_kube() {
	[ -n "${kube_pid:-}" ] || return 0
	kill "$kube_pid" 2>/dev/null
	wait "$kube_pid" 2>/dev/null
	kube_code=$?
	kube_pid=
}

# Changes its behavior.
behave() { # JSON
	curl -sf -X PUT "$kube/control/behavior" -d "$1" >/dev/null
}

needs_kubectl() {
	command -v kubectl >/dev/null && return
	echo "skip $test: there is no kubectl"
	exit 0
}
