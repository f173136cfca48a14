#!/bin/sh
# cli - the service with AGENT=cli: the same scenarios with the stand-in CLI and with the
# agent SDK's own, in a network namespace with loopback alone, a clean environment and a
# key that is none. Times are printed beside the measured closes of the CLI alone.
#
# bound: 420 s
set -u
package=node_modules/@anthropic-ai/claude-agent-sdk-linux-x64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

isolated() { # COMMAND...
	for way in -n -rn; do
		if unshare $way sh -c 'ip link set lo up' 2>/dev/null; then
			unshare $way sh -c 'ip link set lo up && exec "$@"' sh "$@"
			return
		fi
	done
	return 125
}

# A CLI takes some 200 MiB: no case has more than three.
sed 's/"load.sessions": \[[0-9, ]*\]/"load.sessions": [1, 3]/' \
	"$TREE/scenarios/history/20-cli.json" >"$work/history.json"
cat >"$work/idle.json" <<'END'
{ "name": "an idle CLI with a good MCP server",
  "service": { "env": { "AGENT": "cli" } },
  "mcp": [ { "name": "skills" } ],
  "load": { "sessions": 3 }, "stop": { "grace": "3s" },
  "expect": { "exit_code": 0, "verdict": "clean", "disconnected": "all", "orphans": 0, "lost": 0 } }
END
cp "$TREE/scenarios/faults/61-cli-busy.json" "$work/busy.json"
sed -i '/[$]schema/d' "$work"/*.json

# The TAP of stopbench as results of the client named last, and each stop's time.
report() {
	awk -v work="$work/" '
		/^(not )?ok / {
			name = $0
			sub(/^(not )?ok [0-9]+ - /, "", name)
			gsub(work, "", name)
			ok = /^ok /
			print (ok ? "ok " : "not ok ") name
			if (!ok) bad = 1
		}
		/^  message: / { print "# " name ": " substr($0, 12) }
		/^  stop_ns: / { printf "# time: %s: %.0f ms\n", name, $2 / 1e6 }
		END { exit bad }' || failed=1
}

try() { # NAME VERSION PATH
	echo "# client: $1 $2"
	mkdir -p "$work/home"
	isolated env -i PATH="$BIN:/usr/local/bin:/usr/bin:/bin" HOME="$work/home" \
		"$BIN/stopbench" run --engine process --jobs 1 --format tap --report "$work/report" \
		--set "service.env.CLI_PATH=\"$3\"" --set "service.env.HOME=\"$work/home\"" \
		"$work/idle.json" "$work/busy.json" "$work/history.json" >"$work/tap"
	code=$?
	if [ $code -eq 125 ] || [ $code -eq 3 ]; then
		echo "skip scenarios # no network namespace, or no namespace of processes, can be made here"
		return
	fi
	report <"$work/tap"
	[ $code -le 1 ] || failed=1
}

echo "# measured, the CLI alone: idle 104-259 ms, with a deaf MCP server 576-1029 ms,"
echo "# interrupted and closed 129-272 ms, busy and not interrupted 2085-2160 ms"
try "service, AGENT=cli, stand-in CLI" "$("$BIN/stopbench" --version | awk '{ print $NF }')" "$BIN/mock-cli"
if [ -x "$package/claude" ]; then
	version=$(node -p 'require(process.argv[1]).version' "./$package/package.json")
	try "service, AGENT=cli, the SDK's CLI" "$version" "$PWD/$package/claude"
else
	echo "skip the SDK's CLI # there is none for this machine"
fi
exit $failed
