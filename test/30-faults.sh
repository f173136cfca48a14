#!/bin/sh
# faults - every file of scenarios/faults and scenarios/scale holds, both halves, on both
# engines.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if [ "$bin" != build/bin ]; then
	echo "skip faults: the sanitizers slow a service down, and stops are judged by time"
	exit 0
fi

holds() { # ENGINE
	"$bin/stopbench" run --engine "$1" --report "$work/$1" scenarios/faults \
		scenarios/scale >"$work/table" 2>"$work/progress"
	code=$?
	if [ "$code" -eq 0 ] && grep -q ' 0 not met in ' "$work/table"; then
		echo "ok scenarios/faults and scenarios/scale hold on the $1 engine"
	else
		echo "not ok scenarios/faults and scenarios/scale hold on the $1 engine (exit code $code)"
		cat "$work/table" "$work/progress"
		failed=1
	fi
}

holds process
if curl -s --max-time 5 --unix-socket /var/run/docker.sock http://docker/_ping 2>/dev/null |
	grep -q OK; then
	holds docker
elif [ -n "${STOPBENCH_REQUIRE_DOCKER:-}" ]; then
	echo "not ok scenarios/faults on the docker engine: no Docker engine answers"
	failed=1
else
	echo "skip scenarios/faults on the docker engine: no Docker engine answers"
fi
exit $failed
