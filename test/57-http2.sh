#!/bin/sh
# Clients of HTTP/2 that are not ours, on the one port of mock-agent: curl, nghttp, h2load
# and node's. HTTP/1.1 goes on beside them. And the service with the mock behind a server
# that speaks HTTP/2 over TLS: node's.
set -u
test=http2
. test/support/stopbench.sh
mock=
front=
service=

finish() {
	for one in $mock $front $service; do
		kill "$one" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT

"$bin/mock-agent" --port 0 --port-file "$work/port" >/dev/null 2>"$work/ledger" &
mock=$!
for _ in $(seq 200); do
	[ ! -s "$work/port" ] || break
	sleep 0.05
done
url=http://127.0.0.1:$(head -1 "$work/port")

# As the API wants them.
set -- -H 'authorization: Bearer test' -H 'anthropic-version: 2023-06-01'

# Runs COMMAND..., whose output goes where says() finds it.
run() {
	"$@" >"$work/out" 2>"$work/errors"
	code=$?
}

if has_checker curl curl --version; then
	run curl -sS -m 20 --http2-prior-knowledge -w ' HTTP/%{http_version}' "$@" "$url/v1/models"
	check "curl is answered over HTTP/2" ends_with 0 '"has_more":false' ' HTTP/2'
	run curl -sS -m 20 -w ' HTTP/%{http_version}' "$@" "$url/v1/models"
	check "and over HTTP/1.1 at the same port" ends_with 0 '"has_more":false' ' HTTP/1.1'
	head -c 40000000 /dev/zero >"$work/large"
	run curl -sS -m 20 --http2-prior-knowledge -w ' %{http_code}' --data-binary "@$work/large" \
		"$@" "$url/v1/messages"
	check "a body that is too large is refused in words" \
		ends_with 0 'request_too_large' ' 413'
fi

if has_checker nghttp nghttp --version; then
	run nghttp -nv -t 20 "$@" "$url/v1/models"
	check "nghttp reads frames that it likes, to the end" \
		ends_with 0 'SETTINGS_MAX_CONCURRENT_STREAMS(0x03):100' ':status: 200' 'END_STREAM'
fi

if has_checker h2load h2load --version; then
	run h2load -n 20000 -c 10 -m 100 "$@" "$url/v1/models/claude-opus-5"
	check "h2load has a thousand streams over ten connections" \
		ends_with 0 '20000 succeeded, 0 failed, 0 errored' 'status codes: 20000 2xx'
	run h2load --h1 -n 2000 -c 10 "$@" "$url/v1/models/claude-opus-5"
	check "and HTTP/1.1 beside it" ends_with 0 '2000 succeeded, 0 failed, 0 errored'
fi

# Events of a stream while another of the same connection is left, and comes again.
cat >"$work/streams.mjs" <<'END'
import http2 from "node:http2";
const client = http2.connect(process.argv[2]);
const headers = { authorization: "Bearer test", "anthropic-version": "2023-06-01",
	"anthropic-beta": "managed-agents-2026-04-01", "content-type": "application/json" };

function ask(method, path, body) {
	const stream = client.request({ ":method": method, ":path": path, ...headers }, { endStream: !body });
	stream.text = "";
	stream.setEncoding("utf8");
	stream.on("data", (data) => (stream.text += data));
	if (body) stream.end(JSON.stringify(body));
	return stream;
}

async function call(method, path, body) {
	const stream = ask(method, path, body);
	for await (const _ of stream);
	return JSON.parse(stream.text);
}

/* When its text has the words. */
const says = (stream, words) => new Promise((resolve) => {
	const look = () => stream.text.includes(words) && resolve();
	stream.on("data", look);
	look();
});

const agent = await call("POST", "/v1/agents", { name: "a", model: "claude-opus-5" });
const environment = await call("POST", "/v1/environments", { name: "e", config: { type: "cloud" } });
const sessions = [];
for (let i = 0; i < 3; i++)
	sessions.push(await call("POST", "/v1/sessions", { agent: agent.id, environment_id: environment.id }));
const open = async (session) => {
	const stream = ask("GET", `/v1/sessions/${session.id}/events/stream`);
	await new Promise((resolve) => stream.on("response", resolve));
	return stream;
};
const streams = await Promise.all(sessions.map(open));
streams[0].close(http2.constants.NGHTTP2_CANCEL);
streams[0] = await open(sessions[0]);
for (const [i, session] of sessions.entries()) {
	await call("POST", `/v1/sessions/${session.id}/events`,
		{ events: [{ type: "user.message", content: [{ type: "text", text: "hello" }] }] });
	await says(streams[i], "session.status_idle");
}
const ends = streams.map((stream) => new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode))));
await Promise.all(sessions.map((session) => call("POST", `/v1/sessions/${session.id}/archive`, {})));
console.log("ends:", (await Promise.all(ends)).join(" "));
client.close();
END
if command -v node >/dev/null; then
	run timeout 60 node "$work/streams.mjs" "$url"
	check "node has three sessions over one connection, and leaves one stream of them" \
		ends_with 0 'ends: 0 0 0'
else
	echo "skip $test: there is no node"
fi

# HTTP/2 over TLS: what it has been asked goes to the mock over HTTP/1.1. The first DELETE of
# a session is reset.
cat >"$work/front.mjs" <<'END'
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";
const [port, certificate, key, portFile] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
let resets = 1, requests = 0;
const server = http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) });
server.on("request", (request, response) => {
	requests++;
	if (request.method === "DELETE" && resets-- > 0)
		return request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
	const keep = ([name]) => !/^(:|connection$|keep-alive$|transfer-encoding$)/.test(name);
	const headers = (all) => Object.fromEntries(Object.entries(all).filter(keep));
	const behind = http.request({ port, agent, method: request.method, path: request.url,
		headers: headers(request.headers) }, (answer) => {
		response.writeHead(answer.statusCode, headers(answer.headers));
		answer.on("error", () => response.stream.close()).pipe(response);
	});
	behind.on("error", () => response.stream.close());
	request.pipe(behind);
	response.on("close", () => behind.destroy());
});
process.on("SIGTERM", () => {
	console.log(`requests: ${requests}, resets left: ${resets > 0 ? 1 : 0}`);
	process.exit(0);
});
server.listen(0, "127.0.0.1", () => {
	fs.writeFileSync(portFile + ".new", String(server.address().port));
	fs.renameSync(portFile + ".new", portFile);
});
END

make_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" \
		>/dev/null 2>&1
}

# Becomes COMMAND..., in a namespace where the system's authorities are the one of the test.
authorities=/etc/ssl/certs/ca-certificates.crt
trusting() {
	exec unshare -rm sh -c "mount --bind '$work/cert.pem' $authorities && exec \"\$@\"" sh "$@"
}

lacks() {
	! says "$1"
}

# Posts a webhook of this room; its status.
say() {
	curl -sS -m 20 -o /dev/null -w '%{http_code} ' -H 'Content-Type: application/json' -d \
		"{\"creator\":{\"id\":1,\"name\":\"a\"},\"room\":{\"id\":$1,\"name\":\"r\"},\"content\":\"hello\"}" \
		"http://127.0.0.1:$2/webhook/financial_analyst"
}

serve_over_tls() {
	node "$work/front.mjs" "${url##*:}" "$work/cert.pem" "$work/key.pem" "$work/front-port" \
		>"$work/front" 2>&1 &
	front=$!
	for _ in $(seq 200); do
		[ ! -s "$work/front-port" ] || break
		sleep 0.05
	done
	SESSION_END=delete AGENT_HTTP=2 AGENT_URL=https://localhost:$(cat "$work/front-port") AGENT_KEY=test \
		trusting "$bin/service" --port 0 >/dev/null 2>"$work/service" &
	service=$!
	for _ in $(seq 200); do
		port=$(sed -n 's/.*service.listening.*"port":\([0-9]*\).*/\1/p' "$work/service")
		[ -z "$port" ] || break
		sleep 0.05
	done
	posts=
	for room in $(seq 30); do
		say "$room" "$port" >"$work/said-$room" &
		posts="$posts $!"
	done
	for post in $posts; do
		wait "$post"
	done
	kill "$service"
	wait "$service"
	code=$?
	service=
	kill "$front"
	wait "$front"
	front=
	cat "$work"/said-* "$work/front" >"$work/out"
	cp "$work/service" "$work/errors"
}

if ! command -v node >/dev/null || ! command -v openssl >/dev/null || ! make_certificate ||
	! (trusting true) 2>/dev/null; then
	echo "skip $test: node, openssl or a namespace for HTTP/2 over TLS is missing"
else
	serve_over_tls
	check "the service has thirty sessions over HTTP/2 and TLS, and ends them" \
		ends_with 0 "$(seq 30 | sed 's/.*/200 /' | tr -d '\n')" 'resets left: 0'
	check "and asks again for an end that was reset" lacks 'session.disconnect.failed'
fi

kill "$mock"
wait "$mock"
code=$?
mock=
check "mock-agent ends well" ends_with 0
exit "$failed"
