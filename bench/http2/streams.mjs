/*
 * streams - what open event streams and archives cost mock-agent, over one version of HTTP.
 *
 *   node streams.mjs PORT PID 1.1|2 COUNT
 *
 * Opens COUNT sessions, then a stream of each, then archives them. Prints KiB of resident
 * memory for an open stream, and us of the mock's processor time to open one and to archive
 * a session whose stream is open. With HTTP/2 a hundred streams share a connection.
 */
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";

const [port, pid, version, count] = process.argv.slice(2);
const at = { host: "127.0.0.1", port };
const headers = {
	authorization: "Bearer test",
	"anthropic-version": "2023-06-01",
	"anthropic-beta": "managed-agents-2026-04-01",
	"content-type": "application/json",
};
const AT_ONCE = 50;
const STREAMS = 100; /* of a connection */

const kib = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`))[1]);
const us = () => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1000;

/* An answer: whole, or a stream as soon as it begins. */
function take(answer, status, streams, resolve, reject) {
	let text = "";
	if (status !== 200) reject(new Error(`status ${status}`));
	answer.setEncoding("utf8");
	answer.on("data", (data) => (text += data));
	answer.on("error", reject);
	if (streams) resolve();
	else answer.on("end", () => resolve(JSON.parse(text)));
}

const few = new http.Agent({ keepAlive: true, maxSockets: STREAMS });
const many = new http.Agent({ keepAlive: true });

const ask1 = (method, path, body, streams) =>
	new Promise((resolve, reject) => {
		const request = http.request({ ...at, method, path, headers, agent: streams ? many : few });
		request.on("response", (answer) => take(answer, answer.statusCode, streams, resolve, reject));
		request.on("error", reject);
		request.end(body);
	});

const connections = [];
let asked = 0;

function connection(streams) {
	const i = streams ? 1 + Math.floor(asked++ / STREAMS) : 0;
	connections[i] ??= http2.connect(`http://${at.host}:${port}`);
	return connections[i];
}

const ask2 = (method, path, body, streams) =>
	new Promise((resolve, reject) => {
		const request = connection(streams).request({ ":method": method, ":path": path, ...headers },
			{ endStream: !body });
		request.on("response", (head) => take(request, head[":status"], streams, resolve, reject));
		request.on("error", reject);
		if (body) request.end(body);
	});

const ask = version === "2" ? ask2 : ask1;

async function each(list, work) {
	const results = [];
	for (let i = 0; i < list.length; i += AT_ONCE)
		results.push(...(await Promise.all(list.slice(i, i + AT_ONCE).map(work))));
	return results;
}

const agent = (await ask("POST", "/v1/agents", JSON.stringify({ name: "a", model: "claude-opus-5" }))).id;
const environment = JSON.stringify({ name: "e", config: { type: "cloud" } });
const environment_id = (await ask("POST", "/v1/environments", environment)).id;
const sessions = await each(Array(Number(count)).fill(JSON.stringify({ agent, environment_id })),
	(body) => ask("POST", "/v1/sessions", body));
const before = { kib: kib(), us: us() };
await each(sessions, ({ id }) => ask("GET", `/v1/sessions/${id}/events/stream`, null, true));
const open = { kib: kib(), us: us() };
await each(sessions, ({ id }) => ask("POST", `/v1/sessions/${id}/archive`, "{}"));
const over = us();
console.log(((open.kib - before.kib) / count).toFixed(2), ((open.us - before.us) / count).toFixed(1),
	((over - open.us) / count).toFixed(1));
process.exit(0);
