#!/bin/sh
# The page and the trace of real stops: hundreds of lanes, and a service that writes markup
# and its secret into its log.
set -u
test=page
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

has() { # FILE TEXT
	grep -qF -e "$2" "$1"
}

lacks() {
	! grep -qF -e "$2" "$1"
}

smaller_than() { # FILE BYTES
	[ "$(wc -c <"$1")" -lt "$2" ]
}

cat >"$work/many.json" <<'END'
{ "name": "many lanes", "engines": ["process"],
  "mcp": [ { "name": "skills" } ],
  "load": { "sessions": 250 }, "stop": { "grace": "20s" },
  "expect": { "disconnected": "all" } }
END
stopbench run --engine process --report "$work/reports" --format "html=$work/many.html" \
	--format "trace=$work/many.trace" "$work/many.json"
check "250 sessions with a server each are stopped and drawn" ends_with 0 "1 met"
check "on a page of less than 1 MB" smaller_than "$work/many.html" 1000000
check "with the session that was last and its server" has "$work/many.html" "session 250"
check "what was left out is told" has "$work/many.html" "more lanes ended earlier"
check "the chain is in results.json" has "$work/reports/results.json" '"held_up_by":	{'
check "the trace has an arrow for a disconnect" \
	has "$work/many.trace" '"name":"disconnect","ts"'

cat >"$work/hostile.json" <<'END'
{ "name": "<b>a name</b>", "engines": ["process"],
  "service": { "command": ["sh", "-c",
                 "trap 'echo \"</script><img src=x onerror=alert(1)> $API_KEY\"; exit 0' TERM; echo ready; while :; do sleep 0.01; done"],
               "env": { "API_KEY": "open-sesame" }, "mocks": false,
               "ready": { "log": "ready" } },
  "stop": { "grace": "5s" }, "expect": { "exit_code": 0 } }
END
stopbench run --engine process --report "$work/reports" --format "html=$work/hostile.html" \
	--format "trace=$work/hostile.trace" "$work/hostile.json"
check "a service with markup in its log is stopped" ends_with 0 "1 met"
check "its log is on the page, as text" \
	has "$work/hostile.html" "&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62; ***"
check "and is no markup" lacks "$work/hostile.html" "<img"
check "the name is text, too" has "$work/hostile.html" "&#60;b&#62;a name&#60;/b&#62;"
for file in hostile.html hostile.trace reports/results.json; do
	check "$file has no secret" lacks "$work/$file" "open-sesame"
done

exit "$failed"
