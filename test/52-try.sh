#!/bin/sh
# `stopbench try` on an image and on a command: what it says, and that nothing is left.
set -u
test=try
. test/support/stopbench.sh
TMPDIR=$work
export TMPDIR

finish() {
	docker rmi -f "$image" "$image:shell" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT

try() {
	stopbench try "$@"
}

# Stops at SIGTERM with code 0, and says so.
handles='trap "echo bye; exit 0" TERM; echo up; while :; do busybox sleep 0.05; done'

runs() { # PATTERN of a command
	commands=$(busybox ps -o args)
	echo "$commands" | grep -q "$1"
}

# Those of this test alone, by the word that is in their commands.
nothing_runs() {
	for _ in $(seq 40); do
		runs "$1" || return 0
		sleep 0.05
	done
	return 1
}

no_folder() {
	[ -z "$(find "$work" -maxdepth 1 -name 'stopbench-*')" ]
}

# --- the process engine ---

if ! command -v busybox >/dev/null; then
	echo "skip try: there is no busybox"
	exit 0
fi

try --ready-log up -- busybox sh -c "$handles"
check "a command that stops well is clean" \
	ends_with 0 "busybox clean 0 after" "Last words: \"bye\""

try --grace 300ms -- busybox sh -c "busybox sleep 7${$}1; true"
check "a shell in front is the reason, with its cure" \
	ends_with 1 "busybox killed 137 after 3" "W3 PID 1 is busybox" \
	"Cure: Make busybox PID 1: \`CMD [\"busybox\",\"sh\",\"-c\",\"exec busybox sleep 7${$}1; true\"]\`"
check "nothing of it runs on" nothing_runs "busybox sleep 7${$}1"

try --json -e GREETING=hello --ready-log hello -- busybox sh -c "echo \$GREETING; $handles"
check "the variables are set, and programs can read the result" \
	ends_with 0 '"verdict": "clean"' '"exit_code": 0'

try --try-cures -- busybox sh -c 'echo no; exit 3'
check "what ends by itself is told so" ends_with 1 "crash 3 before the stop" '"no"'
check "and is not run again, for there was no stop" ends_with 1 "Cures: there is none"
check "no container is named where there is none" says "Cure: Its last words say why"

try --ready-within 300ms --ready-log never -- busybox sh -c "$handles"
check "what is never ready is not stopped" ends_with 3 "not ready in time" "last line: up"

try --ready-log up --stop-signal KILL -- busybox sh -c "$handles"
check "SIGKILL as the stop signal gives no chance" \
	ends_with 1 "busybox killed 137" "W5 the stop signal is SIGKILL" "Signals: SIGKILL from the engine"

# Programs that handle one signal: SIGTERM, or SIGINT, or SIGTERM and take their time.
term="$bin/mock-agent --port 0"
int='trap "exit 0" INT; echo up; while :; do busybox sleep 0.05; done'
late='trap "busybox sleep 2; exit 0" TERM; echo up; while :; do busybox sleep 0.05; done'

try --try-cures --grace 2s -- sh -c "$term; true"
check "a shell in front is cured by exec, and nothing else is tried" \
	ends_with 1 "killed 137" "exec form 0 " "Clean with exec form: \`ENTRYPOINT" "exec $term"
check "that is" eval '! says "an init 1"'

cat >"$work/entrypoint" <<END
#!/bin/sh
"\$@"
exit
END
chmod +x "$work/entrypoint"
try --try-cures --grace 2s -- "$work/entrypoint" $term
check "a script that runs the words behind it is cured by exec, too" \
	ends_with 1 "killed 137" "exec form 0 " "Clean with exec form: \`exec \"\$@\"\`" \
	"let \`exec \"\$@\"\` be the last line of"

mkdir -p "$work/app"
ln -s "$(realpath "$bin/mock-agent")" "$work/app/server"
cat >"$work/start" <<END
#!/bin/sh
cd "$work/app" && sh -c "./server --port 0; true"
exit
END
chmod +x "$work/start"
try --try-cures --grace 2s -- "$work/start"
check "behind two launchers it is cured by the program's own words, in its folder" \
	ends_with 1 "killed 137" "W3" "exec form 0 " "clean" \
	"let the last line of $work/start be \`exec ./server --port 0\`." \
	"Clean with exec form: \`WORKDIR $work/app\` and \`ENTRYPOINT [\"./server\",\"--port\",\"0\"]\`"

try --try-cures --grace 1s --ready-log up -- busybox sh -c "$int"
check "a program that handles another signal is cured by that" \
	ends_with 1 "killed 137" "SIGINT 0 " "Clean with SIGINT: \`STOPSIGNAL SIGINT\`"
check "and a signal that it does not handle is not tried" eval '! says "SIGQUIT"'

try --try-cures --grace 1s --ready-log up -- busybox sh -c "$late"
check "one that takes its time is cured by a longer grace" \
	ends_with 1 "killed 137" "grace 3.00s 0 2." "clean" "--stop-timeout 3"

try --try-cures --grace 1s --ready-log up -- sh -c "busybox sh -c '$int'; true"
check "where one cure only comes nearer, two are tried" \
	ends_with 1 "killed 137" "none was clean, so with two" "exec form 137 > 1.00s killed" \
	"exec form, SIGINT 0 " "Clean with exec form, SIGINT: \`ENTRYPOINT" \
	"; and \`STOPSIGNAL SIGINT\`"

# (A program that is quiet: a shell that forks is not always seen to handle the signal.)
cat >"$work/launcher" <<END
sh -c "$term; true" & child=\$!
trap 'sleep 1.5; kill \$child; wait; exit 1' TERM
wait
wait
END
try --try-cures --grace 1s -- bash "$work/launcher"
check "the second of two cures is tried alone, and is advised where it needs no other" \
	ends_with 1 "grace 3.00s, exec form 0 " "exec form alone 0 " \
	"Clean with exec form alone: \`ENTRYPOINT"
check "and the two together are not" eval '! says "Clean with grace"'

try --try-cures --grace 300ms -- sh -c "busybox sleep 7${$}4; true"
check "an end by the default action is told as what it is" \
	ends_with 1 "exec form, an init 143 " "143 is the program's own death by SIGTERM" \
	"None of them makes the stop clean"

try --json --try-cures --grace 300ms -- busybox sleep 50
check "programs can read the cures" \
	ends_with 1 '"cures": [' '"cure": "an init"' '"exit_code": 143'

try --try-cures --ready-log up -- busybox sh -c "$handles"
check "a clean stop needs none" ends_with 0 "busybox clean 0"
check "and is not run again" eval '! says "Run again"'

cat >"$work/scenario.json" <<END
{ "name": "a shell in front",
  "service": { "command": ["sh", "-c", "$term; true"], "mocks": false },
  "stop": { "grace": "2s" }, "engines": ["process"] }
END
"$bin/stopbench" run --engine process --try-cures --report "$work/reports" \
	"$work/scenario.json" >"$work/out" 2>&1
code=$?
check "a scenario is run again, too" ends_with 1 "scenario: killed" "exec form 0 " \
	"Clean with exec form"
cp "$work/reports/results.json" "$work/out"
check "and its results have it" says '"cures": [{ "cure": "exec form",'

"$bin/stopbench" try --try-cures --grace 2s -- sh -c "busybox sleep 7${$}3; true" \
	>"$work/out" 2>&1 &
pid=$!
# In exec form it has no shell. (Where a namespace ends its shell ends first.)
is_rerun() {
	runs "^busybox sleep 7${$}3" && ! runs "^sh -c busybox sleep 7${$}3"
}
for _ in $(seq 200); do
	is_rerun && sleep 0.1 && is_rerun && break
	sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
check "a Ctrl-C ends the reruns, and what was seen is told" \
	ends_with 3 "killed 137" "interrupted: not every cure was tried"
check "and nothing of them runs on" nothing_runs "busybox sleep 7${$}3"

try -- "$work/nowhere"
check "a program that is not there is named" ends_with 3 "$work/nowhere"

"$bin/stopbench" try --ready-log never -- busybox sh -c "echo up; busybox sleep 7${$}2; true" \
	>"$work/out" 2>&1 &
pid=$!
for _ in $(seq 100); do
	runs "^busybox sleep 7${$}2" && break
	sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
check "a Ctrl-C ends it" ends_with 3 "interrupted"
check "and what it had started" nothing_runs "busybox sleep 7${$}2"
check "no folder is left" no_folder

# --- containers ---

needs_docker

mkdir "$work/bin"
cp /bin/busybox "$work/bin/"
tar -C "$work" -c bin |
	docker import -c 'ENV PATH=/bin' -c 'CMD ["busybox", "sleep", "60"]' \
		- "$image" >/dev/null || exit 1

no_container() {
	[ -z "$(docker ps -aq --filter "ancestor=$image")" ]
}

try -t 1 --stop-signal INT "$image"
check "an image runs its own command" \
	ends_with 1 "$image killed 137 after 1." "W1 PID 1 (busybox) has no handler for SIGINT"
check "and its container is removed" no_container

try -d --rm -it --name shop -p 127.0.0.1::80 -e A=1 -v "$work/bin:/x:ro" -w /x -u 5:6 \
	-m 64m --cpus 0.5 --pids-limit 50 --cap-drop ALL --cap-add KILL --tmpfs /tmp \
	--read-only --init --stop-signal TERM --stop-timeout 4 --entrypoint busybox "$image" \
	sh -c 'trap "exit 0" TERM; test "$A" = 1 && test "$(pwd)" = /x && test -x /x/busybox &&
		test "$(busybox id -u)" = 5 && test "$$" != 1 && ! touch /y 2>/dev/null && touch /tmp/y
		echo "all $?"; while :; do busybox sleep 0.05; done'
check "a line of docker run can be pasted" \
	ends_with 0 "$image clean 0 after" "Last words: \"all 0\"" "(grace: 4s)" \
	"--name has no effect here"
check "and its container is removed, too" no_container

try --ready-port 8000 --stop-signal TERM --init "$image" busybox httpd -f -p 8000
check "the port is asked at the container's address" ends_with 1 "143 after"

tar -C "$work" -c bin | docker import -c 'ENV PATH=/bin' -c 'ENTRYPOINT ["busybox", "sh", "-c"]' \
	-c 'CMD ["busybox httpd -f -p 80; true"]' - "$image:shell" >/dev/null
try --try-cures --grace 1s "$image:shell"
check "the shell of an image's own entrypoint is left out" \
	ends_with 1 "killed 137" "exec form 137 > 1.00s" "None of them makes the stop clean." \
	"In time with exec form, an init:"

try "$name-nobody"
check "a missing image is an error, and is not pulled" \
	ends_with 3 "there is no image $name-nobody, and none is pulled"

try "$image" "$name-nothing"
check "a program that its image has not got is told by the image's name" \
	ends_with 3 "start a container of $image: " "$name-nothing"

try -v "$work/none:/x" "$image"
check "what the daemon refuses is told" ends_with 3 "$work/none"
check "and nothing is left of it" no_container

"$bin/stopbench" try --ready-log never "$image" >"$work/out" 2>&1 &
pid=$!
for _ in $(seq 100); do
	[ -z "$(docker ps -q --filter "ancestor=$image")" ] || break
	sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
check "a Ctrl-C ends a container" ends_with 3 "interrupted"
check "which is removed" no_container
check "no folder is left of containers" no_folder

DOCKER_HOST=unix:///nonexistent/docker.sock "$bin/stopbench" try x >"$work/out" 2>&1
code=$?
check "without a daemon no image can be run" ends_with 3 "no Docker daemon"
exit $failed
