#!/bin/sh
# The mission's walk-through against compose.test.yml: three webhooks to three bots, stop,
# exit code 0, the log phrases. With docker-compose 1.29 or compose v2, whichever is there.
set -u
bin=${PROGRAMS:-build/bin}
project=stopbench-test-$$
failed=0

check() { # NAME COMMAND...
	name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		failed=1
	fi
}

skip_or_fail() {
	if [ -n "${STOPBENCH_REQUIRE_DOCKER:-}" ]; then
		echo "not ok compose: $1, and STOPBENCH_REQUIRE_DOCKER is set"
		exit 1
	fi
	echo "skip compose: $1"
	exit 0
}

curl -s --max-time 5 --unix-socket /var/run/docker.sock http://docker/_ping 2>/dev/null |
	grep -q OK || skip_or_fail "no Docker engine answers"
if command -v docker-compose >/dev/null; then
	compose="docker-compose"
elif docker compose version >/dev/null 2>&1; then
	compose="docker compose"
else
	skip_or_fail "no docker-compose is installed"
fi
compose="$compose -p $project -f compose.test.yml"

images=$("$bin/stopbench" images) || {
	echo "$images"
	echo "not ok images are loaded"
	exit 1
}

down() {
	$compose down -t 1 -v >/dev/null 2>&1
}
trap down EXIT
$compose up -d >/dev/null 2>&1
check "the project comes up" [ $? -eq 0 ]

# Its own health check says when it is ready.
id=$($compose ps -q service)
for _ in $(seq 150); do
	health=$(docker inspect -f '{{.State.Health.Status}}' "$id")
	[ "$health" = starting ] || break
	sleep 0.2
done
check "the service is healthy" [ "$health" = healthy ]

room=0
for bot in financial_analyst personal_assistant operations_assistant; do
	room=$((room + 1))
	answer=$(curl -s --max-time 20 -w ' %{http_code}' -H 'Content-Type: application/json' \
		-d "{\"creator\":{\"id\":1,\"name\":\"Test\"},\"room\":{\"id\":$room,\"name\":\"Test\"},\"content\":\"hello\"}" \
		"http://127.0.0.1:8080/webhook/$bot")
	check "$bot answers" [ "${answer##* }" = 200 ]
done
stats=$(curl -s --max-time 5 http://127.0.0.1:8080/cache/stats)
check "three sessions are active" sh -c 'echo "$1" | grep -q "\"active\": *3"' sh "$stats"

$compose stop service >/dev/null 2>&1
code=$(docker inspect -f '{{.State.ExitCode}}' "$id")
check "the exit code is 0" [ "$code" = 0 ]
log=$(docker logs "$id" 2>&1)
for phrase in "Shutting down" "Disconnected agent client" "Closed session for room 1, bot 'financial_analyst'" "Shutdown complete"; do
	check "the log says: $phrase" sh -c 'printf "%s" "$1" | grep -qF -- "$2"' sh "$log" "$phrase"
done
count=$(printf '%s\n' "$log" | grep -c "Disconnected agent client")
check "one disconnect per session" [ "$count" -eq 3 ]
count=$(printf '%s\n' "$log" | grep -c '"mcp.reaped"')
check "two MCP servers of each session are reaped" [ "$count" -eq 6 ]
exit $failed
