#!/bin/sh
# Runs compared with earlier ones: `stopbench compare`, `run --baseline`, `run --against`.
set -u
test=compare
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

# A service whose stop takes $1 milliseconds: exit 0 in any case.
service() {
	cat <<END
import signal, time
def stop(number, frame):
    time.sleep($1 / 1000)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    signal.pause()
END
}

# A repository with two commits: the stop of the second one is slower, by more than any
# noise of this host, and stopbench finds both from inside of it.
repository=$work/shop
mkdir -p "$repository/scenarios" "$work/tmp"
export TMPDIR="$work/tmp"
cat >"$repository/scenarios/shop.json" <<'END'
{ "name": "the shop drains", "engines": ["process"],
  "service": { "command": ["python3", "server.py"], "ready": { "log": "ready" },
               "mocks": false },
  "stop": { "grace": "5s" }, "expect": { "exit_code": 0 } }
END
service 50 >"$repository/server.py"
git -C "$repository" init -q
commit() {
	git -C "$repository" add . && git -C "$repository" -c user.name=shop \
		-c user.email=shop@example.com commit -qm "$1"
}
commit fast
service 500 >"$repository/server.py"
commit slow
bin=$(cd "$bin" && pwd)
cd "$repository" || exit 1

run() { # REPORT OPTION...
	report=$1
	shift
	stopbench run --engine process --jobs 1 --report "$work/$report" "$@" scenarios/shop.json
}

stopbench run --engine process --jobs 1 --against HEAD~1 --report "$work/against" scenarios/shop.json
check "--against finds that this commit is slower than the one before" \
	ends_with 1 "slower by " "1 regression in 1 case compared"
check "both sides have their results" test -s "$work/against/base.json"
"$bin/stopbench" compare "$work/against/base.json" "$work/against/results.json" >"$work/out" 2>&1
code=$?
check "compare says the same of the files, and knows that they were made in turn" \
	ends_with 1 "slower by " "1 regression in 1 case compared"
check "it does not warn of runs that were not made in turn" \
	sh -c "! grep -q 'not made in turn' '$work/out'"

run against-itself --against HEAD
check "a commit is not slower than itself" ends_with 0 "0 regressions in 1 case compared"
check "the repository is as it was" test -z "$(git status --porcelain)"
check "nothing of BASE is left" sh -c "! ls -d '$TMPDIR'/stopbench-* 2>/dev/null"

git checkout -q HEAD~1
run base --repeat 8
git checkout -q -
run slow --repeat 8 --baseline "$work/base/results.json"
check "--baseline finds the slower stop" ends_with 1 "slower by " "not made in turn"
check "which the table has as not met" says "NOT MET 8 of 8" "regression: slower by" "1 not met"
"$bin/stopbench" report "$work/slow/results.json" --format "markdown=$work/summary.md" \
	--format "junit=$work/junit.xml" --format "github=$work/github" >"$work/out" 2>&1
check "and every format tells it" sh -c "
	head -1 '$work/summary.md' | grep -q 'did not stop as expected' &&
	grep -q 'slower by' '$work/summary.md' && grep -q 'slower by' '$work/junit.xml' &&
	grep -q '^::error.*slower by' '$work/github'"
run again --repeat 8 --baseline "$work/slow/results.json"
check "and none where nothing was changed" ends_with 0 "0 regressions in 1 case compared"
run once --baseline "$work/base/results.json"
check "one round is too few, and that is said" ends_with 0 "too few rounds to say"

sed -i 's/SystemExit(0)/SystemExit(3)/' server.py
run dirty --baseline "$work/slow/results.json"
check "a stop that is not clean any more is a regression after one round" \
	ends_with 1 "dirty in 1 of 1 rounds, and in BASE at worst clean" "exit_code: wanted 0, seen 3"

known() { # DIAGNOSIS
	cat >"$work/known.json" <<END
{ "known_failures": [ { "case": "shop", "diagnosis": "$1", "why": "issue 12" } ] }
END
}
known X12
run known --known-failures "$work/known.json"
check "a failure that is known is none" ends_with 0 "known failure" "1 known failure, 0 not met"
known W1
run other --known-failures "$work/known.json"
check "but with another cause it is" ends_with 1 "NOT MET"
git checkout -q server.py
known X12
run passes --known-failures "$work/known.json"
check "and one that is met has to come off the list" \
	ends_with 1 "on the list of known failures (issue 12): take it off"
run bad --known-failures "$work/none.json"
check "a list that is not there is bad usage" ends_with 2 "none.json"

stopbench compare "$work/base/results.json" "$work/slow/results.json" --json
check "the comparison is JSON as well" ends_with 1 '"regressions":' '"slower"'

# What cannot be compared.
stopbench compare "$work/base/results.json"
check "two results are asked for" ends_with 2 "BASE and NEW"
stopbench compare "$work/base/results.json" "$work/none.json"
check "a missing file is bad usage" ends_with 2 "none.json"
run none --baseline "$work/none.json"
check "also of --baseline, before anything is run" ends_with 2 "none.json"
check "and nothing was run" test ! -e "$work/none/results.json"
sed 's/"engine":	"process"/"engine":	"docker"/' "$work/base/results.json" >"$work/docker.json"
stopbench compare "$work/docker.json" "$work/slow/results.json"
check "another engine's stops are not comparable" ends_with 2 "engine docker and NEW on engine process"
run engines --baseline "$work/docker.json"
check "nor are they with --baseline, and nothing is run" \
	ends_with 2 "engine docker and NEW on engine process"
check "so there are no results" test ! -e "$work/engines/results.json"
sed 's/"id":	"shop"/"id":	"bakery"/' "$work/base/results.json" >"$work/other.json"
run other-cases --baseline "$work/other.json"
check "a baseline without a case of this run is no green one" ends_with 2 "no case in common"
sed 's/"cpus":	[0-9]*/"cpus":	640/' "$work/base/results.json" >"$work/host.json"
stopbench compare "$work/host.json" "$work/slow/results.json"
check "another host's seconds are not compared, and that is said" ends_with 0 "different hosts"
run both --against HEAD --repeat 3
check "--against makes its own pairs" ends_with 2 "neither --baseline nor"
run built --against HEAD --build false
check "a build that fails is told" ends_with 3 "the build of HEAD failed: false"
run nothing --against no-such-commit-nor-image
check "no commit, and no image for this engine" ends_with 3 "no-such-commit-nor-image"

exit "$failed"
