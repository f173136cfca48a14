#!/bin/sh
# faults - every file of scenarios/faults and scenarios/scale holds, both halves, on both
# engines. Those of the agent API hold over HTTP/2 too, but for half_close, which leaves a
# stream open and silent there.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if [ "$bin" != build/bin ]; then
	echo "skip faults: the sanitizers slow a service down, and stops are judged by time"
	exit 0
fi

holds() { # WHAT ENGINE ARGUMENT...
	what=$1
	engine=$2
	shift 2
	"$bin/stopbench" run --engine "$engine" --report "$work/report" "$@" \
		>"$work/table" 2>"$work/progress"
	code=$?
	if [ "$code" -eq 0 ] && grep -q ' 0 not met in ' "$work/table"; then
		echo "ok $what on the $engine engine"
	else
		echo "not ok $what on the $engine engine (exit code $code)"
		grep -A 6 'NOT MET' "$work/table" || cat "$work/table" "$work/progress"
		failed=1
	fi
}

holds "scenarios/faults and scenarios/scale hold" process scenarios/faults scenarios/scale
holds "the faults of the agent API hold over HTTP/2" process \
	--set 'service.env.AGENT_HTTP="2"' scenarios/faults/10-* scenarios/faults/1[2-7]-* \
	scenarios/faults/2?-*
if curl -s --max-time 5 --unix-socket /var/run/docker.sock http://docker/_ping 2>/dev/null |
	grep -q OK; then
	holds "scenarios/faults and scenarios/scale hold" docker scenarios/faults scenarios/scale
elif [ -n "${STOPBENCH_REQUIRE_DOCKER:-}" ]; then
	echo "not ok scenarios/faults on the docker engine: no Docker engine answers"
	failed=1
else
	echo "skip scenarios/faults on the docker engine: no Docker engine answers"
fi
exit $failed
