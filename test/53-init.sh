#!/bin/sh
# `stopbench init` on a running container: the scenario that it writes runs beside it.
set -u
test=init
. test/support/stopbench.sh

needs_docker

finish() {
	remove_containers
	docker volume rm "$name" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT

mkdir "$work/bin" "$work/data"
ln -s busybox "$work/bin/sh"
make_image -c 'EXPOSE 8000' -c 'ENTRYPOINT ["busybox", "sh", "-c"]' || exit 1

# Runs the command. Its output is in $work/out, what it says in $work/errors.
command() {
	"$bin/stopbench" "$@" >"$work/out" 2>"$work/errors"
	code=$?
}

lacks() { # WORDS
	! cat "$work/out" "$work/errors" | grep -qF -- "$1"
}

state() {
	docker inspect -f '{{.State.StartedAt}} {{.State.Status}} {{.RestartCount}}' "$container"
}

# It writes where it may and needs its variable, so that a scenario without them fails.
script='test "$GREETING" = "{hello}" || exit 8; echo data >/data/x || exit 9
	trap "exit 0" TERM; echo ok >/tmp/ok
	while :; do busybox sleep 0.05; done'

docker volume create "$name" >/dev/null
container=$name-shop
docker run -d --pull never --name "$container" -e "GREETING={hello}" -e "API_TOKEN=sesame" \
	-e "DB=pg://me:sesame@db/x" -p 127.0.0.1::8000 -v "$name:/data" -v "$work/data:/config" \
	-m 64m --pids-limit 50 --tmpfs /tmp --read-only --cap-drop NET_RAW --stop-timeout 5 \
	--restart always --init --health-cmd 'test -f /tmp/ok' --health-interval 1s \
	"$image" "$script" >/dev/null || exit 1
for _ in $(seq 100); do
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ] && break
	sleep 0.1
done
before=$(state)

command init "$container"
check "a scenario is written to stdout" ends_with 0 '"grace": "5s"' '"image": "'"$image"'"' \
	'"entrypoint": ["busybox", "sh", "-c"]' '"GREETING": "{{hello}}"' '"healthy": true'
check "without a secret" lacks sesame
check "which are said to be filled in" ends_with 0 "service.env.API_TOKEN: fill in the secret" \
	"service.env.DB: fill in the secret"
check "what it changes is said" ends_with 0 "an empty volume stands for $name at /data" \
	"$work/data is read-only here"

command init -o "$work/shop.json" "$container"
check "or to a file" ends_with 0 "stopbench run $work/shop.json"
command validate "$work/shop.json"
check "which validates" ends_with 0 "1 scenario, 1 case, no error"
command run --report "$work/reports" "$work/shop.json"
check "and runs as it is, beside the container" ends_with 0 "1 case, 1 met" clean
check "to which nothing has been done" [ "$(state)" = "$before" ]
check "nor to its data" [ "$(docker exec "$container" busybox cat /data/x)" = data ]

command init -o "$work/shop.json" "$container"
check "a file that is there is not written over" ends_with 2 "shop.json is there already"

container=$name-web
docker run -d --pull never --name "$container" "$image" 'busybox httpd -f -p 8000' >/dev/null
await_port 8000
command init "$container"
if [ "$(id -u)" -eq 0 ]; then
	check "a port on which it listens is its readiness" ends_with 0 '"tcp": 8000'
fi
cp "$work/out" "$work/web.json"
command run --try-cures --set stop.grace=1s --report "$work/reports" "$work/web.json"
check "and the scenario says what the container would have shown" \
	ends_with 1 "killed" "an init 143"

command init "$name-nobody"
check "a container that is not there is named" ends_with 3 "No such container: $name-nobody"
command init
check "a container has to be named" ends_with 2 "name a container"
command init one two
check "and one alone" ends_with 2 'one container, not also "two"'
DOCKER_HOST=unix:///nonexistent/docker.sock "$bin/stopbench" init x >"$work/out" 2>"$work/errors"
code=$?
check "without a daemon there is none" ends_with 3 "no Docker daemon"
exit $failed
