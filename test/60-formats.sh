#!/bin/sh
# What `stopbench run` found, printed in each format, and by `stopbench report` again from
# its results.json.
set -u
test=formats
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT
errors=$work/errors

report() {
	"$bin/stopbench" report "$@" >"$work/out" 2>"$errors"
	code=$?
}

# One case is met, one is not, one cannot run; cures are tried, and one has a matrix.
mkdir "$work/scenarios"
cat >"$work/scenarios/10-met.json" <<'END'
{ "name": "drains in time", "why": "Each session takes 20 ms to end.",
  "engines": ["process"], "repeat": 2,
  "agent": { "disconnect": { "latency": "20ms" } },
  "matrix": { "load.sessions": [1, 2] },
  "stop": { "grace": "1s" }, "expect": { "verdict": "clean", "disconnected": "all" } }
END
cat >"$work/scenarios/20-unmet.json" <<'END'
{ "name": "a shell | `in` front ]]> ::error::%0A", "engines": ["process"],
  "service": { "command": ["sh", "-c", "handles-term; true"], "ready": { "log": "ready" },
               "mocks": false },
  "stop": { "grace": "300ms" }, "expect": { "exit_code": 0, "verdict": "clean" } }
END
cat >"$work/scenarios/30-not-run.json" <<'END'
{ "name": "never ready", "engines": ["process"],
  "service": { "command": ["no-handler"], "mocks": false,
               "ready": { "log": "never said", "within": "200ms" } },
  "stop": { "grace": "300ms" }, "expect": { "exit_code": 0 } }
END
results=$work/reports/results.json
stopbench run --engine process --report "$work/reports" --try-cures --seed 1 \
	--format "json=$work/a/results.json" --format "proved=$work/a/proved.txt" \
	"$work/scenarios"
check "the table is on stdout while others go to files" \
	ends_with 1 "4 cases, 2 met, 1 not met, 1 could not run" "Clean with exec form" \
	"Results: $results"
check "a file has what the format prints" cmp -s "$results" "$work/a/results.json"
check "another one has its own" grep -q "Proved by" "$work/a/proved.txt"

cp "$work/a/results.json" "$work/seen.json"
report "$results" --format json
check "results are printed again as they were" cmp -s "$work/out" "$work/seen.json"
report "$results" --format "json=$work/b.json" --format table
check "in several formats at once" cmp -s "$work/b.json" "$work/seen.json"
check "and exit code 0 says that they were printed" ends_with 0 "CASE" "exec form"

stopbench run --engine process --report "$work/not" --format json=/dev/null/x "$work/scenarios"
check "a path that cannot be written is told before anything is run" \
	ends_with 3 "/dev/null: is no folder"
check "and nothing was run" test ! -e "$work/not/results.json"

head -c 2000 "$results" >"$work/cut.json"
report "$work/cut.json"
check "results that were cut off are refused" ends_with 2 "$work/cut.json:" "the end of the text"
sed 's/"schema":\t1/"schema":\t2/' "$results" >"$work/newer.json"
report "$work/newer.json"
check "and those of another version" ends_with 2 "newer.json:3:2: schema: expected 1"
report
check "and none" ends_with 2 "which file of results?"

# Debian's own python3 has Debian's packages.
python=/usr/bin/python3
if has_checker python3-jsonschema $python -c 'import jsonschema'; then
	"$bin/stopbench" schema --results >"$work/schema.json"
	valid() {
		$python -c 'import json, jsonschema, sys
schema, results = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.Draft7Validator(schema).validate(results)' "$work/schema.json" "$1" >"$work/out" 2>"$errors"
	}
	check "the results are what their schema says" valid "$results"
	check "and its schema is the one of the documents" \
		cmp -s "$work/schema.json" docs/results.schema.json
	sed 's/"met":/"mte":/' "$results" >"$work/other.json"
	refused() { ! valid "$work/other.json"; }
	check "which refuses others" refused
fi

exit "$failed"
