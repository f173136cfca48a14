/*
 * The official MCP servers below our service: over stdio, and server-everything over
 * Streamable HTTP as well. Their tools are called through an agent, and each is stopped
 * idle and with a call of 10 s in flight: by which step it ended, and when. Then servers
 * made with the SDK's second generation, which speak 2026-07-28, some of them alone.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { check, client, finish, sleep, startProgram, tempFolder, until, versionOf } from "./lib.mjs";
import { startService } from "./lib-service.mjs";

const LONG = { tool: "trigger-long-running-operation", input: { duration: 10, steps: 5 } };
const folder = tempFolder();
writeFileSync(join(folder, "hello.txt"), "hello from a file\n");
mkdirSync(join(folder, "data"));

const entry = (name) => join(process.cwd(), "node_modules", name, "dist", "index.js");
const stdio = (name, ...args) => ({ command: process.execPath, args: [entry(name), ...args] });

const PACKAGE = "@modelcontextprotocol/server-";
const servers = [
	{
		name: "everything",
		config: stdio(`${PACKAGE}everything`, "stdio"),
		tools: 13,
		call: { tool: "get-sum", input: { a: 2, b: 40 } },
		says: "42",
	},
	{
		name: "filesystem",
		config: { ...stdio(`${PACKAGE}filesystem`, "."), cwd: folder },
		tools: 14,
		call: { tool: "read_text_file", input: { path: join(folder, "hello.txt") } },
		says: "hello from a file",
	},
	{
		name: "memory",
		config: {
			...stdio(`${PACKAGE}memory`),
			env: { MEMORY_FILE_PATH: "${DATA_FOLDER}/memory.jsonl" },
		},
		tools: 9,
		call: {
			tool: "create_entities",
			input: { entities: [{ name: "Ada", entityType: "person", observations: ["counts"] }] },
		},
		says: "Ada",
	},
	{
		name: "sequential-thinking",
		config: stdio(`${PACKAGE}sequential-thinking`),
		tools: 1,
		call: {
			tool: "sequentialthinking",
			input: { thought: "one", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
		},
		says: "thoughtHistoryLength",
	},
];

const same = (got, wanted, what) => {
	if (got !== wanted) throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
};

/* A port that was free a moment ago. */
async function freePort() {
	const server = createServer();
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

async function startOverHttp() {
	const port = await freePort();
	const server = startProgram(process.execPath, [entry(`${PACKAGE}everything`), "streamableHttp"], {
		env: { PATH: process.env.PATH, PORT: String(port) },
	});
	await until(() => server.ended || server.stderr.includes("listening"), "server-everything listens");
	server.url = `http://127.0.0.1:${port}/mcp`;
	return server;
}

const start = (server, env = {}) =>
	startService({
		mcpServers: { [server.name]: server.config },
		env: { DATA_FOLDER: join(folder, "data"), TURN_BUDGET: "200ms", ...env },
	});

/* A secret of MCP_CONFIG stands in no line that the service writes. */
async function keepsSecrets(url) {
	const secret = "Bearer secret-of-the-interop-test";
	const service = await startService({
		mcpServers: { everything: { url, headers: { Authorization: "Bearer ${TOKEN}" } } },
		env: { TOKEN: secret.slice(7), HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" },
	});
	const reply = await service.ask(servers[0].call);
	if (!reply.includes(servers[0].says)) throw new Error(`it answered ${reply}`);
	const stop = await service.stopAndRead();
	same(stop.code, 0, "exit code");
	if (service.log().includes(secret.slice(7))) throw new Error("the log has the token");
}

/* A server of the SDK's second generation: `legacy` is what it does with other clients. */
async function startSecond(legacy, overHttp) {
	const script = join(process.cwd(), "lib-mcp-server.mjs");
	if (!overHttp) return { config: { command: process.execPath, args: [script, legacy] } };
	const port = await freePort();
	const server = startProgram(process.execPath, [script, legacy, String(port)]);
	await until(() => server.ended || server.stderr.includes("listening"), "the server listens");
	return { server, config: { url: `http://127.0.0.1:${port}/mcp` } };
}

async function callsSecond(legacy, overHttp) {
	const { server, config } = await startSecond(legacy, overHttp);
	const service = await startService({ mcpServers: { second: config } });
	same(await service.ask({ tool: "sum", input: { a: 40, b: 2 } }), "the sum is 42", "answer");
	const stop = await service.stopAndRead();
	same(service.endOf("second").steps, overHttp ? "" : "eof", "steps");
	same(stop.code, 0, "exit code");
	if (overHttp && legacy === "reject" && !server.stderr.includes("POST server/discover"))
		throw new Error("it was not asked server/discover");
	await server?.stop();
}

/* Without a session, the end of its connection tells the server that nobody waits. */
async function abortsSecond() {
	const { server, config } = await startSecond("reject", true);
	const service = await startService({ mcpServers: { second: config }, env: { TURN_BUDGET: "200ms" } });
	const answer = service.ask({ tool: "wait" }).catch((error) => String(error));
	await until(() => server.stderr.includes("wait begins"), "the call begins");
	const stop = await service.stopAndRead();
	await answer;
	same(stop.code, 0, "exit code");
	await until(() => server.stderr.includes("wait is aborted"), "the server hears that nobody waits");
	await server.stop();
}

const tell = (what, { steps, end, ms }) =>
	console.log(`# ${what}: ${steps}, ${end.signal ? `signal ${end.signal}` : `code ${end.exit_code ?? end.status}`}, ${Math.round(ms)} ms`);

/* Idle: the first step is enough, and the service has let everything go. */
async function stopsIdle(server, transport, ended) {
	const service = await start(server);
	const reply = await service.ask(server.call);
	if (!reply.includes(server.says)) throw new Error(`it answered ${reply}`);
	same(service.api.declared.length, server.tools, "tools");
	const stop = await service.stopAndRead();
	const how = service.endOf(server.name);
	tell(`idle, ${transport}`, how);
	same(how.steps, ended.steps, "steps");
	same(how.end[ended.key], ended.value, ended.key);
	same(stop.code, 0, "exit code");
	same(stop.complete.failed, 0, "sessions that failed");
}

/* In flight: the call is given up, and the server is ended by `ended.steps`. */
async function stopsInFlight(server, transport, ended) {
	const service = await start(server);
	const answer = service.ask(LONG).catch((error) => String(error));
	await until(() => service.api.sessions[0]?.events.some((event) => event.type === "agent.custom_tool_use"), "the tool is asked for");
	await sleep(500);
	const began = Date.now();
	const stop = await service.stopAndRead();
	const took = Date.now() - began;
	const how = service.endOf(server.name);
	tell(`10 s call in flight, ${transport}`, how);
	await answer;
	same(how.steps, ended.steps, "steps");
	same(how.end[ended.key], ended.value, ended.key);
	same(stop.code, 0, "exit code");
	if (took >= 9000) throw new Error(`the stop took ${took} ms, as long as the call`);
}

/* A server that never ends by itself: it goes on telling its log. */
async function stopsWhileItLogs(server, ended) {
	const service = await start(server);
	await service.ask({ tool: "toggle-simulated-logging" });
	const stop = await service.stopAndRead();
	const how = service.endOf(server.name);
	tell("while it logs", how);
	same(how.steps, ended.steps, "steps");
	same(stop.code, 0, "exit code");
}

const EOF_IS_ENOUGH = { steps: "eof", key: "exit_code", value: 0 };
const NEEDS_TERM = { steps: "eof,term", key: "signal", value: 15 };
const DELETED = { steps: "delete", key: "status", value: 200 };

for (const server of servers) {
	client(`server-${server.name}, stdio`, versionOf(`${PACKAGE}${server.name}`));
	await check("a tool is called, and the idle stop needs the end of stdin alone", () =>
		stopsIdle(server, "stdio", EOF_IS_ENOUGH));
}

client("server-everything, stdio", versionOf(`${PACKAGE}everything`));
await check("with a call in flight it is ended by SIGTERM", () => stopsInFlight(servers[0], "stdio", NEEDS_TERM));
await check("while it logs it is ended by SIGTERM", () => stopsWhileItLogs(servers[0], NEEDS_TERM));

client("server-everything, Streamable HTTP", versionOf(`${PACKAGE}everything`));
const remote = await startOverHttp();
const overHttp = {
	...servers[0],
	config: { type: "http", url: remote.url, headers: { "X-Room": "${SESSION_ROOM}" } },
};
await check("a tool is called, and the idle stop ends the session by DELETE", () =>
	stopsIdle(overHttp, "HTTP", DELETED));
await check("with a call in flight the session is ended by DELETE", () =>
	stopsInFlight(overHttp, "HTTP", DELETED));
await check("the server has forgotten each session", async () => {
	const log = remote.stdout + remote.stderr;
	const opened = log.split("Session initialized").length - 1;
	const closed = log.split("Transport closed for session").length - 1;
	if (opened === 0) throw new Error("it had no session");
	same(closed, opened, "sessions closed");
});
await check("a server that has restarted gets a new session, and the call once", async () => {
	const port = new URL(remote.url).port;
	const service = await start(overHttp);
	await service.ask(servers[0].call);
	await remote.stop();
	const again = startProgram(process.execPath, [entry(`${PACKAGE}everything`), "streamableHttp"], {
		env: { PATH: process.env.PATH, PORT: port },
	});
	await until(() => again.ended || again.stderr.includes("listening"), "it listens again");
	const reply = await service.ask(servers[0].call);
	if (!reply.includes(servers[0].says)) throw new Error(`it answered ${reply}`);
	const stop = await service.stopAndRead();
	same(service.endOf("everything").steps, "delete", "steps");
	same(stop.code, 0, "exit code");
	await again.stop();
});
const third = await startOverHttp();
await check("headers are in no log, and no proxy is asked", () => keepsSecrets(third.url));

for (const overHttp of [false, true]) {
	client(`SDK server 2, ${overHttp ? "HTTP" : "stdio"}`, versionOf("@modelcontextprotocol/server"));
	await check("one that serves every version", () => callsSecond("serve", overHttp));
	await check("one of 2026-07-28 alone", () => callsSecond("reject", overHttp));
}
await check("a call in flight is aborted by the end of its connection", abortsSecond);

await finish();
