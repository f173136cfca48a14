#!/bin/sh
# against - does `stopbench run --against HEAD~1` find a commit that makes the service's
# stop 5 % slower, and find nothing in one that does not? Repeats each so many times.
#
#   sh bench/gate/against.sh [TIMES]
#
# The service is ours, its commits are a script that starts it: the stop takes 1 s, in which
# the agent API disconnects three sessions; the slower commit waits 50 ms before it.
set -eu
times=${1:-10}
bin=$(cd "${PROGRAMS:-build/bin}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/shop"
cd "$work/shop"

serve() { # DRAIN_DELAY
	printf '#!/bin/sh\nDRAIN_DELAY=%s exec "%s/service"\n' "$1" "$bin" >serve
	chmod +x serve
}

commit() { # SUBJECT
	git add .
	git -c user.name=shop -c user.email=shop@example.com commit -q --allow-empty -m "$1"
}

cat >shop.json <<'END'
{ "name": "the shop drains",
  "service": { "command": ["sh", "serve"], "ready": { "http": "/ready" },
               "env": { "HOST": "127.0.0.1", "PORT": "{port}", "GRACE": "{grace}",
                        "SESSION_END": "archive", "STOPBENCH_LEDGER": "{ledger}",
                        "AGENT_URL": "{agent_url}", "AGENT_KEY": "{agent_key}" } },
  "agent": { "disconnect": { "latency": "1s" } },
  "load": { "sessions": 3 },
  "stop": { "grace": "5s" },
  "expect": { "exit_code": 0, "disconnected": "all" } }
END
git init -q
serve 0s
commit "the service"
commit "another word"
git tag same
serve 50ms
commit "a pause"
git tag slower

# How many of the runs end with that exit code.
count() { # TAG EXIT_CODE
	git checkout -q "$1"
	seen=0
	for number in $(seq "$times"); do
		code=0
		"$bin/stopbench" run --engine process --jobs 1 --against HEAD~1 \
			--report "$work/report" shop.json >"$work/out" 2>&1 || code=$?
		[ "$code" -ne "$2" ] || seen=$((seen + 1))
		grep -h 'slower by\|the same\|too few\|regression' "$work/out" >&2 || cat "$work/out" >&2
	done
	echo "$seen"
}

slower=$(count slower 1)
same=$(count same 0)
echo "slower by 5 %: told in $slower of $times runs"
echo "unchanged: passed in $same of $times runs"
[ "$slower" -eq "$times" ] && [ "$same" -eq "$times" ]
