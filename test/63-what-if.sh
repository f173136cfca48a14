#!/bin/sh
# `stopbench run --what-if`: what held a stop up is changed, the case is run again, and the
# saving is what was predicted. By sign and by wide ratios alone: the machine may be slow.
set -u
test=what-if
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

# The member of a change, or nothing: FILE KNOB MEMBER [HALF]
member() {
	/usr/bin/python3 -c 'import json, sys
file, knob, member, half = sys.argv[1:]
for case in json.load(open(file))["cases"]:
    for change in case.get("what_if", []):
        if change["knob"] == knob and case["half"] == half:
            print(change[member])' "$1" "$2" "$3" "${4:-main}"
}

# It saves something, and no less than a half and no more than the double of a prediction
# that lies between LEAST and MOST milliseconds.
saves() { # KNOB LEAST MOST [HALF]
	predicted=$(member "$results" "$1" predicted_ns "${4:-main}")
	low=$(member "$results" "$1" low_ns "${4:-main}")
	measured=$(member "$results" "$1" measured_ns "${4:-main}")
	[ -n "$predicted" ] && [ "$predicted" -ge "${2}000000" ] &&
		[ "$predicted" -le "${3}000000" ] && [ "$low" -gt 0 ] &&
		[ $((measured * 2)) -ge "$predicted" ] && [ "$measured" -le $((predicted * 2)) ]
}

results=$work/reports/results.json
run() { # NAME, and the scenario on stdin
	cat >"$work/$1.json"
	stopbench run --engine process --jobs 1 --report "$work/reports" --what-if "$work/$1.json"
}

# The slow session ends at 600 ms, the others at 200: it saves 400, and at most that.
run slow <<'END'
{ "name": "one slow session of five", "why": "Sessions are released at once.",
  "agent": { "disconnect": { "latency": "200ms" },
             "rules": [ { "session": 2, "disconnect": { "latency": "600ms" } } ] },
  "load": { "sessions": 5 }, "stop": { "grace": "10s" }, "expect": { "exit_code": 0 },
  "twin": { "set": { "service.env.DISCONNECT": "sequential" }, "expect": { "exit_code": 0 } } }
END
check "changes are told below the case" ends_with 0 "What if?" \
	"agent.rules.0.disconnect.latency 600ms -> 0s: saves" "session 2: disconnect"
check "of sessions that are released at once, the next one bounds the saving" \
	saves agent.rules.0.disconnect.latency 300 500
# The others' latency held nothing up.
none() { [ -z "$(member "$results" "$1" knob)" ]; }
check "what held nothing up is not tried" none agent.disconnect.latency
check "nor is what is parallel already" none service.env.DISCONNECT
check "of sessions that wait for each other, all of it is saved" \
	saves agent.rules.0.disconnect.latency 550 900 twin
check "and of four, four times as much as of one" \
	saves agent.disconnect.latency 700 1200 twin
check "and at once, all but the slowest" saves service.env.DISCONNECT 600 1200 twin
check "the links that it shortens are said" \
	says "5 sessions, one after the other: disconnect"

cp "$results" "$work/slow.results"
stopbench report "$work/slow.results"
check "the results are printed again with it" ends_with 0 "What if?" "-> parallel: saves"
if has_checker python3-jsonschema /usr/bin/python3 -c 'import jsonschema'; then
	check "and are what their schema says" /usr/bin/python3 -c 'import json, jsonschema, sys
schema, results = (json.load(open(path)) for path in sys.argv[1:])
sys.exit("\n".join(e.message for e in jsonschema.Draft7Validator(schema).iter_errors(results)) or 0)' \
		docs/results.schema.json "$work/slow.results"
fi

run server <<'END'
{ "name": "a server that takes its time", "why": "It exits 300 ms after the end of its stdin.",
  "mcp": [ { "name": "skills" }, { "name": "financial", "on_eof": { "exit_after": "300ms" } } ],
  "load": { "sessions": 2 }, "stop": { "grace": "10s" }, "expect": { "exit_code": 0 } }
END
check "a server that exits late is made to exit at once" \
	ends_with 0 "mcp.1.on_eof.exit_after 300ms -> 0s: saves" "financial of session"
check "which saves its time" saves mcp.1.on_eof.exit_after 200 500

run deaf <<'END'
{ "name": "deaf", "why": "As PID 1 it gets no signal for which it has no handler.",
  "engines": ["process"],
  "service": { "command": ["no-handler"], "mocks": false, "ready": { "log": "ready" } },
  "stop": { "grace": "500ms" }, "expect": { "exit_code": 137 } }
END
check "an init ends what gets no signal" \
	ends_with 0 "service.init false -> true: saves" "and is dirty"
check "which saves the grace" saves service.init 400 1000

run stuck <<'END'
{ "name": "stuck", "why": "An API that never answers.", "engines": ["process"],
  "agent": { "disconnect": { "fault": "hang" } },
  "service": { "env": { "DISCONNECT": "sequential", "GRACE": "60s" } },
  "load": { "sessions": 1 }, "stop": { "grace": "500ms" }, "expect": { "exit_code": 137 } }
END
check "what a killed service would have done is not predicted, but seen" ends_with 0 \
	"agent.disconnect.fault hang -> none: saves" "(not predicted), and is clean" \
	"stop.grace 500ms -> 1500ms: takes" "longer"

run idle <<'END'
{ "name": "idle", "why": "Nothing holds it up.", "stop": { "grace": "10s" },
  "expect": { "exit_code": 0 } }
END
check "where the scenario holds nothing up, that is said" \
	ends_with 0 "nothing that held it up hangs on the scenario"

stopbench run --engine process --report "$work/reports" --what-if --warm-up 1 --repeat 2 \
	"$work/deaf.json"
once() { [ "$(grep -c '"what_if"' "$results")" = 1 ] && [ "$(member "$results" service.init pairs)" -ge 3 ]; }
check "of several rounds the first one whose time counts has it" once
stopbench run --what-if --against HEAD "$work/deaf.json"
check "--against does not go with it" ends_with 2 "--what-if goes not with --against"

exit $failed
