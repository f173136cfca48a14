/*
 * lib - what the parts share: a mock that is started and ended, checks, and a server to
 * watch clients with.
 *
 *   import { check, client, finish, startMock } from "./lib.mjs";
 *
 *   const mock = await startMock();
 *   client("a client", "1.2.3");
 *   await check("answers", async () => { ... throws if not ... });
 *   await finish();
 */
import { spawn } from "node:child_process";
import { mkdtempSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BIN = process.env.BIN;
export const TREE = process.env.TREE;
const CHECK_MS = 30000;
const START_MS = 20000;

const running = new Set();
const folders = [];
let failures = 0;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* Waits until fn() is true, or throws with `what`. */
export async function until(fn, what, ms = 10000) {
	const end = Date.now() + ms;
	for (;;) {
		const value = await fn();
		if (value) return value;
		if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
		await sleep(10);
	}
}

/* A folder of its own, removed at the end. */
export function tempFolder() {
	const folder = mkdtempSync(join(tmpdir(), "interop-"));
	folders.push(folder);
	return folder;
}

/* The version of an installed package, by its name or alias. */
export function versionOf(name) {
	let folder = process.cwd();
	for (; !existsSync(join(folder, "node_modules", name)); folder = join(folder, ".."))
		if (folder === "/") throw new Error(`${name} is not installed`);
	return JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
}

/* Starts a program and keeps what it prints; it is ended with the part, if not before. */
export function startProgram(path, args = [], options = {}) {
	const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
	const program = { child, pid: child.pid, stdout: "", stderr: "", ended: null };
	running.add(program);
	child.stdout?.on("data", (data) => (program.stdout += data));
	child.stderr?.on("data", (data) => (program.stderr += data));
	program.end = new Promise((resolve) => {
		child.on("error", (error) => resolve({ error }));
		child.on("close", (code, signal) => resolve({ code, signal }));
	}).then((end) => {
		running.delete(program);
		return (program.ended = end);
	});
	program.stop = async () => {
		if (!program.ended) child.kill("SIGTERM");
		const late = setTimeout(() => child.kill("SIGKILL"), 10000);
		const end = await program.end;
		clearTimeout(late);
		return end;
	};
	return program;
}

/*
 * Starts mock-agent at a free port. `behavior` is its --behavior, `key` the credential
 * that it asks for. The mock has url, port, pid, stop(), and
 *
 *   behave(change)   PUT /control/behavior
 *   reset()          the state of the start
 *   events(name)     the events of this name that it has logged
 */
export async function startMock({ behavior, key, args = [], program = "mock-agent" } = {}) {
	const file = join(tempFolder(), "port");
	const options = ["--port", "0", "--port-file", file, ...args];
	if (behavior) options.push("--behavior", JSON.stringify(behavior));
	const env = { PATH: process.env.PATH };
	if (key) env.MOCK_AGENT_KEY = key;
	const mock = startProgram(join(BIN, program), options, { env });
	await until(() => mock.ended || existsSync(file), `${program} writes its port`, START_MS);
	if (mock.ended) throw new Error(`${program} ended: ${JSON.stringify(mock.ended)} ${mock.stderr}`);
	mock.port = Number(readFileSync(file, "utf8").split("\n")[0]);
	mock.url = `http://127.0.0.1:${mock.port}`;
	const control = async (method, path, body) => {
		const answer = await fetch(mock.url + path, {
			method,
			body: JSON.stringify(body),
			headers: { "content-type": "application/json" },
		});
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
		return JSON.parse(text);
	};
	mock.behave = (change) => control("PUT", "/control/behavior", change);
	mock.reset = () => control("POST", "/control/reset", {});
	mock.events = (name) =>
		mock.stderr
			.split("\n")
			.filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line))
			.filter((event) => event.event === name);
	const stop = mock.stop;
	mock.stop = async () => {
		const end = await stop();
		if (end.code !== 0 && !mock.told) {
			mock.told = true;
			fail(`${program} ends with 0 when told to`, `${JSON.stringify(end)} ${mock.stderr.slice(-2000)}`);
		}
		return end;
	};
	mock.descriptors = () => readdirSync(`/proc/${mock.pid}/fd`).length;
	return mock;
}

/*
 * fn({url}) with a mock of its own, that behaves so. Its client is to leave at least one
 * connection, and the mock then has to close each that was left. A relay stands between
 * them, because a client's pool may hold other connections, which nobody left.
 */
export async function leavesNothing(behavior, fn) {
	const mock = await startMock({ behavior });
	const left = [];
	const relay = net.createServer({ allowHalfOpen: true }, (client) => {
		const server = net.connect({ port: mock.port, host: "127.0.0.1", allowHalfOpen: true });
		const closed = new Promise((resolve) => server.on("end", resolve).on("close", resolve));
		const leave = () => {
			if (server.writableEnded) return;
			const one = { done: false };
			left.push(one);
			closed.then(() => (one.done = true));
			server.end();
		};
		client.on("data", (data) => server.write(data)).on("end", leave).on("close", leave).on("error", leave);
		server.on("data", (data) => client.writable && client.write(data)).on("error", () => {});
		closed.then(() => client.destroy());
	});
	await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
	try {
		await fn({ url: `http://127.0.0.1:${relay.address().port}` });
		await until(() => left.length > 0, "the client leaves");
		await until(() => left.every((one) => one.done), "its connection is closed");
	} finally {
		relay.close();
		await mock.stop();
	}
}

/* From here on, results are this client's. */
export function client(name, version) {
	console.log(`# client: ${name} ${version}`);
}

const oneLine = (text) => String(text).replace(/\s+/g, " ").slice(0, 300);

function fail(name, why) {
	failures++;
	console.log(`not ok ${name} # ${oneLine(why)}`);
}

/* One result. fn throws, or is not done within `ms`: it has failed. */
export async function check(name, fn, ms = CHECK_MS) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms);
	});
	try {
		const work = Promise.resolve().then(fn);
		work.catch(() => {}); /* when it is late, nobody else listens */
		await Promise.race([work, late]);
		console.log(`ok ${name}`);
		return true;
	} catch (error) {
		fail(name, error?.message ?? error);
		if (error?.stack) console.error(error.stack);
		return false;
	} finally {
		clearTimeout(timer);
	}
}

export function skip(name, why) {
	console.log(`skip ${name} # ${oneLine(why)}`);
}

/* Ends what was started, and the part: exit code 1 if a check failed. */
export async function finish() {
	await Promise.all([...running].map((program) => program.stop()));
	for (const folder of folders) rmSync(folder, { recursive: true, force: true });
	process.exit(failures > 0 ? 1 : 0);
}

/* A part that throws outside of a check has failed, and leaves nothing either. */
for (const event of ["uncaughtException", "unhandledRejection"])
	process.on(event, (error) => {
		console.error(error);
		fail("nothing is thrown outside of a check", error?.message ?? error);
		finish();
	});
