#!/bin/sh
# interop/run tells a part that fails, that prints nothing, that ends badly or that hangs,
# and leaves nothing of it. What the clients themselves do, `make interop` tries.
set -u
test=interop
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

# Documents that name each part, and no version that is not pinned.
described() {
	for file in interop/*.mjs interop/*.sh; do
		one=$(basename "${file%.*}")
		case $one in lib | lib-* | runner | \*) continue ;; esac
		grep -q "^| \`$one\` |" interop/README.md || { echo "no row for $one" && return 1; }
	done
}
pinned() {
	sed -n 's/^| [^|]* | \([0-9][^ |]*\) | [0-9]* | [0-9]* | [0-9]* |$/\1/p' docs/interop.md |
		sort -u >"$work/versions"
	[ -s "$work/versions" ] || return 1
	while read -r version; do
		[ "$version" = "$("$bin/stopbench" --version | sed 's/.* //')" ] ||
			cat interop/*package.json | grep -qF -e "\"$version\"" -e "@$version\"" ||
			{ echo "docs/interop.md: $version is not pinned" && return 1; }
	done <"$work/versions"
}
check "every part has its row in interop/README.md" described
check "every version in docs/interop.md is pinned" pinned

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "skip interop: there is no node, or no npm"
	exit 0
fi

part() { # NAME: its lines on stdin
	cat >"$work/$1.sh"
}
run_parts() { # NAME...
	for one in "$@"; do
		set -- "$@" "$work/$one.sh"
		shift
	done
	PROGRAMS=$bin INTEROP_OUT=$work timeout -k 5 60 interop/run "$@" >"$work/out" 2>&1
	code=$?
}
row() { # CLIENT VERSION PASSED OF SKIPPED
	grep -qx "$1  *$2  *$3  *$4  *$5" "$work/out"
}
gone() { # FILE with a pid; a PID 1 that reaps nobody keeps zombies
	state=$(sed -n "s/^State:\t\(.\).*/\1/p" "/proc/$(cat "$1")/status" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}

part good <<'END'
echo "# client: one 1.0"
echo "ok first"
echo "skip second # not here"
echo "# client: two parts 2.0"
echo "ok third"
END
run_parts good
check "a part that passes is green" ends_with 0 "2 passed, 0 failed, 1 skipped"
check "its clients have a row each" row one 1.0 1 1 1
check "a client's name may have spaces" row "two parts" 2.0 1 1 0

part bad <<'END'
echo "# client: one 1.0"
echo "ok first"
echo "not ok second # 3 is not 4"
exit 1
END
run_parts bad good
check "a failure is red, and told" ends_with 1 "FAILED one 1.0: second # 3 is not 4" \
	"3 passed, 1 failed, 1 skipped"
check "results.json has it" python3 - "$work/results.json" <<'END'
import json, sys
results = json.load(open(sys.argv[1]))
first = results["clients"][0]
assert (results["passed"], results["of"], results["skipped"]) == (3, 4, 1), results
assert first["failures"] == [{"name": "second", "why": "3 is not 4"}], first
END

: | part silent
run_parts silent good
check "a part that prints nothing has failed" ends_with 1 "no result, exit code 0" \
	"2 passed, 1 failed"

part broken <<'END'
echo "ok first"
exit 7
END
run_parts broken
check "an exit code without a failure is one" ends_with 1 "exit code 7 without a failure" \
	"1 passed, 1 failed"

part hides <<'END'
echo "not ok first"
END
run_parts hides
check "exit code 0 hides no failure" ends_with 1 "exit code 0 with failures"

part killed <<'END'
echo "ok first"
kill -9 $$
END
run_parts killed
check "a part that is killed has failed" ends_with 1 "ended by SIGKILL"

# Its child keeps the output open.
part hangs <<END
# bound: 1 s
echo "ok first"
sleep 500 &
echo \$! >"$work/child"
trap "" TERM
while :; do sleep 50; done
END
run_parts hangs good
check "a part that hangs has failed, and others run" ends_with 1 "not done after 1 s" \
	"3 passed, 1 failed"
check "nothing of it is left" gone "$work/child"

part leaves <<END
echo "ok first"
sleep 500 &
echo \$! >"$work/child"
END
run_parts leaves
check "a child that was left does not hold it up" ends_with 0 "1 passed, 0 failed"
check "and is killed" gone "$work/child"

run_parts nothing
check "a part that is not there is bad usage" ends_with 2 "nothing.sh: no such part"
exit $failed
