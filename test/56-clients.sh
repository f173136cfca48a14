#!/bin/sh
# `stopbench stop` of servers with a request of a real client under way: whether it was
# answered is read from the kernel's figures of its connection.
set -u
test=clients
. test/support/stopbench.sh
docker=
server=
client=

finish() {
	[ -z "$client" ] || kill "$client" 2>/dev/null
	[ -z "$server" ] || kill -KILL "$server" 2>/dev/null
	[ -z "$docker" ] || remove_containers
	rm -rf "$work"
}
trap finish EXIT

[ -x /usr/bin/python3 ] && command -v curl >/dev/null ||
	skip_or_fail "there is no python3 or no curl"
[ "$(id -u)" = 0 ] || skip_or_fail "only root sees who closed a connection"
cp test/support/slow-server.py "$work/"

log_has() { # WORDS
	if [ "$1" = port ]; then
		[ -s "$work/log" ]
	else
		grep -q "$1" "$work/log"
	fi
}

await() { # WORDS
	for _ in $(seq 200); do
		log_has "$1" && return
		sleep 0.05
	done
}

# A client whose request is under way when this returns. Its code is in $work/client.
request() { # HOST [OPTION...]
	host=$1
	shift
	(curl -s -o "$work/answer" --max-time 20 "$@" "http://$host:$(head -1 "$work/log")/"
	echo $? >"$work/client") &
	client=$!
	await request
}

# A server in no container, and its client.
start() { # WHAT [OPTION...]
	: >"$work/log" # the last one's port is none of this one's
	/usr/bin/python3 "$work/slow-server.py" "$1" 127.0.0.1 >"$work/log" &
	server=$!
	await port
	shift
	request 127.0.0.1 "$@"
}

# The same in a container with a network of its own.
start_container() { # WHAT [OPTION...]
	: >"$work/log"
	container=$name-$1
	docker run -d --pull never --name "$container" -v /usr:/usr:ro -v /lib:/lib:ro \
		-v /lib64:/lib64:ro -v "$work:/test:ro" "$image" \
		/usr/bin/python3 /test/slow-server.py "$1" 0.0.0.0 >/dev/null
	docker logs -f "$container" >"$work/log" &
	await port
	shift
	request "$(docker inspect -f '{{.NetworkSettings.IPAddress}}' "$container")" "$@"
}

client_ended() { # CODE
	wait "$client"
	client=
	[ "$(cat "$work/client")" = "$1" ]
}

slowly="--limit-rate 1000"

start finishes
stopbench stop --pid "$server"
check "a request that was answered was answered" ends_with 0 " clean 0 "
check "so says its client" client_ended 0

start drops
stopbench stop --pid "$server"
check "a request that was dropped is lost" \
	ends_with 1 " loss 0 " "R1 " "127.0.0.1:" "without a byte of an answer"
check "so says its client" client_ended 52

start half
stopbench stop --pid "$server"
check "behind a part of an answer it is not known" \
	ends_with 1 " inconclusive 0 " "the end of its process closed it"
check "its client knows" client_ended 18

start download $slowly
stopbench stop --pid "$server"
check "of what is still to be sent it is not known" \
	ends_with 1 " inconclusive 0 " "bytes were still to be sent"
kill "$client" 2>/dev/null
wait "$client"
client=
server=

docker version >/dev/null 2>&1 && [ -x /bin/busybox ] ||
	skip_or_fail "no Docker engine answers"
docker=yes
make_image || exit 1

start_container finishes
stopbench stop "$container"
check "in a container it was answered" ends_with 0 " clean 0 "
check "so says its client" client_ended 0

start_container drops
stopbench stop "$container"
check "in a container it is lost" ends_with 1 " loss 0 " "R1 " "without a byte of an answer"
check "so says its client" client_ended 52

start_container download $slowly
stopbench stop "$container"
check "a download that the end of a container cut is lost" \
	ends_with 1 " loss 0 " "R1 " "its network was taken away with"
exit $failed
