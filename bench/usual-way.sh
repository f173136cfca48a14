#!/bin/sh
# usual-way - what people do by hand, or in a shell script of their CI, to see how a
# service stops: the case of scenarios/baseline/20-sessions.json without stopbench.
#
#   usual-way.sh docker     with the docker command
#   usual-way.sh compose    with docker-compose and compose.test.yml
#
# Needs stopbench's images (`make images`), curl, and the command. Prints nothing when
# the service stopped as it should; else says what it did, and exits with 1. The way
# down of each session takes 200 ms, as in the scenario.
set -eu

name=stopbench-usual-$$
behavior='{"disconnect":{"latency":"200ms"}}'

fail() {
	echo "usual-way: $*" >&2
	exit 1
}

# Is there an answer of 2xx? For at most half a minute.
await() {
	tries=600
	until curl -sf -o "$scratch/ready" "$1"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$1 is not ready"
		sleep 0.05
	done
}

# Three rooms at once.
open_sessions() {
	for room in 1 2 3; do
		curl -sf -o "$scratch/answer.$room" -H 'Content-Type: application/json' -d "{
			\"creator\": {\"id\": 1, \"name\": \"Test\"},
			\"room\": {\"id\": $room, \"name\": \"Test\"}, \"content\": \"hello\"}" \
			"$1/webhook/personal_assistant" &
		eval "webhook_$room=$!"
	done
	# shellcheck disable=SC2154
	for webhook in "$webhook_1" "$webhook_2" "$webhook_3"; do
		wait "$webhook" || fail "a webhook was not answered"
	done
}

# The exit code, and what the log says of the way down.
judge() {
	[ "$1" = 0 ] || fail "exit code $1"
	[ "$(grep -c 'Disconnected agent client' "$scratch/log")" = 3 ] ||
		fail "not every session was let go"
	grep -q 'Shutdown complete' "$scratch/log" || fail "no \"Shutdown complete\""
}

by_docker() {
	docker network create "$name" >"$scratch/out"
	docker run -d --name "$name-mock-agent" --network "$name" \
		--network-alias mock-agent -e MOCK_AGENT_HOST=0.0.0.0 -e MOCK_AGENT_PORT=8089 \
		-e MOCK_AGENT_BEHAVIOR="$behavior" stopbench-mock-agent:latest >"$scratch/out"
	docker run -d --name "$name-service" --network "$name" \
		-p 127.0.0.1:18080:8080 -e HOST=0.0.0.0 -e PORT=8080 \
		-e AGENT_URL=http://mock-agent:8089 -e AGENT_KEY=stopbench -e GRACE=10s \
		-e SESSION_END=archive -e MCP_START=session -e MCP_CONFIG='{"mcpServers": {
			"skills": {"command": "mock-mcp", "args": ["--name", "skills"]},
			"financial": {"command": "mock-mcp", "args": ["--name", "financial"]}}}' \
		stopbench-service:latest >"$scratch/out"
	await http://127.0.0.1:18080/ready
	open_sessions http://127.0.0.1:18080
	docker stop "$name-service" >"$scratch/out"
	docker logs "$name-service" >"$scratch/log" 2>&1
	judge "$(docker inspect -f '{{.State.ExitCode}}' "$name-service")"
	docker rm -f "$name-service" "$name-mock-agent" >"$scratch/out"
	docker network rm "$name" >"$scratch/out"
}

compose() {
	docker-compose -p "$name" -f compose.test.yml "$@" >"$scratch/out" 2>&1 ||
		fail "docker-compose $1: $(tail -n 3 "$scratch/out")"
}

by_compose() {
	compose up -d
	await http://127.0.0.1:8080/ready
	curl -sf -o "$scratch/answer" -X PUT -H 'Content-Type: application/json' \
		-d "$behavior" http://127.0.0.1:8089/control/behavior
	open_sessions http://127.0.0.1:8080
	compose stop service
	compose logs --no-color service
	cp "$scratch/out" "$scratch/log"
	compose ps -q service
	judge "$(docker inspect -f '{{.State.ExitCode}}' "$(cat "$scratch/out")")"
	compose down
}

# Whatever is left when something went wrong; nothing otherwise.
clean_up() {
	code=$?
	trap - EXIT
	if [ $code -ne 0 ]; then
		case $way in
		docker)
			docker rm -f "$name-service" "$name-mock-agent"
			docker network rm "$name"
			;;
		compose) docker-compose -p "$name" -f compose.test.yml down -t 1 ;;
		esac >"$scratch/out" 2>&1 || true
	fi
	rm -rf "$scratch"
	exit $code
}

way=${1:-}
case $way in
docker | compose) ;;
*)
	sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
scratch=$(mktemp -d)
trap clean_up EXIT
trap 'exit 1' INT TERM
"by_$way"
