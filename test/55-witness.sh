#!/bin/sh
# `stopbench witness`: what it says of each stop by somebody else, over the unix socket and
# over TLS, and what it does when readers come late, leave, or are killed with it.
set -u
test=witness
. test/support/stopbench.sh

needs_docker

witness= # pid of the one that runs
finish() {
	end_witness
	remove_containers
	rm -rf "$work"
}
trap finish EXIT

end_witness() {
	[ -n "$witness" ] || return
	kill "$witness" 2>/dev/null
	wait "$witness" 2>/dev/null
	witness=
}

# Waits until COMMAND... holds, at most 20 s.
await() {
	for _ in $(seq 400); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

is_ready() {
	grep -qs "^stopbench: watching" "$work/errors" || ! kill -0 "$witness"
}

begin_witness() { # OPTION...
	rm -f "$work/errors"
	"$bin/stopbench" witness --label "$name" "$@" >"$work/out" 2>"$work/errors" &
	witness=$!
	await is_ready
}

has() { # COUNT WORDS FILE
	[ -f "$3" ] && [ "$(grep -cF -- "$2" "$3")" -ge "$1" ]
}

handles='trap "echo bye; exit 0" TERM; echo up; while :; do busybox sleep 0.05; done'

# Runs a container: NAME SCRIPT [OPTION...], until it has printed a line.
run() {
	container=$name-$1
	script=$2
	shift 2
	docker run -d --pull never --label "$name=yes" --name "$container" "$@" "$image" \
		busybox sh -c "$script" >/dev/null
	for _ in $(seq 100); do
		[ -z "$(docker logs "$container" 2>&1)" ] || break
		sleep 0.05
	done
}

make_image || exit 1

# --- printed ---

run before "$handles"
begin_witness
check "it says how many it watches" grep -q "watching 1 container of" "$work/errors"
run clean "$handles" --rm
run shell 'echo up; busybox httpd -f -p 127.0.0.1:80; true' --stop-timeout 1
run dies 'echo up; sleep 0.3; echo oops; exit 3'
run killed "$handles"
docker stop "$name-before" "$name-clean" "$name-shell" >/dev/null
docker kill "$name-killed" >/dev/null
await has 5 "$name-" "$work/out"
cp "$work/out" "$work/printed"
end_witness
cp "$work/printed" "$work/out"
check "one that ran before" says "$name-before clean 0 after"
check "one that started since, and is removed at its end" says "$name-clean clean 0 after"
check "its last words" says 'Last words: "bye"'
check "a grace that ran out, and why" \
	says "$name-shell killed 137 after 1."
check "the cause" says "W3 PID 1 is busybox"
check "one that ended by itself" says "$name-dies crash 3 without a stop"
check "what it said last" says 'Last words: "oops"'
check "one that was killed" says "$name-killed killed 137 without a stop"
check "it has stopped nothing itself, and no error came" \
	[ "$(wc -l <"$work/errors")" -eq 1 ]

# --- over the unix socket ---

socket=$work/witness.sock
ask() { # PATH [OPTION...]
	path=$1
	shift
	curl -sS --unix-socket "$socket" "$@" "http://witness$path"
}

# A stream of stops, until its first heartbeat: PATH FILE. curl is the process $reader.
begin_reader() {
	curl -sS -N --unix-socket "$socket" "http://witness$1" >"$2" 2>"$work/curl" &
	reader=$!
	await has 1 '"heartbeat"' "$2"
}

end_reader() {
	kill -KILL "$reader"
	wait "$reader" 2>/dev/null
}

# What was kept comes before the first heartbeat: PATH.
read_stops() {
	begin_reader "$1" "$work/out"
	end_reader
}

run told "$handles"
begin_witness --listen "unix://$socket"
check "the socket is its owner's alone" [ "$(stat -c %a "$socket")" = 600 ]
ask /v1/node >"$work/out"
check "it says which node it is" \
	says "\"name\":\"$(docker info -f '{{.Name}}')\""
check "and which clock" grep -q '"clock_ns":[0-9]*}' "$work/out"
check "other paths are none" [ "$(ask /v1/else -o /dev/null -w '%{http_code}')" = 404 ]
check "nothing is to be written" \
	[ "$(ask /v1/stops -o /dev/null -w '%{http_code}' -X POST)" = 405 ]
begin_reader "/v1/stops?label=$name%3Dyes" "$work/reader"
check "a reader gets those that are watched" has 1 "\"name\":\"$name-told\"" "$work/reader"
run told2 "$handles" --label other=1
await has 1 "\"name\":\"$name-told2\"" "$work/reader"
docker stop "$name-told" "$name-told2" >/dev/null
await has 2 '{"stop":' "$work/reader"
cp "$work/reader" "$work/out"
check "and each stop, judged" says '"verdict":"clean"'
end_reader
for wrong in x -1 1x '' 99999999999999999999; do
	check "since is a number, not \"$wrong\"" \
		[ "$(ask "/v1/stops?since=$wrong" -o "$work/out" -m 20 -w '%{http_code}')" = 400 ]
done
read_stops "/v1/stops?since=1"
check "whoever comes back gets what it has missed" has 1 '"seq":2}}' "$work/out"
check "and no more" [ "$(grep -c '^{"stop"' "$work/out")" -eq 1 ]
read_stops "/v1/stops?since=0&label=other%3D1"
check "of its label" [ "$(grep -c '^{"stop"' "$work/out")" -eq 1 ]
read_stops /v1/stops
check "who does not ask for it gets nothing old" [ "$(grep -c '^{"stop"' "$work/out")" -eq 0 ]

# A reader that is stopped holds up nobody.
begin_reader /v1/stops "$work/stopped"
kill -STOP "$reader"
run told3 "$handles"
docker stop "$name-told3" >/dev/null
stopped=$reader
is_told() {
	read_stops "/v1/stops?since=2"
	has 1 "\"name\":\"$name-told3\"" "$work/out"
}
check "a reader that does not read holds up nobody" await is_told
reader=$stopped
end_reader

# Killed: what is there of it is replaced by the next one.
kill -KILL "$witness"
wait "$witness" 2>/dev/null
check "a killed witness leaves its socket" [ -S "$socket" ]
begin_witness --listen "unix://$socket"
check "which the next one replaces" grep -q "listening on unix://$socket" "$work/errors"
"$bin/stopbench" witness --listen "unix://$socket" >"$work/out" 2>&1
code=$?
check "but not one at which somebody listens" ends_with 3 "Address already in use"
end_witness
check "one that ends takes it along" [ ! -e "$socket" ]

# --- over TLS ---

stopbench witness --listen http://127.0.0.1:0
check "no plain TCP" ends_with 3 "over no plain TCP"
stopbench witness --listen https://127.0.0.1:0
check "TLS has certificates" ends_with 3 "needs --tls FOLDER"
stopbench witness --listen https://127.0.0.1:0 --tls "$work"
check "which have to be there" ends_with 3 "ca.pem: No such file"
sh test/support/certificates "$work"
run tls "$handles"
begin_witness --listen https://127.0.0.1:0 --tls "$work/node"
url=$(sed -n 's/.*listening on \(https:.*\)/\1/p' "$work/errors")
ask_tls() { # WHO [OPTION...]
	who=$1
	shift
	curl -sS --cacert "$work/authority.pem" --cert "$work/$who/cert.pem" \
		--key "$work/$who/key.pem" "$@" "$url/v1/node" >"$work/out" 2>&1
}
ask_tls harness
check "a client with a certificate is told" says '"watching":1'
ask_tls stranger
check "one of another authority is not" says "a client certificate is needed"
check "not a word" [ "$(grep -c watching "$work/out")" -eq 0 ]
curl -sS --cacert "$work/authority.pem" "$url/v1/node" >"$work/out" 2>&1
check "nor one without a certificate" says "a client certificate is needed"
curl -sS --cacert "$work/other.pem" "$url/v1/node" >"$work/out" 2>&1
check "and nobody has to believe it" says "certificate"
curl -sS "http://${url#https://}/v1/node" >"$work/out" 2>&1
check "plain HTTP is no way in" [ "$(grep -c watching "$work/out")" -eq 0 ]
end_witness

exit "$failed"
