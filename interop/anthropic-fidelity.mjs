/*
 * anthropic-fidelity - what a mock may easily leave out: parameters of Messages that change
 * the answer, requests that the hosted API refuses, filters of lists, and what an agent of
 * Managed Agents does beside custom tools.
 */
import assert from "node:assert/strict";
import { check, client, finish, versionOf } from "./lib.mjs";
import {
	MODEL, SDKS, all, ask, makeSession, makeWorld, send, settled, textOf, tool, userMessage, watch,
} from "./lib-anthropic.mjs";

const other = { ...tool, name: "count", input_schema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } };
const LONG = "a long sentence with many words in it, ".repeat(40);
const usesOf = (message) => message.content.filter((block) => block.type === "tool_use");

async function choices({ api, with: during }) {
	await check("tool_choice any calls a tool", async () => {
		const message = await api.messages.create(ask({ tools: [tool], tool_choice: { type: "any" } }));
		assert.equal(message.stop_reason, "tool_use");
		assert.equal(usesOf(message)[0].name, "look_up");
		const events = await all(await api.messages.create(ask({ tools: [tool], tool_choice: { type: "any" }, stream: true })));
		assert.ok(events.some((event) => event.content_block?.type === "tool_use"));
	});
	await check("tool_choice tool calls that tool, none calls none", async () => {
		const forced = await api.messages.create(ask({ tools: [tool, other], tool_choice: { type: "tool", name: "count" } }));
		assert.equal(usesOf(forced)[0].name, "count");
		assert.ok(Number.isInteger(usesOf(forced)[0].input.n));
		await during({ tools: 1 }, async () => {
			const message = await api.messages.create(ask({ tools: [tool], tool_choice: { type: "none" } }));
			assert.equal(message.stop_reason, "end_turn");
			assert.equal(usesOf(message).length, 0);
		});
	});
}

async function limits({ api }) {
	const long = (more) => ask({ messages: [{ role: "user", content: LONG }], ...more });
	await check("max_tokens cuts the answer", async () => {
		const whole = textOf(await api.messages.create(long({ max_tokens: 4000 })));
		const message = await api.messages.create(long({ max_tokens: 5 }));
		assert.equal(message.stop_reason, "max_tokens");
		assert.ok(textOf(message).length > 0 && textOf(message).length < whole.length);
		assert.ok(whole.startsWith(textOf(message)));
		assert.ok(message.usage.output_tokens <= 5);
		const streamed = await api.messages.stream(long({ max_tokens: 5 })).finalMessage();
		assert.equal(streamed.stop_reason, "max_tokens");
		assert.equal(textOf(streamed), textOf(message));
	});
	await check("stop_sequences end it", async () => {
		const stops = ask({ messages: [{ role: "user", content: "one two STOP three" }], stop_sequences: ["never", "STOP"] });
		const message = await api.messages.create(stops);
		assert.deepEqual([message.stop_reason, message.stop_sequence], ["stop_sequence", "STOP"]);
		assert.match(textOf(message), /two/);
		assert.doesNotMatch(textOf(message), /STOP|three/);
		const streamed = await api.messages.stream(stops).finalMessage();
		assert.deepEqual([streamed.stop_reason, streamed.stop_sequence], ["stop_sequence", "STOP"]);
		assert.equal(textOf(streamed), textOf(message));
	});
}

async function thinking({ api, sdk }) {
	const think = ask({ max_tokens: 4000, thinking: { type: "enabled", budget_tokens: 1024 } });
	await check("thinking is a block before the text, with a signature", async () => {
		const message = await api.messages.create(think);
		assert.deepEqual(message.content.map((block) => block.type), ["thinking", "text"]);
		assert.ok(message.content[0].thinking.length > 0 && message.content[0].signature.length > 0);
		const adaptive = await api.messages.create(ask({ thinking: { type: "adaptive" } }));
		assert.ok(["thinking,text", "text"].includes(adaptive.content.map((block) => block.type).join()));
		const without = await api.messages.create(ask({ thinking: { type: "disabled" } }));
		assert.deepEqual(without.content.map((block) => block.type), ["text"]);
	});
	await check("it is streamed, and its signature last", async () => {
		const events = await all(await api.messages.create({ ...think, stream: true }));
		const deltas = events.filter((event) => event.index === 0 && event.delta).map((event) => event.delta.type);
		assert.equal(events.find((event) => event.type === "content_block_start").content_block.type, "thinking");
		assert.ok(deltas.includes("thinking_delta"));
		assert.equal(deltas.at(-1), "signature_delta");
		const stream = api.messages.stream(think);
		let text = "";
		stream.on("thinking", (delta) => (text += delta));
		const message = await stream.finalMessage();
		assert.equal(message.content[0].thinking, text);
		assert.ok(message.content[0].signature.length > 0);
	});
	await check("a thinking block can be sent back with its tool", async () => {
		const offer = { ...think, tools: [tool] };
		const thought = (await api.messages.create(think)).content[0];
		const message = await api.messages.create({
			...offer,
			messages: [
				...offer.messages,
				{ role: "assistant", content: [thought, { type: "tool_use", id: "toolu_01", name: "look_up", input: { word: "w" } }] },
				{ role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_01", content: "r" }] },
			],
		});
		assert.equal(message.stop_reason, "end_turn");
	});
	await check("a budget that max_tokens does not allow is refused", async () => {
		await assert.rejects(api.messages.create(ask({ max_tokens: 1000, thinking: { type: "enabled", budget_tokens: 2000 } })),
			(error) => error instanceof sdk.BadRequestError && /max_tokens/.test(error.message));
		await assert.rejects(api.messages.create(ask({ thinking: { type: "enabled", budget_tokens: 10 } })),
			(error) => error instanceof sdk.BadRequestError && /budget_tokens/.test(error.message));
	});
}

async function outputs({ api, helpers }) {
	const schema = {
		type: "object",
		properties: {
			name: { type: "string" }, age: { type: "integer" }, kind: { type: "string", enum: ["cat", "dog"] },
			tags: { type: "array", items: { type: "string" } }, owner: { type: "object",
				properties: { id: { type: "number" } }, required: ["id"], additionalProperties: false },
		},
		required: ["name", "age", "kind", "tags", "owner"],
		additionalProperties: false,
	};
	const fits = (value) => {
		assert.deepEqual(Object.keys(value).sort(), ["age", "kind", "name", "owner", "tags"]);
		assert.ok(Number.isInteger(value.age) && ["cat", "dog"].includes(value.kind));
		assert.ok(Array.isArray(value.tags) && typeof value.owner.id === "number");
	};
	await check("an output format of JSON is kept to", async () => {
		const request = ask({ output_config: { format: { type: "json_schema", schema } } });
		fits(JSON.parse(textOf(await api.messages.create(request))));
		fits(JSON.parse(await api.messages.stream(request).finalText()));
	});
	await check("messages.parse() with a zod schema", async () => {
		const { zodOutputFormat } = await import(`${helpers}/zod`);
		const { z } = await import("zod");
		const message = await api.messages.parse(ask({
			output_config: { format: zodOutputFormat(z.object({ city: z.string(), warm: z.boolean() })) },
		}));
		assert.equal(typeof message.parsed_output.city, "string");
		assert.equal(typeof message.parsed_output.warm, "boolean");
	});
}

async function lists({ api }) {
	await check("models come in pages of a limit", async () => {
		const whole = (await all(api.models.list())).map((model) => model.id);
		const page = await api.models.list({ limit: 1 });
		assert.deepEqual(page.data.map((model) => model.id), [whole[0]]);
		assert.deepEqual([page.has_more, page.first_id, page.last_id], [true, whole[0], whole[0]]);
		assert.deepEqual((await all(api.models.list({ limit: 1 }))).map((model) => model.id), whole);
		const before = await api.models.list({ before_id: whole.at(-1), limit: 1 });
		assert.deepEqual(before.data.map((model) => model.id), [whole.at(-2)]);
	});
	await check("created_at filters lists", async () => {
		const session = await makeSession(api);
		const at = Date.parse(session.created_at);
		const time = (ms) => new Date(at + ms).toISOString();
		const listed = async (filter) =>
			(await all(api.beta.sessions.list({ agent_id: session.agent.id, ...filter }))).map((one) => one.id);
		assert.deepEqual(await listed({ "created_at[gte]": session.created_at }), [session.id]);
		assert.deepEqual(await listed({ "created_at[lte]": session.created_at }), [session.id]);
		assert.deepEqual(await listed({ "created_at[gt]": time(2000) }), []);
		assert.deepEqual(await listed({ "created_at[lt]": time(-2000) }), []);
		assert.deepEqual(await listed({ "created_at[gt]": time(-2000), "created_at[lt]": time(2000) }), [session.id]);
		const agents = (await all(api.beta.agents.list({ "created_at[lte]": time(-3600000) }))).map((one) => one.id);
		assert.ok(!agents.includes(session.agent.id));
	});
	await check("statuses filter sessions, and order turns a list", async () => {
		const one = await makeSession(api);
		const environment_id = one.environment_id;
		const two = await api.beta.sessions.create({ agent: one.agent.id, environment_id });
		await api.beta.sessions.archive(two.id);
		const listed = async (filter) => (await all(api.beta.sessions.list({
			agent_id: one.agent.id, include_archived: true, ...filter,
		}))).map((each) => each.id);
		assert.deepEqual(await listed({ statuses: ["terminated"] }), [two.id]);
		assert.deepEqual(await listed({ statuses: ["idle"] }), [one.id]);
		assert.deepEqual(await listed({ order: "asc" }), [one.id, two.id]);
		assert.deepEqual(await listed({ order: "desc" }), [two.id, one.id]);
	});
}

async function agents({ api, with: during }) {
	const toolset = (type) => ({
		type: "agent_toolset_20260401", configs: [], default_config: { enabled: true, permission_policy: { type } },
	});
	const use = async (session, type) => {
		const watched = await watch(api, session);
		await send(api, session, userMessage("use it"));
		return { watched, used: await watched.wait(type) };
	};
	await check("a tool is used once it is confirmed", () =>
		during({ tools: 1 }, async () => {
			const session = await makeSession(api, { agent: { tools: [toolset("always_ask")] } });
			const { watched, used } = await use(session, "agent.tool_use");
			const idle = await watched.wait("session.status_idle");
			assert.equal(used.evaluated_permission, "ask");
			assert.deepEqual(idle.stop_reason, { type: "requires_action", event_ids: [used.id] });
			assert.ok(!watched.types().includes("agent.tool_result"));
			await send(api, session, { type: "user.tool_confirmation", tool_use_id: used.id, result: "allow" });
			const result = await watched.wait("agent.tool_result");
			assert.equal(result.tool_use_id, used.id);
			assert.ok(!result.is_error);
			assert.equal((await watched.wait("session.status_idle", 2)).stop_reason.type, "end_turn");
			await watched.close();
		}));
	await check("one that is denied is not used", () =>
		during({ tools: 1 }, async () => {
			const session = await makeSession(api, { agent: { tools: [toolset("always_ask")] } });
			const { watched, used } = await use(session, "agent.tool_use");
			await watched.wait("session.status_idle");
			await send(api, session, {
				type: "user.tool_confirmation", tool_use_id: used.id, result: "deny", deny_message: "not today",
			});
			assert.equal((await watched.wait("session.status_idle", 2)).stop_reason.type, "end_turn");
			const results = watched.seen.filter((event) => event.type === "agent.tool_result");
			assert.ok(results.every((event) => event.is_error && JSON.stringify(event.content).includes("not today")));
			await watched.close();
			await settled(api, session);
		}));
	await check("an agent uses the tools of its MCP server", () =>
		during({ tools: 1 }, async () => {
			const session = await makeSession(api, {
				agent: {
					mcp_servers: [{ type: "url", name: "shop", url: "https://mcp.example.com/mcp" }],
					tools: [{
						type: "mcp_toolset", mcp_server_name: "shop", configs: [],
						default_config: { enabled: true, permission_policy: { type: "always_allow" } },
					}],
				},
			});
			const { watched, used } = await use(session, "agent.mcp_tool_use");
			assert.equal(used.mcp_server_name, "shop");
			assert.equal(used.evaluated_permission, "allow");
			const result = await watched.wait("agent.mcp_tool_result");
			assert.equal(result.mcp_tool_use_id, used.id);
			assert.equal((await watched.wait("session.status_idle")).stop_reason.type, "end_turn");
			await watched.close();
		}));
	await check("resources of a session have ids", async () => {
		const session = await makeSession(api, { resources: [{ type: "file", file_id: "file_01", mount_path: "/mnt/data.csv" }] });
		assert.match(session.resources[0].id, /^sesrsc_/);
		assert.deepEqual([session.resources[0].type, session.resources[0].mount_path], ["file", "/mnt/data.csv"]);
		const again = await api.beta.sessions.retrieve(session.id);
		assert.equal(again.resources[0].id, session.resources[0].id);
	});
}

async function refusals({ once, sdk }) {
	const refused = async (more, words) => {
		const error = await once.messages.create(ask(more)).then(() => null, (e) => e);
		assert.ok(error instanceof sdk.BadRequestError, `${JSON.stringify(more).slice(0, 120)}: ${error ? error.message : "accepted"}`);
		assert.equal(error.error.error.type, "invalid_request_error");
		assert.match(error.error.error.message, words);
	};
	const says = (...messages) => ({ messages: messages.map(([role, content]) => ({ role, content })) });
	await check("an unknown role is refused", async () => {
		await refused(says(["robot", "hello"]), /messages\.0\.role/);
		await refused({ messages: [{ content: "hello" }] }, /messages\.0\.role/);
		await refused(says(["user", "hello"], ["tool", "result"]), /messages\.1\.role/);
	});
	await check("empty content is refused", async () => {
		await refused(says(["user", ""]), /messages\.0.*non-empty content/);
		await refused(says(["user", []]), /messages\.0.*non-empty content/);
		await refused(says(["user", [{ type: "text", text: "" }]]), /text content blocks must be non-empty/);
		await refused({ messages: [{ role: "user" }] }, /messages\.0\.content/);
	});
	await check("a content block of no known kind is refused", async () => {
		await refused(says(["user", [{ type: "smell", text: "x" }]]), /messages\.0\.content\.0/);
		await refused(says(["user", [{ type: "text" }]]), /messages\.0\.content\.0/);
		await refused(says(["user", 7]), /messages\.0\.content/);
	});
	await check("a result without its call is refused, and a call without its result", async () => {
		const result = [{ type: "tool_result", tool_use_id: "toolu_lost", content: "r" }];
		await refused({ tools: [tool], ...says(["user", "a"], ["assistant", "b"], ["user", result]) }, /toolu_lost/);
		const call = [{ type: "tool_use", id: "toolu_open", name: "look_up", input: {} }];
		await refused({ tools: [tool], ...says(["user", "a"], ["assistant", call], ["user", "c"]) }, /toolu_open/);
	});
	await check("numbers out of their range are refused", async () => {
		await refused({ max_tokens: 0 }, /max_tokens/);
		await refused({ max_tokens: "many" }, /max_tokens/);
		await refused({ temperature: 1.5 }, /temperature/);
		await refused({ top_p: -1 }, /top_p/);
	});
	await check("tools are checked", async () => {
		await refused({ tools: [{ ...tool, name: "no spaces, please" }] }, /tools\.0/);
		await refused({ tools: [tool, tool] }, /tools.*unique/);
		await refused({ tools: [{ name: "bare" }] }, /tools\.0.*input_schema/);
		await refused({ tools: [tool], tool_choice: { type: "tool", name: "nobody" } }, /nobody/);
		await refused({ tool_choice: { type: "any" } }, /tool_choice/);
	});
	await check("tokens are counted of what can be sent alone", async () => {
		const counted = (more) => once.messages.countTokens({ model: MODEL, messages: ask().messages, ...more });
		const plain = (await counted()).input_tokens;
		assert.ok((await counted({ system: LONG })).input_tokens > plain);
		assert.ok((await counted({ tools: [tool] })).input_tokens > plain);
		await assert.rejects(counted(says(["robot", "hello"])), (error) => error instanceof sdk.BadRequestError);
	});
}

for (const name of SDKS) {
	const world = await makeWorld(name);

	client("@anthropic-ai/sdk: fidelity", versionOf(name));
	for (const suite of [choices, limits, thinking, outputs, lists, agents, refusals]) await suite(world);
	await world.mock.stop();
}
await finish();
