/*
 * bad-clients - clients that lie, break off, hold on or send too much, on bare sockets
 * against mock-agent: each gets the status and the shape of the hosted API (what is no
 * sound HTTP gets HTTP's own answer), the next client is served at once, and in the end no
 * descriptor and no memory is left behind.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { check, client, finish, skip, sleep, startMock, until } from "./lib.mjs";

const KEY = "secret";
const MIB = 1 << 20;
const BODY_LIMIT = 32 * MIB;
const ROUND_TRIP_MS = 5000; /* generous: at once on a busy machine */
const mock = await startMock({ key: KEY });
const HEADERS = { host: "mock", "x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json" };
const MESSAGE = JSON.stringify({ model: "claude-sonnet-5", max_tokens: 100, messages: [{ role: "user", content: "hi" }] });

/* The text of a request; a header that is null is left out. */
function request(method, path, { headers = {}, body = "", length = Buffer.byteLength(body) } = {}) {
	const all = { ...HEADERS, ...(length === null ? {} : { "content-length": length }), ...headers };
	const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
	return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

const post = (body, more = {}) => request("POST", "/v1/messages", { body, ...more });

/* A connection: text is what came, end settles with it when the other side is done. */
function connect() {
	const socket = net.connect({ port: mock.port, host: "127.0.0.1", allowHalfOpen: true });
	const made = { socket, text: "", over: false, error: null };
	socket.setEncoding("latin1");
	socket.on("data", (data) => (made.text += data));
	made.end = new Promise((resolve) => {
		socket.on("end", resolve);
		socket.on("close", resolve);
		socket.on("error", (error) => (made.error = error));
	}).then(() => {
		made.over = true;
		return made.text;
	});
	made.send = (data) => new Promise((resolve) => socket.write(data, resolve));
	made.close = () => socket.destroy();
	return made;
}

/* The complete answers in a text: {status, headers, body}, the body parsed if it is JSON. */
function answersIn(text) {
	const answers = [];
	for (;;) {
		const head = /^HTTP\/1\.1 (\d+)[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(text);
		if (!head) return answers;
		const headers = Object.fromEntries(head[2].split("\r\n").filter(Boolean)
			.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
		const length = head[1] === "100" ? 0 : Number(headers["content-length"] ?? 0);
		const rest = text.slice(head[0].length);
		if (rest.length < length) return answers;
		let body = rest.slice(0, length);
		try {
			body = JSON.parse(body);
		} catch {
			/* HTTP's own */
		}
		answers.push({ status: Number(head[1]), headers, body });
		text = rest.slice(length);
	}
}

/* Sends a text and waits for `count` answers, or for the end of the connection. */
async function exchange(data, { count = 1, half_close = false } = {}) {
	const connection = connect();
	try {
		await connection.send(data);
		if (half_close) connection.socket.end();
		await until(() => connection.over || answersIn(connection.text).length >= count, "an answer, or the end");
		return answersIn(connection.text);
	} finally {
		connection.close();
	}
}

/* An answer in the API's shape. */
function assertError(answer, status, type, words = /./) {
	assert.equal(answer?.status, status, JSON.stringify(answer));
	assert.match(answer.headers["content-type"], /^application\/json/);
	assert.equal(answer.body.type, "error");
	assert.equal(answer.body.error.type, type);
	assert.match(answer.body.error.message, words);
	assert.match(answer.body.request_id, /^req_/);
	assert.equal(answer.headers["request-id"], answer.body.request_id);
}

const assertRefused = async (data, status, type, words) => assertError((await exchange(data))[0], status, type, words);

/* HTTP's own refusal, or none and the end of the connection. */
function assertNoHttp(answers, ...statuses) {
	assert.ok(answers.length <= 1, JSON.stringify(answers));
	if (answers.length === 1) assert.ok(statuses.includes(answers[0].status), JSON.stringify(answers[0]));
}

async function assertServed() {
	const begin = performance.now();
	const [answer] = await exchange(post(MESSAGE));
	assert.equal(answer?.status, 200, JSON.stringify(answer));
	assert.ok(performance.now() - begin < ROUND_TRIP_MS, "the next client had to wait");
}

/* A bad client, and a good one after it. */
const bad = (name, fn) => check(name, async () => {
	await fn();
	await assertServed();
});

async function refusals() {
	await bad("no credential", () => assertRefused(post(MESSAGE, { headers: { "x-api-key": null } }), 401, "authentication_error"));
	await bad("a wrong credential", () => assertRefused(post(MESSAGE, { headers: { "x-api-key": "guess" } }), 401, "authentication_error"));
	await bad("a wrong token", () => assertRefused(
		post(MESSAGE, { headers: { "x-api-key": null, authorization: `Basic ${KEY}` } }), 401, "authentication_error"));
	await bad("an unknown path, even without a credential", () => assertRefused(
		request("GET", "/v1/nothing", { headers: { "x-api-key": null } }), 404, "not_found_error"));
	await bad("no version", () => assertRefused(
		post(MESSAGE, { headers: { "anthropic-version": null } }), 400, "invalid_request_error", /anthropic-version/));
	await bad("a version that never was", () => assertRefused(
		post(MESSAGE, { headers: { "anthropic-version": "1999-01-01" } }), 400, "invalid_request_error", /anthropic-version/));
	await bad("Managed Agents without their beta", () => assertRefused(
		request("GET", "/v1/sessions"), 404, "not_found_error"));
	await bad("a method that the path does not have", () => assertRefused(
		request("PATCH", "/v1/messages"), 405, "invalid_request_error"));
	await bad("paths that climb, or are escaped", async () => {
		for (const path of ["/v1/../v1/nothing", "/v1/%2e%2e/messages", "/v1/messages%00", "//v1//nothing", "/v1/agents/%ff/"])
			await assertRefused(request("GET", path), 404, "not_found_error");
	});
	await bad("a path of 100 kB", async () => assertNoHttp(await exchange(request("GET", `/v1/${"a".repeat(100000)}`)), 404, 414, 431));
}

async function bodies() {
	for (const [name, body] of [
		["that is empty", ""], ["that is no JSON", "hello"], ["that is cut", MESSAGE.slice(0, -5)],
		["that is a list", `[${MESSAGE}]`], ["that is a number", "7"], ["with something behind it", `${MESSAGE} x`],
		["that is nested without end", "[".repeat(200000)],
		["whose member is nested without end", `{"messages":${'{"a":'.repeat(100000)}`],
		["with a number out of all range", MESSAGE.replace("100", `1${"0".repeat(400)}`)],
	])
		await bad(`a body ${name}`, () => assertRefused(post(body), 400, "invalid_request_error"));
	await bad("a body that is no UTF-8", async () => {
		const body = Buffer.concat([Buffer.from(MESSAGE.replace('hi"}]}', "")), Buffer.from([0xff, 0xfe]), Buffer.from('"}]}')]);
		await assertRefused(Buffer.concat([Buffer.from(post("", { length: body.length })), body]), 400, "invalid_request_error");
	});
	await bad("a body of 100 MB, announced", () => assertRefused(
		post("", { length: 100 * MIB }), 413, "request_too_large"));
	await bad("a body of 100 MB, sent", async () => {
		const connection = connect();
		await connection.send(post("", { length: 100 * MIB }));
		const piece = Buffer.alloc(MIB, "a");
		for (let i = 0; i < 100 && !connection.over && !connection.error; i++)
			await Promise.race([connection.send(piece), connection.end]);
		await until(() => connection.over || connection.error || answersIn(connection.text).length, "an answer, or the end");
		connection.close();
		/* Who goes on sending may see a reset before the answer. */
		const [answer] = answersIn(connection.text);
		if (answer) assertError(answer, 413, "request_too_large");
		else assert.ok(connection.error, "no answer, and no error");
	});
	await bad("a body of 100 MB, in chunks", async () => {
		const connection = connect();
		await connection.send(post("", { length: null, headers: { "transfer-encoding": "chunked" } }));
		const piece = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), Buffer.alloc(MIB, "a"), Buffer.from("\r\n")]);
		for (let i = 0; i < 100 && !connection.over && !connection.error && !connection.text; i++)
			await Promise.race([connection.send(piece), connection.end]);
		await until(() => connection.over || connection.error || answersIn(connection.text).length, "an answer, or the end");
		connection.close();
		const [answer] = answersIn(connection.text);
		if (answer) assertError(answer, 413, "request_too_large");
		else assert.ok(connection.error, "no answer, and no error");
	});
	await bad("a body that is just small enough is read", async () => {
		const rest = BODY_LIMIT - Buffer.byteLength(MESSAGE) - 16;
		const [answer] = await exchange(post(MESSAGE.replace('"hi"', `"${"a".repeat(rest)}"`)));
		assert.equal(answer?.status, 200, `${answer?.status} ${JSON.stringify(answer?.body)?.slice(0, 200)}`);
	});
	await bad("no events, or none that is known", async () => {
		const beta = { "anthropic-beta": "managed-agents-2026-04-01" };
		const make = async (path, body) => (await exchange(request("POST", path, { headers: beta, body: JSON.stringify(body) })))[0].body.id;
		const agent = await make("/v1/agents", { name: "a", model: "claude-sonnet-5" });
		const environment_id = await make("/v1/environments", { name: "e" });
		const session = await make("/v1/sessions", { agent, environment_id });
		for (const events of [undefined, "text", [], [7], [{}], [{ type: "user.sneeze" }], [{ type: "user.message" }]])
			await assertRefused(request("POST", `/v1/sessions/${session}/events`, { headers: beta, body: JSON.stringify({ events }) }),
				400, "invalid_request_error");
		for (const query of ["limit=0", "limit=-1", "limit=many", "page=nowhere", "order=sideways"])
			await assertRefused(request("GET", `/v1/sessions/${session}/events?${query}`, { headers: beta }), 400, "invalid_request_error");
	});
}

async function liars() {
	await bad("a length that promises more than comes, then the end", async () => {
		assertNoHttp(await exchange(post(MESSAGE, { length: 5000 }), { half_close: true }), 400);
	});
	await bad("a length that promises less: the rest is no request", async () => {
		const answers = await exchange(post(`${MESSAGE}\r\n\r\n`, { length: 20 }), { count: 2 });
		assertError(answers[0], 400, "invalid_request_error");
		assert.ok(answers.length === 1 || answers[1].status === 400, JSON.stringify(answers));
	});
	await bad("two lengths", async () => {
		const text = post(MESSAGE).replace(/content-length: \d+/, "content-length: 3\r\ncontent-length: 90");
		assertNoHttp(await exchange(text, { half_close: true }), 400);
	});
	await bad("a length that is no number", async () => {
		for (const length of ["-1", "many", "1e3", "0x10", "99999999999999999999999", ""])
			assertNoHttp(await exchange(post(MESSAGE, { length }), { half_close: true }), 400, 413);
	});
	await bad("a length and chunks: only one request is seen", async () => {
		const text = post("", { length: 6, headers: { "transfer-encoding": "chunked" } }) + "0\r\n\r\n" + request("GET", "/v1/models");
		const answers = await exchange(text, { count: 2, half_close: true });
		assert.ok(answers[0] === undefined || answers[0].status === 400, JSON.stringify(answers[0]));
	});
	await bad("chunks that are none", async () => {
		for (const junk of ["zz\r\nabc\r\n0\r\n\r\n", "-5\r\nabc\r\n", "ffffffffffffffffff\r\nabc", "3\r\nabcdef\r\n0\r\n\r\n", "\r\n\r\n"])
			assertNoHttp(await exchange(post(junk, { length: null, headers: { "transfer-encoding": "chunked" } }), { half_close: true }), 400, 413);
	});
	await bad("an encoding that nobody knows", async () => {
		const [answer] = await exchange(post(MESSAGE, { length: null, headers: { "transfer-encoding": "gnirts" } }), { half_close: true });
		assert.ok(answer === undefined || [400, 501].includes(answer.status), JSON.stringify(answer));
	});
	await bad("what is no HTTP", async () => {
		for (const text of [
			"hello\r\n\r\n", "\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / JUNK/1.1\r\n\r\n", ": : :\r\n\r\n",
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\0".repeat(1000),
		])
			assertNoHttp(await exchange(Buffer.from(text, "latin1"), { half_close: true }), 400, 404, 505);
	});
	await bad("a header of 1 MB", async () => {
		assertNoHttp(await exchange(request("GET", "/v1/models", { headers: { "x-long": "a".repeat(MIB) } })), 400, 413, 431);
	});
	await bad("ten thousand headers", async () => {
		const headers = Object.fromEntries(Array.from({ length: 10000 }, (_, i) => [`x-${i}`, "a"]));
		assertNoHttp(await exchange(request("GET", "/v1/models", { headers })), 400, 413, 431);
	});
	await bad("three requests in one piece are answered in order", async () => {
		const ask = (text) => post(MESSAGE.replace("hi", text));
		const answers = await exchange(ask("one") + ask("two") + ask("three"), { count: 3 });
		assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200]);
		["one", "two", "three"].forEach((text, i) => assert.ok(answers[i].body.content[0].text.includes(text)));
	});
	await bad("a client that asks before it sends", async () => {
		const connection = connect();
		await connection.send(post("", { length: Buffer.byteLength(MESSAGE), headers: { expect: "100-continue" } }));
		await until(() => connection.text.startsWith("HTTP/1.1 100"), "100 Continue");
		await connection.send(MESSAGE);
		await until(() => answersIn(connection.text).length === 2, "the answer");
		assert.equal(answersIn(connection.text)[1].status, 200);
		connection.close();
	});
	await bad("a request that comes byte by byte is answered", async () => {
		const connection = connect();
		connection.socket.setNoDelay(true);
		for (const byte of post(MESSAGE)) await connection.send(byte);
		await until(() => answersIn(connection.text).length === 1, "the answer");
		assert.equal(answersIn(connection.text)[0].status, 200);
		connection.close();
	});
}

async function leavers() {
	const during = async (behavior, fn) => {
		const answer = await fetch(`${mock.url}/control/behavior`, {
			method: "PUT", body: JSON.stringify(behavior), headers: { "x-control-key": KEY, "x-api-key": KEY },
		});
		assert.ok(answer.ok, await answer.text());
		try {
			await fn();
		} finally {
			await fetch(`${mock.url}/control/reset`, { method: "POST", body: "{}", headers: { "x-api-key": KEY } });
		}
	};
	const streamed = post(MESSAGE.replace("{", '{"stream":true,'));
	const gone = (before) => until(() => mock.descriptors() <= before, "its connection is closed");

	await bad("a request that is never whole, then the end", async () => {
		const before = mock.descriptors();
		for (const part of ["P", "POST /v1/mess", post(MESSAGE).slice(0, 60), post(MESSAGE).slice(0, -10)]) {
			const connection = connect();
			await connection.send(part);
			await assertServed();
			connection.close();
		}
		await gone(before);
	});
	await bad("a client that is done sending gets its answer, or the end", async () => {
		const answers = await exchange(post(MESSAGE), { half_close: true });
		assert.ok(answers.length === 0 || answers[0].status === 200, JSON.stringify(answers));
	});
	await bad("a reset in the middle of a stream", () =>
		during({ chunks: 5, chunk: { latency: "60s" } }, async () => {
			const before = mock.descriptors();
			const connection = connect();
			await connection.send(streamed);
			await until(() => connection.text.includes("content_block_delta"), "the first delta");
			connection.socket.resetAndDestroy();
			await gone(before);
		}));
	await bad("fifty that leave before their answer", () =>
		during({ messages: { latency: "60s" } }, async () => {
			const before = mock.descriptors();
			const connections = Array.from({ length: 50 }, connect);
			for (const connection of connections) await connection.send(post(MESSAGE));
			await until(() => mock.descriptors() >= before + 50, "all are there");
			for (const [i, connection] of connections.entries())
				if (i % 2) connection.close();
				else connection.socket.resetAndDestroy();
			await gone(before);
		}));
	await bad("a reader that does not read, beside others", () =>
		during({ chunks: 1 }, async () => {
			const before = mock.descriptors();
			const connection = connect();
			connection.socket.pause();
			const body = MESSAGE.replace('"hi"', `"${"a".repeat(8 * MIB)}"`);
			await connection.send(post(body));
			for (let i = 0; i < 5; i++) await assertServed();
			connection.close();
			await gone(before);
		}));
	await bad("three hundred that only hold on", async () => {
		const before = mock.descriptors();
		const connections = Array.from({ length: 300 }, connect);
		await until(() => mock.descriptors() >= before + 300, "all are there");
		await assertServed();
		for (const connection of connections) connection.close();
		await gone(before);
	});
	await bad("a thousand that connect and leave", async () => {
		const before = mock.descriptors();
		for (let i = 0; i < 1000; i += 100) {
			const connections = Array.from({ length: 100 }, connect);
			await Promise.all(connections.map((one) => new Promise((resolve) => one.socket.on("connect", resolve))));
			for (const connection of connections) connection.close();
		}
		await gone(before);
	});
	await bad("two hundred requests on one connection", async () => {
		const connection = connect();
		for (let i = 1; i <= 200; i++) {
			await connection.send(post(MESSAGE));
			await until(() => answersIn(connection.text).length === i, `answer ${i}`);
		}
		connection.close();
	});
}

client("clients on bare sockets", "-");
await assertServed();
/* With the first connection of HTTP/2 libuv opens the descriptor that it keeps for the time
 * when there are none. */
const first = http2.connect(mock.url);
await once(first, "connect");
first.close();
await once(first, "close");
await sleep(100);
const before = mock.descriptors();
for (const suite of [refusals, bodies, liars, leavers]) await suite();
await check("no descriptor is left", () => until(() => mock.descriptors() <= before, `as few descriptors as before (${before})`));
const sanitized = readFileSync(`/proc/${mock.pid}/maps`, "utf8").includes("libasan");
if (sanitized) skip("no memory is left", "a sanitizer keeps what was freed");
else await check("no memory is left beside what one request may need", () => {
	const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${mock.pid}/status`, "utf8"))[1]);
	assert.ok(kib < 100 * 1024, `${kib} KiB resident`);
});
await check("the mock is still the same, and ends when told", async () => {
	assert.equal(mock.ended, null);
	const end = await mock.stop();
	assert.deepEqual([end.code, end.signal], [0, null]);
});
await finish();
