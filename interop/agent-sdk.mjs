/*
 * agent-sdk - @anthropic-ai/claude-agent-sdk over the stand-in CLI and over its own: how a
 * query ends, in each situation that was measured, and that nothing recurses.
 *
 * bound: 600 s
 *
 * The real CLI runs in a network namespace with loopback alone, with a clean environment
 * and a key that is none. Times are printed beside those of the real CLI, and not judged:
 * what is judged is who was told what, in which order, and the exit code.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BIN, check, client, finish, skip, sleep, startMock, tempFolder, until, versionOf } from "./lib.mjs";

const SDK = "@anthropic-ai/claude-agent-sdk";
const self = fileURLToPath(import.meta.url);

/* Once more, in a network namespace of its own. */
function isolate() {
	const up = "ip link set lo up && exec \"$0\" \"$@\"";
	const ways = [["-n"], ["-rn"]];
	for (const way of ways) {
		const able = spawnSync("unshare", [...way, "sh", "-c", "ip link set lo up"]);
		if (able.status !== 0) continue;
		const child = spawn("unshare", [...way, "sh", "-c", up, process.execPath, self], {
			stdio: "inherit",
			env: { ...process.env, AGENT_SDK_ISOLATED: "1" },
		});
		return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
	}
	return null;
}

/* All mocks of a situation report here; each has a lifeline. */
async function openLedger() {
	const ledger = { events: [], open: new Set() };
	const server = createServer((socket) => {
		let rest = "";
		ledger.open.add(socket);
		socket.on("data", (data) => {
			const lines = (rest + data).split("\n");
			rest = lines.pop();
			for (const line of lines) {
				const event = JSON.parse(line);
				socket.pid ??= event.pid;
				ledger.events.push(event);
			}
		});
		socket.on("error", () => {});
		socket.on("close", () => ledger.open.delete(socket));
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	ledger.address = `tcp:127.0.0.1:${server.address().port}`;
	ledger.of = (pid, name) => ledger.events.filter((e) => e.pid === pid && e.event === name);
	ledger.named = (name) => ledger.events.filter((e) => e.event === name);
	ledger.close = () => {
		server.close();
		for (const socket of ledger.open) socket.destroy();
	};
	return ledger;
}

const EOF_DEAF = { on_eof: "ignore" };
const INT_DEAF = { on_eof: "ignore", on_int: "ignore" };
const DEAF = { on_eof: "ignore", on_int: "ignore", on_term: "ignore" };
const SLOW = { on_eof: "ignore", on_int: "ignore", on_term: { exit_after: "3s" } };

/* A query whose prompt stays open, over one kind of CLI. */
async function begin(kind, { servers = [{}], behavior, builtin = false } = {}) {
	const { query } = await import(SDK);
	const ledger = await openLedger();
	const mock = await startMock({ behavior });
	const home = tempFolder();
	const abort = new AbortController();
	const run = { ledger, mock, abort, signals: [], messages: [], exit: null };
	let next;

	run.say = (content) => next({ type: "user", message: { role: "user", content }, parent_tool_use_id: null, session_id: "" });
	async function* prompt() {
		for (;;) yield await new Promise((resolve) => (next = resolve));
	}
	run.query = query({
		prompt: prompt(),
		options: {
			abortController: abort,
			model: "claude-sonnet-5",
			...(builtin ? { permissionMode: "bypassPermissions", allowDangerouslySkipPermissions: true } : { tools: [] }),
			allowedTools: servers.map((_, i) => `mcp__server${i}`),
			settingSources: [],
			strictMcpConfig: true,
			persistSession: false,
			cwd: home,
			env: {
				PATH: `${BIN}:${process.env.PATH}`,
				HOME: home,
				ANTHROPIC_BASE_URL: mock.url,
				ANTHROPIC_API_KEY: "test",
				CLAUDE_CONFIG_DIR: home,
				CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
				DISABLE_TELEMETRY: "1",
				STOPBENCH_LEDGER: ledger.address,
				IS_SANDBOX: "1",
			},
			pathToClaudeCodeExecutable: kind.path,
			mcpServersDelivery: kind.delivery,
			mcpServers: Object.fromEntries(
				servers.map((server, i) => [
					`server${i}`,
					{
						type: "stdio",
						command: join(BIN, "mock-mcp"),
						args: ["--ledger", ledger.address, "--behavior", JSON.stringify({ name: `server${i}`, ...server })],
					},
				]),
			),
			spawnClaudeCodeProcess: ({ command, args, cwd, env }) => {
				const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "ignore"] });
				const kill = child.kill.bind(child);
				child.kill = (signal) => {
					run.signals.push({ signal, ms: Date.now() - run.closed });
					return kill(signal);
				};
				child.on("exit", (code, signal) => {
					run.exit = { code, signal, ms: Date.now() - run.closed };
				});
				run.child = child;
				return child;
			},
		},
	});
	run.reading = (async () => {
		try {
			for await (const message of run.query) run.messages.push(message);
		} catch (error) {
			run.error = error;
		}
	})();
	await until(() => next, "the prompt is read");
	run.has = (type, subtype) => run.messages.some((m) => m.type === type && (!subtype || m.subtype === subtype));
	run.server = () => ledger.named("process.start").find((e) => e.role === "mock-mcp")?.pid;
	return run;
}

/* The first turn, to its result. */
async function idle(kind, options) {
	const run = await begin(kind, options);
	run.say("hello");
	await until(() => run.has("result"), "a result", 30000);
	return run;
}

async function inTool(kind, server) {
	const run = await begin(kind, { servers: [{ hang_tools: true, ...server }], behavior: { tools: 1 } });
	run.say("hello");
	await until(() => run.ledger.named("mcp.tool.begin").length > 0, "a tool call", 30000);
	return run;
}

async function inModel(kind) {
	const run = await begin(kind, { behavior: { first_byte: { fault: "hang" } } });
	run.say("hello");
	await until(() => run.mock.events("agent.turn.begin").length > 0, "a request", 30000);
	return run;
}

/* Closes it by `how`, and waits for the end of the CLI. */
async function end(run, how) {
	run.closed = Date.now();
	await how(run);
	await until(() => run.exit, "the CLI's end", 20000);
	await run.reading;
	await until(() => run.ledger.named("process.start").every((e) => e.role !== "mock-mcp" || run.leaves || run.ledger.of(e.pid, "process.exit").length > 0 || ![...run.ledger.open].some((s) => s.pid === e.pid)), "the servers' ends");
	run.mcpSignals = run.ledger.of(run.server(), "mcp.signal").map((e) => e.signal);
	return run;
}

async function over(run) {
	run.ledger.close();
	if (!run.exit) run.child.kill("SIGKILL");
	await run.mock.stop();
}

const close = (run) => run.query.close();
const term = (run) => process.kill(run.child.pid, "SIGTERM");
const interruptAndClose = async (run) => {
	await run.query.interrupt();
	run.query.close();
};

const told = (run) => run.signals.map((s) => s.signal);
const INT = 2;
const TERM = 15;

/* What happens, and what was measured with the real CLI of 2.1.330, in ms. */
const situations = [
	{ name: "idle", facts: "104-259", begin: (k) => idle(k), how: close, told: [], code: 0, mcp: [INT] },
	{ name: "idle, MCP server ignores EOF", facts: "224", begin: (k) => idle(k, { servers: [EOF_DEAF] }), how: close, told: [], code: 0, mcp: [INT] },
	{ name: "idle, MCP server ignores SIGINT", facts: "381", begin: (k) => idle(k, { servers: [INT_DEAF] }), how: close, told: [], code: 0, mcp: [INT, TERM] },
	{ name: "idle, MCP server ignores everything", facts: "576-1029", begin: (k) => idle(k, { servers: [DEAF] }), how: close, told: [], code: 0, mcp: [INT, TERM], killed: true },
	{ name: "idle, 8 MCP servers ignore everything", facts: "615", begin: (k) => idle(k, { servers: Array(8).fill(DEAF) }), how: close, told: [], code: 0, mcp: [INT, TERM], killed: true },
	{ name: "idle, MCP server takes 3 s", facts: "588", begin: (k) => idle(k, { servers: [SLOW] }), how: close, told: [], code: 0, mcp: [INT, TERM], killed: true },
	{ name: "a tool call hangs", facts: "2093-2160", begin: (k) => inTool(k, {}), how: close, told: ["SIGTERM"], code: 143, mcp: [INT] },
	{ name: "a tool call hangs, MCP server ignores everything", facts: "2557-2576", begin: (k) => inTool(k, DEAF), how: close, told: ["SIGTERM"], code: 143, mcp: [INT, TERM], killed: true },
	{ name: "the model hangs", facts: "2085", begin: (k) => inModel(k), how: close, told: ["SIGTERM"], code: 143, mcp: [INT] },
	{
		name: "the CLI is frozen",
		facts: "7029",
		begin: async (k) => {
			const run = await idle(k, { servers: [EOF_DEAF] });
			process.kill(run.child.pid, "SIGSTOP");
			run.leaves = true;
			return run;
		},
		how: close,
		told: ["SIGTERM", "SIGKILL"],
		signal: "SIGKILL",
		mcp: [],
	},
	{ name: "SIGTERM to an idle CLI", facts: "98-104", begin: (k) => idle(k), how: term, told: [], code: 143, mcp: [INT] },
	{ name: "SIGTERM to an idle CLI, MCP server ignores everything", facts: "569-601", begin: (k) => idle(k, { servers: [DEAF] }), how: term, told: [], code: 143, mcp: [INT, TERM], killed: true },
	{ name: "abort() when idle", facts: "89", begin: (k) => idle(k), how: (run) => run.abort.abort(), told: [], code: 0, mcp: [INT] },
	{ name: "interrupt() and close, the model hangs", facts: "272", begin: (k) => inModel(k), how: interruptAndClose, told: [], code: 1, mcp: [INT] },
	{ name: "interrupt() and close, a tool call hangs", facts: "129", begin: (k) => inTool(k, {}), how: interruptAndClose, told: [], code: 1, mcp: [INT] },
];

async function tryKind(kind) {
	client(kind.name, kind.version);
	await check("a turn is answered, with a tool call", async () => {
		const run = await idle(kind, { behavior: { tools: 1 } });
		assert.ok(run.has("system", "init"));
		assert.match(run.messages.find((m) => m.type === "result").result, /You said: hello/);
		assert.equal(run.ledger.named("mcp.tool.end").length, 1);
		await end(run, close);
		await over(run);
	}, 60000);
	await check("with the CLI's own tools declared, a turn has an end", async () => {
		const run = await begin(kind, { behavior: { tools: 1 }, builtin: true });
		run.say("hello");
		await until(() => run.has("result"), "a result", 30000);
		await end(run, close);
		const turns = run.mock.events("agent.turn.begin").length;
		assert.ok(turns <= 3, `${turns} turns for one message`);
		await over(run);
	}, 60000);
	for (const one of situations)
		await check(one.name, async () => {
			const run = await one.begin(kind);
			await end(run, one.how);
			console.log(`# time: ${kind.name}: ${one.name}: ${run.exit.ms} ms (real CLI, measured: ${one.facts})`);
			assert.deepEqual(told(run), one.told);
			if (one.signal) assert.equal(run.exit.signal, one.signal);
			else assert.equal(run.exit.code, one.code);
			assert.deepEqual(run.mcpSignals, one.mcp);
			const exits = run.ledger.of(run.server(), "process.exit").length;
			assert.equal(exits, one.killed || one.leaves || run.leaves ? 0 : 1);
			/* It was left behind, as was measured: its lifeline is open. */
			if (run.leaves) assert.ok([...run.ledger.open].some((s) => s.pid === run.server()));
			await over(run);
		}, 60000);
}

function realCli() {
	const require = createRequire(self);
	for (const name of [`${SDK}-linux-x64`, `${SDK}-linux-x64-musl`, `${SDK}-linux-arm64`])
		try {
			const path = join(require.resolve(`${name}/package.json`), "..", "claude");
			if (existsSync(path)) return path;
		} catch {}
	return null;
}

if (!process.env.AGENT_SDK_ISOLATED) {
	const code = await isolate();
	if (code !== null) process.exit(code);
}
const version = versionOf(SDK);
await tryKind({ name: "claude-agent-sdk, stand-in CLI", version, path: join(BIN, "mock-cli"), delivery: "argv" });
if (process.env.AGENT_SDK_ISOLATED && realCli())
	await tryKind({ name: "claude-agent-sdk, its own CLI", version, path: realCli(), delivery: "argv" });
else
	skip("its own CLI", process.env.AGENT_SDK_ISOLATED ? "there is none for this machine" : "no network namespace can be made here");
await finish();
