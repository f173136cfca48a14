/*
 * mcp-sdk - the official clients of MCP against mock-mcp, on stdio and over Streamable
 * HTTP: version 1 of the SDK, and version 2 as a client of sessions, as one that finds
 * out, and as one of 2026-07-28 alone.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as Http1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { BIN, check, client as titled, finish, startMock, until, versionOf } from "./lib.mjs";

const MODERN = "2026-07-28";
const behavior = { features: "all" };
const info = { name: "interop", version: "1" };
const capabilities = { sampling: {}, elicitation: {}, roots: {} };

/* What the client answers when the server asks. */
const replies = {
	"sampling/createMessage": async () => ({
		role: "assistant",
		model: "none",
		content: { type: "text", text: "sampled" },
	}),
	"elicitation/create": async () => ({
		action: "accept",
		content: { name: "Ann", username: "ann", email: "ann@example.com", ok: true, color: "red" },
	}),
	"roots/list": async () => ({ roots: [{ uri: "file:///here", name: "here" }] }),
};

/* The two SDKs name the same things differently. */
const kinds = {
	1: {
		make: () => new Client1(info, { capabilities }),
		stdio: (options) => new Stdio1(options),
		http: (url, options) => new Http1(url, options),
		onRequest(client, method, fn) {
			const schemas = {
				"sampling/createMessage": types.CreateMessageRequestSchema,
				"elicitation/create": types.ElicitRequestSchema,
				"roots/list": types.ListRootsRequestSchema,
			};
			client.setRequestHandler(schemas[method], fn);
		},
		onNotification(client, method, fn) {
			const schemas = {
				"notifications/message": types.LoggingMessageNotificationSchema,
				"notifications/resources/updated": types.ResourceUpdatedNotificationSchema,
				"notifications/tools/list_changed": types.ToolListChangedNotificationSchema,
				"notifications/prompts/list_changed": types.PromptListChangedNotificationSchema,
			};
			client.setNotificationHandler(schemas[method], fn);
		},
		call: (client, name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
	},
	2: {
		make: (mode) => new Client2(info, { capabilities, versionNegotiation: { mode } }),
		stdio: (options) => new Stdio2(options),
		http: (url, options) => new Http2(url, options),
		onRequest: (client, method, fn) => client.setRequestHandler(method, fn),
		onNotification: (client, method, fn) => client.setNotificationHandler(method, fn),
		call: (client, name, args, options) => client.callTool({ name, arguments: args }, options),
	},
};

const text = (result) => result.content[0].text;

/* Connects, and gives what the checks use. */
async function connect({ kind, mode, mock }) {
	const of = kinds[kind];
	const client = of.make(mode);
	const seen = [];
	for (const [method, fn] of Object.entries(replies)) of.onRequest(client, method, fn);
	for (const method of [
		"notifications/message",
		"notifications/resources/updated",
		"notifications/tools/list_changed",
		"notifications/prompts/list_changed",
	])
		of.onNotification(client, method, async (notification) => void seen.push({ method, ...notification.params }));
	const transport = mock
		? of.http(new URL(`${mock.url}/mcp`), { requestInit: { headers: { "X-Session-Room": "7" } } })
		: of.stdio({
				command: join(BIN, "mock-mcp"),
				args: ["--behavior", JSON.stringify(behavior)],
				env: { PATH: process.env.PATH },
				stderr: "ignore",
			});
	await client.connect(transport);
	return {
		client,
		transport,
		seen,
		modern: mode === "auto" || mode?.pin === MODERN,
		call: (name, args = {}, options) => of.call(client, name, args, options),
	};
}

/* Until the subscription is there; notifications come afterwards. */
async function listen({ client, modern }, filter, subscribe) {
	if (!modern) return subscribe?.();
	return client.listen(filter);
}

const checks = {
	"knows the server": async ({ client }) => {
		assert.equal(client.getServerVersion().name, "mock-mcp");
		assert.ok(client.getServerCapabilities().prompts);
		assert.ok(client.getInstructions());
	},
	"lists tools": async ({ client }) => {
		const { tools } = await client.listTools();
		assert.ok(tools.length > 20);
		for (const tool of tools) assert.equal(tool.inputSchema.type, "object");
	},
	"calls a tool": async ({ call }) => assert.equal(text(await call("add", { a: 1, b: 2 })), "3"),
	"calls a tool whose argument is in a header too": async ({ client, call }) => {
		await client.listTools();
		assert.equal(text(await call("greet_region", { region: "Nordland" })), "Hello, Nordland!");
		assert.equal(text(await call("greet_region", { region: "Ærø, über alles" })), "Hello, Ærø, über alles!");
	},
	"sees that a tool failed": async ({ call }) => assert.equal((await call("test_error_handling")).isError, true),
	"sees that arguments are wrong": async ({ call }) => assert.equal((await call("add", { a: 1 })).isError, true),
	"is told that there is no such tool": async ({ call }) =>
		assert.rejects(call("nothing"), (error) => error.code === -32602),
	"gets data that fits its schema": async ({ client, call }) => {
		await client.listTools();
		const result = await call("describe_numbers", { numbers: [1, 2, 6] });
		assert.deepEqual(result.structuredContent, { count: 3, least: 1, most: 6, mean: 3 });
	},
	"gets pictures, sounds, resources and links": async ({ call }) => {
		const types = async (name) => (await call(name)).content.map((part) => part.type).join();
		assert.equal(await types("test_image_content"), "image");
		assert.equal(await types("test_audio_content"), "audio");
		assert.equal(await types("test_embedded_resource"), "resource");
		assert.equal(await types("test_multiple_content_types"), "text,image,resource");
		assert.equal(await types("test_resource_link"), "resource_link");
	},
	"hears of progress": async ({ call }) => {
		const seen = [];
		await call("count_slowly", { steps: 3 }, { onprogress: (progress) => seen.push(progress.progress) });
		assert.deepEqual(seen, [1, 2, 3]);
	},
	"hears log messages, from a level on": async ({ client, call, seen, modern }) => {
		const count = () => seen.filter(({ method }) => method === "notifications/message").length;
		if (modern) {
			await call("test_tool_with_logging");
			assert.equal(count(), 0); /* it did not ask for them */
			return;
		}
		await client.setLoggingLevel("debug");
		await call("test_tool_with_logging");
		await until(() => count() === 3, "three log messages");
		await client.setLoggingLevel("error");
		await call("test_tool_with_logging");
		assert.equal(count(), 3);
	},
	"lists and reads resources": async ({ client }) => {
		const { resources } = await client.listResources();
		assert.equal(resources.length, 3);
		const { resourceTemplates } = await client.listResourceTemplates();
		assert.equal(resourceTemplates.length, 1);
		const read = async (uri) => (await client.readResource({ uri })).contents[0];
		assert.match((await read("test://static-text")).text, /static text/);
		assert.equal((await read("test://static-binary")).mimeType, "image/png");
		assert.equal(JSON.parse((await read("test://template/42/data")).text).id, "42");
	},
	"is told that there is no such resource": async ({ client }) =>
		assert.rejects(client.readResource({ uri: "test://nothing" }), (error) =>
			[-32002, -32602].includes(error.code)),
	"hears that a resource changed": async (session) => {
		const uri = "test://watched-resource";
		const subscription = await listen(session, { resourceSubscriptions: [uri] }, () =>
			session.client.subscribeResource({ uri }));
		await session.call("touch_resource");
		await until(() => session.seen.some((seen) => seen.uri === uri), "notifications/resources/updated");
		if (session.modern) return subscription.close();
		await session.client.unsubscribeResource({ uri });
		const before = session.seen.length;
		await session.call("touch_resource");
		await session.client.ping();
		assert.equal(session.seen.length, before);
	},
	"hears that tools and prompts changed": async (session) => {
		const subscription = await listen(session, { toolsListChanged: true, promptsListChanged: true });
		await session.call("test_trigger_tool_change");
		await session.call("test_trigger_prompt_change");
		for (const what of ["tools", "prompts"])
			await until(() => session.seen.some(({ method }) => method === `notifications/${what}/list_changed`), what);
		await subscription?.close();
	},
	"lists and gets prompts": async ({ client }) => {
		assert.equal((await client.listPrompts()).prompts.length, 5);
		const get = async (name, args) => (await client.getPrompt({ name, arguments: args })).messages;
		assert.equal((await get("test_simple_prompt")).length, 1);
		assert.match((await get("test_prompt_with_arguments", { arg1: "a", arg2: "b" }))[0].content.text, /'a'.*'b'/);
		assert.equal((await get("test_prompt_with_image"))[0].content.type, "image");
		const [first] = await get("test_prompt_with_embedded_resource", { resourceUri: "test://x" });
		assert.equal(first.content.resource.uri, "test://x");
		await assert.rejects(client.getPrompt({ name: "nothing" }), (error) => error.code === -32602);
	},
	"completes an argument": async ({ client }) => {
		const { completion } = await client.complete({
			ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
			argument: { name: "arg1", value: "ap" },
		});
		assert.deepEqual(completion.values, ["apple", "apricot"]);
	},
	"answers for its model": async ({ call }) =>
		assert.equal(text(await call("test_sampling", { prompt: "hello?" })), "LLM response: sampled"),
	"answers for its user": async ({ call }) =>
		assert.match(text(await call("test_elicitation", { message: "who?" })), /action=accept.*ann@example.com/),
	"answers with its roots": async ({ call }) =>
		assert.match(text(await call("test_input_required_result_list_roots")), /file:\/\/\/here/),
	"answers several times, and brings the state back": async ({ call, modern }) => {
		if (!modern) return; /* their servers ask one thing at a time, without a state */
		assert.match(text(await call("test_input_required_result_multiple_inputs")), /Ann.*sampled.*here/);
		assert.match(text(await call("test_input_required_result_multi_round")), /red/);
		assert.equal(text(await call("test_input_required_result_request_state")), "state-ok");
	},
	"cancels a call, and goes on": async ({ call }) => {
		const abort = new AbortController();
		const counting = call("count_slowly", { steps: 3000 }, { signal: abort.signal, onprogress: () => abort.abort() });
		await assert.rejects(counting);
		assert.equal(text(await call("echo", { text: "on" })), "on");
	},
	"comes back for an answer whose stream was cut": async ({ call }) =>
		assert.match(text(await call("test_reconnection")), /completed/),
	"makes calls side by side": async ({ call }) => {
		const texts = await Promise.all([..."abcdefgh"].map((letter) => call("echo", { text: letter })));
		assert.equal(texts.map(text).join(""), "abcdefgh");
	},
	"sends and gets a megabyte": async ({ call }) => {
		const large = "x".repeat(1 << 20);
		assert.equal(text(await call("echo", { text: large })), large);
	},
};

/* What is left open after a client is a session of the server. */
async function close({ client, transport, modern }, mock) {
	const pid = transport.pid;
	if (mock && !modern) {
		assert.equal(mock.events("mcp.session.end").length, 0);
		await transport.terminateSession();
		await until(() => mock.events("mcp.session.end").length === 1, "mcp.session.end");
		assert.equal(mock.events("mcp.session.end")[0].session, "7");
	}
	await client.close();
	if (!mock) assert.throws(() => process.kill(pid, 0));
}

async function tryClient(title, kind, mode, overHttp) {
	const name = kind === 1 ? "@modelcontextprotocol/sdk" : "@modelcontextprotocol/client";
	const mock = overHttp ? await startMock({ program: "mock-mcp", behavior }) : null;
	let session;
	titled(`${title} ${overHttp ? "over HTTP" : "on stdio"}`, versionOf(name));
	await check("connects", async () => (session = await connect({ kind, mode, mock })));
	if (session) {
		if (session.modern)
			await check("has chosen 2026-07-28", () =>
				assert.equal(session.client.getNegotiatedProtocolVersion(), MODERN));
		if (!session.modern) await check("pings", () => session.client.ping());
		for (const [what, fn] of Object.entries(checks)) await check(what, () => fn(session));
		await check("ends cleanly", () => close(session, mock));
	}
	await mock?.stop();
	if (mock) {
		await check("the server has exited with 0", async () => assert.equal((await mock.end).code, 0));
		await check("each tool call has begun and ended", () =>
			assert.equal(mock.events("mcp.tool.begin").length, mock.events("mcp.tool.end").length));
	}
}

for (const overHttp of [false, true]) {
	await tryClient("MCP SDK 1", 1, undefined, overHttp);
	await tryClient("MCP SDK 2, legacy", 2, "legacy", overHttp);
	await tryClient("MCP SDK 2, auto", 2, "auto", overHttp);
	await tryClient("MCP SDK 2, 2026-07-28", 2, { pin: MODERN }, overHttp);
}
await finish();
