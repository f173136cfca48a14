# swarm.sh - a Docker Swarm of two real nodes for a test: that of STOPBENCH_SWARM (a folder of
# swarm-up), or one that is brought up in $work/rig. Sourced behind stopbench.sh. `rig` is its
# folder, and `own_rig` is "yes" where swarm_finish has to take it down.
rig=${STOPBENCH_SWARM:-}
own_rig=

swarm_finish() {
	[ -z "$own_rig" ] || sh test/support/swarm-down "$rig"
	rm -rf "$work"
}
trap swarm_finish EXIT

if [ -z "$rig" ]; then
	[ "$(id -u)" = 0 ] || skip_or_fail "only root can make namespaces"
	for needed in dockerd containerd docker nsenter unshare ip; do
		command -v "$needed" >/dev/null || skip_or_fail "there is no $needed"
	done
	rig=$work/rig
	own_rig=yes
	sh test/support/swarm-up "$rig" >"$work/out" 2>"$work/errors"
	code=$?
	check "a swarm of two nodes comes up" [ "$code" = 0 ]
	[ "$code" = 0 ] || exit 1
fi
