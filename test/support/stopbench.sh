# stopbench.sh - what the tests of stopbench's commands share. Sourced from the top of the
# tree.
#
# A test sets `test` (its word: "stop") before. It gets `bin`, a folder `work` of its own,
# `name`, a prefix of its containers and the name of its image, and `failed`. A command's
# output goes to $work/out, where it is wanted apart its stderr to $work/errors, and its
# exit code to `code`.
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
touch "$work/out" "$work/errors"
name=stopbench-test-$test-$$
image=$name
failed=0
code=0

# A missing engine is a failure where one was promised.
skip_or_fail() { # REASON
	if [ -n "${STOPBENCH_REQUIRE_DOCKER:-}" ]; then
		echo "not ok $test: $1, and STOPBENCH_REQUIRE_DOCKER is set"
		exit 1
	fi
	echo "skip $test: $1"
	rm -rf "$work"
	exit 0
}

needs_docker() {
	docker version >/dev/null 2>&1 ||
		skip_or_fail "no Docker engine answers, or there is no docker"
	[ -x /bin/busybox ] || skip_or_fail "there is no /bin/busybox"
}

# A checker of somebody else: COMMAND... (which says that it is there). Where it is missing,
# that is a failure where STOPBENCH_REQUIRE_CHECKERS is set.
has_checker() { # NAME COMMAND...
	checker=$1
	shift
	"$@" >/dev/null 2>&1 && return
	if [ -n "${STOPBENCH_REQUIRE_CHECKERS:-}" ]; then
		echo "not ok $test: there is no $checker, and STOPBENCH_REQUIRE_CHECKERS is set"
		failed=1
	else
		echo "skip $test: there is no $checker"
	fi
	return 1
}

# An image of busybox alone, in /bin; options of `docker import` behind it.
make_image() {
	mkdir -p "$work/bin"
	cp /bin/busybox "$work/bin/"
	tar -C "$work" -c bin | docker import -c 'ENV PATH=/bin' "$@" - "$image" >/dev/null
}

# Waits until something in the container listens on this port: PORT.
await_port() {
	for _ in $(seq 200); do
		docker exec "$container" busybox netstat -ltn 2>/dev/null | grep -q ":$1 " && return
		sleep 0.05
	done
	return 1
}

remove_containers() {
	docker ps -aq --filter "name=$name" | xargs -r docker rm -fv >/dev/null 2>&1
	docker rmi -f "$image" >/dev/null 2>&1
}

# Runs a command of stopbench; both streams of it go to $work/out.
stopbench() {
	"$bin/stopbench" "$@" >"$work/out" 2>&1
	code=$?
}

check() { # WHAT COMMAND...
	what=$1
	shift
	if "$@"; then
		echo "ok $what"
	else
		echo "not ok $what (exit code $code)"
		cat "$work/out" "$work/errors"
		failed=1
	fi
}

# Words of one paragraph, wherever its lines break.
says() {
	cat "$work/out" "$work/errors" | tr -s ' \t\n' ' ' | grep -qF -- "$1"
}

ends_with() { # CODE WORDS...
	[ "$code" -eq "$1" ] || return 1
	shift
	for words in "$@"; do
		says "$words" || return 1
	done
}
