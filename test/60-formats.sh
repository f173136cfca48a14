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
report "$results" --format trace
check "that there is no picture is told" ends_with 0 "trace: these results have no picture"
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

# --- the same with texts that each format would take for its own ---

hostile='=a]]>&<b>\u202e\"|`x`@all ::error::%0A\n::error::\r\u001b[31m\ufffe\uffff, # SKIP \\\\ \u2028http://x'
word=$(printf %s "$hostile" | sed 's/[&\\/]/\\&/g')
sed "s/\"\(reason\|text\|seen\|wanted\|command\|file\|why\|how\|trouble_text\)\":\t\".*\"\(,*\)\$/\"\1\":\t\"$word\"\2/
	s/\"id\":\t\"20-unmet\"/\"id\":\t\"$word\"/" "$results" >"$work/hostile.json"

print() { # FORMAT
	report "$work/hostile.json" --format "$1"
	mv "$work/out" "$work/$1"
	cp "$work/$1" "$work/out"
	check "$1 of hostile texts is printed" ends_with 0
	inert() { ! LC_ALL=C grep -qP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xe2\x80[\xa8\xa9\xae]' "$1"; }
	check "$1 has nothing that a terminal acts on" inert "$work/$1"
	report "$results" --format "$1"
	mv "$work/out" "$work/$1.real"
	cp "$work/$1.real" "$work/out"
}
for format in table proved json junit tap markdown github gitlab benchmark prometheus csv; do
	print "$format"
done

stopbench run --engine process --report "$work/met" "$work/scenarios/10-met.json"
report "$work/met/results.json" --format markdown
short() { [ "$(wc -l <"$work/out")" -le 10 ] && says "**All 2 cases stopped as expected.**"; }
check "markdown is short where all is well" short

cp "$work/junit.real" "$work/out"
check "junit counts" says '<testsuites name="stopbench" tests="4" failures="1" errors="1"'
if has_checker xmllint xmllint --version; then
	for file in junit junit.real; do
		check "xmllint reads $file" xmllint --noout "$work/$file"
		counted() { [ "$(xmllint --xpath "$1" "$work/$file")" = "$2" ]; }
		check "$file: a testsuite for each scenario" counted 'count(//testsuite)' 3
		check "$file: a testcase for each case" counted 'count(//testsuite/testcase)' 4
		check "$file: one failed" counted 'count(//testcase/failure)' 1
		check "$file: one could not run" counted 'count(//testcase/error)' 1
		check "$file: no element more" counted 'count(//*)' 14
	done
fi

tap_is() {
	# Perl's knows version 13, of which version 14 is an extension.
	head -n 1 "$work/$file" | grep -qx 'TAP version 14' || return 1
	sed '1s/14/13/' "$work/$file" >"$work/13.tap"
	prove -e cat "$work/13.tap" >"$work/out" 2>&1
	grep -qx '  Failed tests:  3-4' "$work/out" && grep -q '^Files=1, Tests=4' "$work/out" &&
		! grep -q 'Parse errors' "$work/out"
}
if has_checker "TAP::Parser of perl" prove --version; then
	for file in tap tap.real; do
		check "TAP::Parser reads $file: two of four failed" tap_is
	done
fi

check "tap: a name is no directive" grep -q '^not ok 3 - .* \\# SKIP \\\\' "$work/tap"

first_line_is() { head -n 1 "$work/$1" | grep -q -- "$2"; }
check "the first line of markdown is the verdict" first_line_is markdown.real \
	'^\*\*1 of 4 cases did not stop as expected, 1 of 4 could not run\*\*: 20-unmet: [WH]3 PID 1 '
no_tags() { ! grep -v '^- alone: ``' "$work/markdown" | grep -q '<\|[^\\]`\|[^\\]@'; }
check "nothing in markdown is HTML, code or a mention" no_tags

github_is() { [ "$(wc -l <"$work/$1")" -eq 2 ] && [ "$(grep -c '^::\(error\|warning\) file=' "$work/$1")" -eq 2 ]; }
for file in github github.real; do
	check "$file: two annotations, and no other line" github_is "$file"
done
cp "$work/github.real" "$work/out"
check "an annotation has file and line" says \
	"::error file=$work/scenarios/20-unmet.json,line=4,title=20-unmet%3A killed::"

if [ -x $python ]; then
	jsons() {
		$python - "$work/gitlab" "$work/gitlab.real" "$work/benchmark" "$work/benchmark.real" <<-'END' >"$work/out" 2>"$errors"
			import json, sys
			hostile, real, *benchmarks = (json.load(open(path)) for path in sys.argv[1:])
			for issues in hostile, real:
			    assert len(issues) == 2
			    for issue in issues:
			        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
			        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
			        assert issue["location"]["lines"]["begin"] > 0 and issue["location"]["path"]
			    assert len({issue["fingerprint"] for issue in issues}) == 2
			assert real[0]["check_name"] in ("W3", "H3") and real[1]["check_name"] == "could-not-run"
			for benchmark in benchmarks:
			    assert len(benchmark) == 4, benchmark
			    assert all(type(item["value"]) in (int, float) and item["value"] > 0 for item in benchmark)
			    assert {item["unit"] for item in benchmark} == {"ms", "x"}
		END
	}
	check "gitlab and benchmark have the members that their readers want" jsons
	csv_is() {
		$python - "$work/csv" "$work/csv.real" <<-'END' >"$work/out" 2>"$errors"
			import csv, sys
			for path in sys.argv[1:]:
			    text = open(path, newline="").read()
			    assert text.endswith("\r\n") and text.count("\n") == 7 == text.count("\r\n")
			    rows = list(csv.DictReader(text.splitlines(), strict=True))
			    assert len(rows) == 6 and all(None not in row and None not in row.values() for row in rows)
			    assert all(row["warm_up"] in ("", "true", "false") for row in rows)
			    assert not any(value[:1] in "=+@" for row in rows for value in row.values() if value)
			    assert [row["met"] for row in rows] == ["true"] * 4 + ["false"] * 2
			    assert rows[0]["axes"] == '{"load.sessions":1}' and rows[5]["stop_ns"] == ""
		END
	}
	check "csv has a row of whole columns for each round" csv_is
fi
if has_checker python3-prometheus-client $python -c 'import prometheus_client.parser'; then
	prometheus_is() {
		$python - "$work/$file" <<-'END' >"$work/out" 2>"$errors"
			import sys
			from prometheus_client.parser import text_string_to_metric_families
			families = {f.name: f for f in text_string_to_metric_families(open(sys.argv[1]).read())}
			assert len(families["stopbench_stop_seconds"].samples) == 2
			assert len(families["stopbench_stop_over_limit_ratio"].samples) == 2
			assert sorted(s.value for s in families["stopbench_case_met"].samples) == [0, 1, 1]
			assert sum(s.value for s in families["stopbench_case_killed_rounds"].samples) == 1
			assert {s.labels["outcome"]: s.value for s in families["stopbench_cases"].samples} == {
			    "known_failures": 0, "met": 2, "unmet": 1, "not_run": 1, "passed_over": 0}
		END
	}
	scenario_is_whole() { $python -c 'import sys
from prometheus_client.parser import text_string_to_metric_families
names = {s.labels.get("scenario") for f in text_string_to_metric_families(sys.stdin.read()) for s in f.samples}
assert any(name and name.endswith("# SKIP \\\\  http://x") and "\"|`x`" in name for name in names), names' \
		<"$work/prometheus" >"$work/out" 2>"$errors"; }
	check "a label has the text that was given" scenario_is_whole
	for file in prometheus prometheus.real; do
		check "prometheus-client reads $file" prometheus_is
	done
fi
if command -v promtool >/dev/null; then
	for file in prometheus prometheus.real; do
		lint() { promtool check metrics <"$work/$file" >"$work/out" 2>&1; }
		check "promtool reads $file" lint
	done
fi

# --- the document ---

names=$("$bin/stopbench" report x --format ? 2>&1 | sed -n 's/.*--format: \(.*\), not "?".*/\1/p')
for format in $(echo "$names" | sed 's/ or / /g'); do
	check "README.md names $format" grep -q "^| .*\`$format\`.* |" README.md
done

exit "$failed"
