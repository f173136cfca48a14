/*
 * anthropic - @anthropic-ai/sdk, both generations: what a service on the Messages API or on
 * Managed Agents does, from the first request to the end of a session, and what the SDK
 * makes of the mock's faults.
 */
import assert from "node:assert/strict";
import { check, client, finish, leavesNothing, sleep, startMock, until, versionOf } from "./lib.mjs";
import {
	MODEL, SDKS, all, ask, customTool, makeAgent, makeEnvironment, makeSession, makeWorld, send, settled, textOf, tool,
	turn, userMessage, watch,
} from "./lib-anthropic.mjs";

async function messages({ api }) {
	await check("a message is answered", async () => {
		const message = await api.messages.create(ask());
		assert.match(message.id, /^msg_/);
		assert.equal(message.type, "message");
		assert.equal(message.role, "assistant");
		assert.equal(message.model, MODEL);
		assert.equal(message.stop_reason, "end_turn");
		assert.match(textOf(message), /hello there/);
		assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
	});
	await check("a request has an id", async () => {
		const { data, response, request_id } = await api.messages.create(ask()).withResponse();
		assert.match(request_id, /^req_/);
		assert.equal(data._request_id, request_id);
		assert.equal(response.status, 200);
	});
	await check("content blocks and a system prompt are accepted", async () => {
		const message = await api.messages.create(ask({
			system: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
			metadata: { user_id: "room-1" },
			messages: [{ role: "user", content: [{ type: "text", text: "one" }, { type: "text", text: "two" }] }],
		}));
		assert.match(textOf(message), /two/);
	});
	await check("a conversation of several turns goes on", async () => {
		const message = await api.messages.create(ask({
			messages: [
				{ role: "user", content: "first" },
				{ role: "assistant", content: "an answer" },
				{ role: "user", content: "second" },
			],
		}));
		assert.match(textOf(message), /second/);
	});
	await check("images and documents are accepted", async () => {
		const data = Buffer.from("89504e470d0a1a0a", "hex").toString("base64");
		const message = await api.messages.create(ask({
			messages: [{
				role: "user",
				content: [
					{ type: "image", source: { type: "base64", media_type: "image/png", data } },
					{ type: "document", source: { type: "text", media_type: "text/plain", data: "a text" } },
					{ type: "text", text: "what is this?" },
				],
			}],
		}));
		assert.match(textOf(message), /what is this/);
	});
	await check("twenty requests at once are answered, each with its own", async () => {
		const answers = await Promise.all(Array.from({ length: 20 }, (_, i) =>
			api.messages.create(ask({ messages: [{ role: "user", content: `number ${i}.` }] }))));
		answers.forEach((answer, i) => assert.ok(textOf(answer).includes(`number ${i}.`)));
		assert.equal(new Set(answers.map((answer) => answer.id)).size, 20);
	});
	await check("text of any script comes back unharmed", async () => {
		const text = 'ä "quoted" \\ back\u0007 日本語 🦀 \u2028 end';
		const message = await api.messages.create(ask({ messages: [{ role: "user", content: text }] }));
		assert.ok(textOf(message).includes(text));
	});
	await check("tokens are counted", async () => {
		const few = await api.messages.countTokens({ model: MODEL, messages: ask().messages });
		const more = await api.messages.countTokens({
			model: MODEL, messages: [{ role: "user", content: "hello there ".repeat(100) }],
		});
		assert.ok(few.input_tokens > 0 && more.input_tokens > few.input_tokens);
	});
	await check("the beta messages are answered and counted", async () => {
		const message = await api.beta.messages.create(ask({ betas: ["token-efficient-tools-2025-02-19"] }));
		assert.match(textOf(message), /hello there/);
		const count = await api.beta.messages.countTokens({ model: MODEL, messages: ask().messages });
		assert.ok(count.input_tokens > 0);
	});
}

async function streams({ api, sdk, connect, with: during }) {
	await check("a streamed message has its events in order", async () => {
		const types = (await all(await api.messages.create(ask({ stream: true })))).map((event) => event.type);
		assert.equal(types[0], "message_start");
		assert.equal(types[1], "content_block_start");
		assert.deepEqual(types.slice(-3), ["content_block_stop", "message_delta", "message_stop"]);
		assert.ok(types.slice(2, -3).length > 0);
		assert.ok(types.slice(2, -3).every((type) => type === "content_block_delta"));
	});
	await check("its deltas are the text, in as many pieces as asked for", () =>
		during({ chunks: 5 }, async () => {
			const whole = textOf(await api.messages.create(ask()));
			const events = await all(await api.messages.create(ask({ stream: true })));
			const deltas = events.filter((event) => event.type === "content_block_delta");
			assert.equal(deltas.length, 5);
			assert.equal(deltas.map((event) => event.delta.text).join(""), whole);
		}));
	await check("messages.stream() gives text, message and usage", async () => {
		const stream = api.messages.stream(ask());
		let text = "";
		stream.on("text", (delta) => (text += delta));
		const message = await stream.finalMessage();
		assert.equal(text, textOf(message));
		assert.equal(await stream.finalText(), text);
		assert.equal(message.stop_reason, "end_turn");
		assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
		assert.match(stream.request_id, /^req_/);
	});
	await check("messages.stream() can be iterated", async () => {
		const events = await all(api.messages.stream(ask()));
		assert.equal(events.at(-1).type, "message_stop");
	});
	await check("beta.messages.stream() gives the message", async () => {
		assert.match(await api.beta.messages.stream(ask()).finalText(), /hello there/);
	});
	await check("text of any script is streamed unharmed", () =>
		during({ chunks: 40 }, async () => {
			const text = '日本語のテキスト 🦀🦀🦀 "quoted" \\ ä';
			const stream = api.messages.stream(ask({ messages: [{ role: "user", content: text }] }));
			assert.ok((await stream.finalText()).includes(text));
		}));
	const slow = { chunk: { latency: "60s" }, chunks: 5 };
	await check("a stream that is aborted ends, and the mock's connection with it", () =>
		leavesNothing(slow, async ({ url }) => {
			const stream = connect({ baseURL: url }).messages.stream(ask());
			await stream.emitted("text");
			stream.abort();
			await assert.rejects(stream.finalMessage(), (error) => error instanceof sdk.APIUserAbortError);
		}));
	await check("a loop that is left ends the stream", () =>
		leavesNothing(slow, async ({ url }) => {
			for await (const event of await connect({ baseURL: url }).messages.create(ask({ stream: true })))
				if (event.type === "content_block_delta") break;
		}));
	await check("ten streams at once are each complete", () =>
		during({ chunks: 10, chunk: { latency: "5ms" } }, async () => {
			const texts = await Promise.all(Array.from({ length: 10 }, (_, i) =>
				api.messages.stream(ask({ messages: [{ role: "user", content: `number ${i}.` }] })).finalText()));
			texts.forEach((text, i) => assert.ok(text.includes(`number ${i}.`)));
		}));
}

async function tools({ api, helpers, with: during }) {
	const offer = ask({ tools: [tool] });
	const resultFor = (message, content = "a result") => ({
		...offer,
		messages: [
			...offer.messages,
			{ role: "assistant", content: message.content },
			{
				role: "user",
				content: message.content.filter((block) => block.type === "tool_use")
					.map((block) => ({ type: "tool_result", tool_use_id: block.id, content })),
			},
		],
	});
	await check("no tool is called unless asked for", async () => {
		assert.equal((await api.messages.create(offer)).stop_reason, "end_turn");
	});
	await check("a tool is called with an input that fits its schema", () =>
		during({ tools: 1 }, async () => {
			const message = await api.messages.create(offer);
			const use = message.content.find((block) => block.type === "tool_use");
			assert.equal(message.stop_reason, "tool_use");
			assert.match(use.id, /^toolu_/);
			assert.equal(use.name, "look_up");
			assert.equal(typeof use.input.word, "string");
		}));
	await check("its result ends the turn", () =>
		during({ tools: 1 }, async () => {
			const message = await api.messages.create(resultFor(await api.messages.create(offer), "the meaning"));
			assert.equal(message.stop_reason, "end_turn");
			assert.ok(textOf(message).length > 0);
		}));
	await check("two calls one after the other", () =>
		during({ tools: 2 }, async () => {
			const first = await api.messages.create(offer);
			const second = await api.messages.create(resultFor(first));
			assert.equal(second.stop_reason, "tool_use");
			const after = resultFor(second);
			const last = await api.messages.create({
				...after, messages: [...resultFor(first).messages, ...after.messages.slice(-2)],
			});
			assert.equal(last.stop_reason, "end_turn");
		}));
	await check("a result that is an error is accepted", () =>
		during({ tools: 1 }, async () => {
			const next = resultFor(await api.messages.create(offer));
			next.messages.at(-1).content[0].is_error = true;
			assert.equal((await api.messages.create(next)).stop_reason, "end_turn");
		}));
	await check("a streamed call has its input in pieces of JSON", () =>
		during({ tools: 1 }, async () => {
			const events = await all(await api.messages.create({ ...offer, stream: true }));
			const begin = events.find((event) => event.content_block?.type === "tool_use");
			assert.deepEqual(begin.content_block.input, {});
			const json = events.filter((event) => event.delta?.type === "input_json_delta" && event.index === begin.index)
				.map((event) => event.delta.partial_json).join("");
			assert.equal(typeof JSON.parse(json).word, "string");
			assert.equal(events.find((event) => event.type === "message_delta").delta.stop_reason, "tool_use");
		}));
	await check("messages.stream() parses the input", () =>
		during({ tools: 1 }, async () => {
			const stream = api.messages.stream(offer);
			let snapshot;
			stream.on("inputJson", (_, whole) => (snapshot = whole));
			const message = await stream.finalMessage();
			const use = message.content.find((block) => block.type === "tool_use");
			assert.equal(typeof use.input.word, "string");
			assert.deepEqual(snapshot, use.input);
		}));

	const { betaTool } = await import(`${helpers}/beta/json-schema`);
	const runnable = (calls) => betaTool({
		name: tool.name,
		description: tool.description,
		inputSchema: tool.input_schema,
		run: ({ word }) => {
			calls.push(word);
			return "the meaning";
		},
	});
	await check("toolRunner runs the tool and comes to an end", () =>
		during({ tools: 1 }, async () => {
			const calls = [];
			const message = await api.beta.messages.toolRunner({ ...ask(), tools: [runnable(calls)] }).runUntilDone();
			assert.equal(calls.length, 1);
			assert.equal(typeof calls[0], "string");
			assert.equal(message.stop_reason, "end_turn");
		}));
	await check("toolRunner runs three tools in a row", () =>
		during({ tools: 3 }, async () => {
			const calls = [];
			await api.beta.messages.toolRunner({ ...ask(), tools: [runnable(calls)] }).runUntilDone();
			assert.equal(calls.length, 3);
		}));
	await check("a streaming toolRunner does too", () =>
		during({ tools: 1 }, async () => {
			const calls = [];
			const runner = api.beta.messages.toolRunner({ ...ask(), stream: true, tools: [runnable(calls)] });
			const ends = [];
			for await (const stream of runner) ends.push((await stream.finalMessage()).stop_reason);
			assert.deepEqual(ends, ["tool_use", "end_turn"]);
			assert.equal(calls.length, 1);
		}));
}

async function models({ api }) {
	await check("models are listed", async () => {
		const models = await all(api.models.list());
		assert.ok(models.length > 0);
		for (const model of models) {
			assert.equal(model.type, "model");
			assert.ok(model.display_name.length > 0);
			assert.ok(!Number.isNaN(Date.parse(model.created_at)));
		}
	});
	await check("one is retrieved", async () => {
		assert.equal((await api.models.retrieve(MODEL)).id, MODEL);
	});
	await check("an unknown one is not found", async () => {
		await assert.rejects(api.models.retrieve("claude-0"), { status: 404 });
	});
}

const STATUSES = [
	[400, "BadRequestError", "invalid_request_error"],
	[401, "AuthenticationError", "authentication_error"],
	[402, null, "billing_error"],
	[403, "PermissionDeniedError", "permission_error"],
	[404, "NotFoundError", "not_found_error"],
	[409, "ConflictError", null],
	[413, null, "request_too_large"],
	[422, "UnprocessableEntityError", null],
	[429, "RateLimitError", "rate_limit_error"],
	[500, "InternalServerError", "api_error"],
	[503, null, null],
	[504, null, "timeout_error"],
	[529, null, "overloaded_error"],
];

async function errors({ api, once, sdk, connect, with: during }) {
	for (const [status, name, type] of STATUSES)
		await check(`status ${status} is its error`, () =>
			during({ messages: { fault: "error", status } }, async () => {
				const error = await once.messages.create(ask()).then(() => null, (e) => e);
				assert.ok(error instanceof sdk.APIError, String(error));
				assert.equal(error.status, status);
				if (name) assert.ok(error instanceof sdk[name], error.constructor.name);
				assert.equal(error.error.type, "error");
				if (type) assert.equal(error.error.error.type, type);
				assert.ok(error.error.error.message.length > 0);
				assert.match(error.requestID, /^req_/);
				assert.equal(error.error.request_id, error.requestID);
			}));
	await check("a model that is missing is a bad request", async () => {
		await assert.rejects(api.messages.create({ max_tokens: 10, messages: ask().messages }), (error) =>
			error instanceof sdk.BadRequestError && /model/.test(error.message));
	});
	await check("max_tokens that is missing is a bad request", async () => {
		await assert.rejects(api.messages.create({ model: MODEL, messages: ask().messages }), (error) =>
			error instanceof sdk.BadRequestError && /max_tokens/.test(error.message));
	});
	await check("no messages are a bad request", async () => {
		await assert.rejects(api.messages.create(ask({ messages: [] })), (error) =>
			error instanceof sdk.BadRequestError && /messages/.test(error.message));
	});
	await check("an unknown path is not found", async () => {
		await assert.rejects(api.get("/v1/nothing"), (error) => error instanceof sdk.NotFoundError);
	});
	await check("the credential is asked for, where there is one", async () => {
		const guarded = await startMock({ key: "secret" });
		try {
			const with_key = (apiKey) => connect({ baseURL: guarded.url, apiKey });
			await assert.rejects(with_key("wrong").messages.create(ask()), (error) => error instanceof sdk.AuthenticationError);
			assert.equal((await with_key("secret").messages.create(ask())).stop_reason, "end_turn");
			const by_token = connect({ baseURL: guarded.url, apiKey: null, authToken: "secret" });
			assert.equal((await by_token.messages.create(ask())).stop_reason, "end_turn");
		} finally {
			await guarded.stop();
		}
	});
}

async function retries(world) {
	const { api, once, sdk, connect, with: during } = world;

	await check("two overloads are retried", () =>
		during({ messages: { fault: "error", status: 529, times: 2 } }, async () => {
			assert.equal((await api.messages.create(ask())).stop_reason, "end_turn");
			assert.equal(world.attempts, 3);
		}));
	await check("the third is an error", () =>
		during({ messages: { fault: "error", status: 529, times: 3 } }, async () => {
			await assert.rejects(api.messages.create(ask()), { status: 529 });
			assert.equal(world.attempts, 3);
		}));
	await check("retry-after is waited for", () =>
		during({ messages: { fault: "error", status: 429, retry_after: "2s", times: 1 } }, async () => {
			const begin = performance.now();
			await api.messages.create(ask());
			assert.equal(world.attempts, 2);
			assert.ok(performance.now() - begin >= 1900);
		}));
	await check("a bad request is not retried", () =>
		during({ messages: { fault: "error", status: 400 } }, async () => {
			await assert.rejects(api.messages.create(ask()), { status: 400 });
			assert.equal(world.attempts, 1);
		}));
	await check("a reset connection is retried", () =>
		during({ messages: { fault: "reset", times: 1 } }, async () => {
			assert.equal((await api.messages.create(ask())).stop_reason, "end_turn");
			assert.equal(world.attempts, 2);
		}));
	await check("and is a connection error without", () =>
		during({ messages: { fault: "reset" } }, async () => {
			await assert.rejects(once.messages.create(ask()), (error) =>
				error instanceof sdk.APIConnectionError && !(error instanceof sdk.APIConnectionTimeoutError));
		}));
	await check("no answer is a timeout", () =>
		during({ messages: { fault: "hang" } }, async () => {
			const hasty = connect({ timeout: 200, maxRetries: 0 });
			await assert.rejects(hasty.messages.create(ask()), (error) => error instanceof sdk.APIConnectionTimeoutError);
		}));
	await check("a timeout is retried", () =>
		during({ messages: { fault: "hang", times: 1 } }, async () => {
			const hasty = connect({ timeout: 1000 });
			assert.equal((await hasty.messages.create(ask())).stop_reason, "end_turn");
			assert.equal(world.attempts, 2);
		}));
	await check("a request that is aborted leaves nothing behind", () =>
		leavesNothing({ messages: { fault: "hang" } }, async ({ url }) => {
			const abort = new AbortController();
			const answer = connect({ baseURL: url }).messages.create(ask(), { signal: abort.signal });
			await sleep(100);
			abort.abort();
			await assert.rejects(answer, (error) => error instanceof sdk.APIUserAbortError);
		}));
	for (const fault of ["truncate", "malform", "half_close"])
		await check(`a response with the fault ${fault} is an error, not an answer`, () =>
			during({ messages: { fault } }, async () => {
				await assert.rejects(Promise.resolve(once.messages.create(ask(), { timeout: 5000 })).then((message) => {
					if (message?.type !== "message") throw new Error("no message");
				}));
			}));
	await check("a slow answer is waited for", () =>
		during({ messages: { latency: "300ms" } }, async () => {
			const begin = performance.now();
			await api.messages.create(ask());
			assert.ok(performance.now() - begin >= 290);
		}));
	await check("an error within a stream is one", () =>
		during({ chunks: 4, chunk: { fault: "error", status: 529 } }, async () => {
			await assert.rejects(api.messages.stream(ask()).finalMessage(), (error) =>
				error instanceof sdk.APIError && error.error.error.type === "overloaded_error");
		}));
	for (const fault of ["truncate", "reset", "malform", "half_close"])
		await check(`a stream with the fault ${fault} is an error`, () =>
			during({ chunks: 4, chunk: { fault } }, async () => {
				await assert.rejects(api.messages.stream(ask()).finalMessage());
			}));
	await check("a stream that hangs can be left", () =>
		during({ chunks: 4, chunk: { fault: "hang" } }, async () => {
			const stream = api.messages.stream(ask());
			await stream.emitted("text");
			stream.abort();
			await assert.rejects(stream.done(), (error) => error instanceof sdk.APIUserAbortError);
		}));
	await check("faults that are over leave no trace", async () => {
		assert.equal((await once.messages.create(ask())).stop_reason, "end_turn");
	});
}

async function definitions({ api, sdk }) {
	await check("an agent is created, read and archived", async () => {
		const agent = await makeAgent(api, { system: "be brief", tools: [customTool], metadata: { a: "b" } });
		assert.match(agent.id, /^agent_/);
		assert.equal(agent.version, 1);
		assert.equal(agent.model.id, MODEL);
		assert.equal(agent.tools[0].name, "look_up");
		assert.deepEqual((await api.beta.agents.retrieve(agent.id)).metadata, { a: "b" });
		const archived = await api.beta.agents.archive(agent.id);
		assert.ok(archived.archived_at);
	});
	await check("an update is a new version", async () => {
		const agent = await makeAgent(api);
		const next = await api.beta.agents.update(agent.id, { version: 1, name: "another" });
		assert.equal(next.version, 2);
		assert.equal(next.name, "another");
		assert.equal((await api.beta.agents.retrieve(agent.id, { version: 1 })).name, "an agent");
		const versions = await all(api.beta.agents.versions.list(agent.id));
		assert.deepEqual(versions.map((one) => one.version).sort(), [1, 2]);
	});
	await check("an update of a version that is over is a conflict", async () => {
		const agent = await makeAgent(api);
		await api.beta.agents.update(agent.id, { version: 1, name: "another" });
		await assert.rejects(api.beta.agents.update(agent.id, { version: 1, name: "third" }, { maxRetries: 0 }),
			(error) => error instanceof sdk.ConflictError);
	});
	await check("an environment is created, changed, archived and deleted", async () => {
		const environment = await makeEnvironment(api, { description: "for tests" });
		assert.match(environment.id, /^env_/);
		assert.equal((await api.beta.environments.update(environment.id, { name: "another" })).name, "another");
		assert.equal((await api.beta.environments.retrieve(environment.id)).description, "for tests");
		assert.ok((await api.beta.environments.archive(environment.id)).archived_at);
		assert.deepEqual(await api.beta.environments.delete(environment.id).then(({ id, type }) => ({ id, type })),
			{ id: environment.id, type: "environment_deleted" });
		await assert.rejects(api.beta.environments.retrieve(environment.id), { status: 404 });
	});
	await check("what is not there is not found", async () => {
		for (const read of [
			() => api.beta.agents.retrieve("agent_0"),
			() => api.beta.environments.retrieve("env_0"),
			() => api.beta.sessions.retrieve("sesn_0"),
		])
			await assert.rejects(read(), (error) => error instanceof sdk.NotFoundError);
	});
	await check("lists come page by page", async () => {
		for (let i = 0; i < 5; i++) await makeEnvironment(api, { name: `page ${i}` });
		const page = await api.beta.environments.list({ limit: 2 });
		assert.equal(page.data.length, 2);
		assert.ok(page.hasNextPage());
		const names = (await all(api.beta.environments.list({ limit: 2 }))).map((one) => one.name);
		for (let i = 0; i < 5; i++) assert.ok(names.includes(`page ${i}`));
	});
}

async function sessions({ api, sdk }) {
	await check("a session begins idle", async () => {
		const session = await makeSession(api, { title: "a title", metadata: { room: "7" } });
		assert.match(session.id, /^sesn_/);
		assert.equal(session.status, "idle");
		assert.equal(session.title, "a title");
		assert.equal(session.agent.type, "agent");
		assert.equal((await api.beta.sessions.retrieve(session.id)).metadata.room, "7");
	});
	await check("it can be changed", async () => {
		const session = await makeSession(api);
		const changed = await api.beta.sessions.update(session.id, { title: "new", metadata: { a: "b" } });
		assert.equal(changed.title, "new");
		assert.equal((await api.beta.sessions.retrieve(session.id)).metadata.a, "b");
	});
	await check("an agent or environment that is not there is refused", async () => {
		const environment = await makeEnvironment(api);
		const agent = await makeAgent(api);
		const refused = (error) => error.status === 404 || error.status === 400;
		await assert.rejects(api.beta.sessions.create({ agent: "agent_0", environment_id: environment.id }), refused);
		await assert.rejects(api.beta.sessions.create({ agent: agent.id, environment_id: "env_0" }), refused);
	});
	await check("an agent is taken with its version or with overrides", async () => {
		const environment = await makeEnvironment(api);
		const agent = await makeAgent(api);
		await api.beta.agents.update(agent.id, { version: 1, system: "second" });
		const create = (more) => api.beta.sessions.create({ environment_id: environment.id, agent: { id: agent.id, ...more } });
		assert.equal((await create({ type: "agent", version: 1 })).agent.system, null);
		assert.equal((await create({ type: "agent" })).agent.system, "second");
		const other = await create({ type: "agent_with_overrides", system: "mine", tools: [customTool] });
		assert.equal(other.agent.system, "mine");
		assert.equal(other.agent.tools.length, 1);
	});
	await check("sessions are listed, page by page", async () => {
		const ids = [];
		for (let i = 0; i < 5; i++) ids.push((await makeSession(api)).id);
		const listed = (await all(api.beta.sessions.list({ limit: 2 }))).map((one) => one.id);
		for (const id of ids) assert.ok(listed.includes(id));
		assert.equal(new Set(listed).size, listed.length);
	});
	await check("archived, it is terminated and takes no events", async () => {
		const session = await makeSession(api);
		const archived = await api.beta.sessions.archive(session.id);
		assert.equal(archived.status, "terminated");
		assert.ok(archived.archived_at);
		await assert.rejects(send(api, session, userMessage("late")), (error) =>
			error instanceof sdk.BadRequestError && /archived/.test(error.message));
	});
	await check("deleted, it is gone", async () => {
		const session = await makeSession(api);
		const deleted = await api.beta.sessions.delete(session.id);
		assert.equal(deleted.type, "session_deleted");
		assert.equal(deleted.id, session.id);
		await assert.rejects(api.beta.sessions.retrieve(session.id), (error) => error instanceof sdk.NotFoundError);
		await assert.rejects(api.beta.sessions.delete(session.id), (error) => error instanceof sdk.NotFoundError);
	});
}

async function turns({ api, with: during, sdk, helpers }) {
	await check("a turn goes from running to idle, with an answer", async () => {
		const events = await turn(api, await makeSession(api), "how are you?");
		const types = events.map((event) => event.type);
		assert.ok(types.indexOf("session.status_running") < types.indexOf("agent.message"));
		assert.ok(types.indexOf("agent.message") < types.indexOf("session.status_idle"));
		assert.match(events.find((event) => event.type === "agent.message").content[0].text, /how are you/);
		assert.equal(events.find((event) => event.type === "session.status_idle").stop_reason.type, "end_turn");
		for (const event of events) assert.match(event.id, /^sevt_/);
	});
	await check("what was sent comes back with ids", async () => {
		const session = await makeSession(api);
		const { data } = await send(api, session, userMessage("one"));
		assert.equal(data[0].type, "user.message");
		assert.match(data[0].id, /^sevt_/);
		await settled(api, session);
	});
	await check("the events of a session are listed in order, and filtered", async () => {
		const session = await makeSession(api);
		const seen = await turn(api, session);
		const listed = await all(api.beta.sessions.events.list(session.id));
		const answers = (events) => events.filter((event) => event.type === "agent.message").map((event) => event.id);
		assert.deepEqual(answers(listed), answers(seen));
		const backwards = await all(api.beta.sessions.events.list(session.id, { order: "desc" }));
		assert.deepEqual(backwards.map((event) => event.id), listed.map((event) => event.id).reverse());
		const some = await all(api.beta.sessions.events.list(session.id, { types: ["agent.message", "user.message"] }));
		assert.deepEqual([...new Set(some.map((event) => event.type))].sort(), ["agent.message", "user.message"]);
		const paged = await all(api.beta.sessions.events.list(session.id, { limit: 2 }));
		assert.deepEqual(paged.map((event) => event.id), listed.map((event) => event.id));
	});
	await check("a session begins with events", async () => {
		const session = await makeSession(api, { initial_events: [userMessage("at once")] });
		const found = () => all(api.beta.sessions.events.list(session.id, { types: ["agent.message"] }));
		await until(async () => (await found()).length === 1, "the answer is listed");
		assert.match((await found())[0].content[0].text, /at once/);
	});
	await check("two readers see the same", async () => {
		const session = await makeSession(api);
		const readers = [await watch(api, session), await watch(api, session)];
		await send(api, session, userMessage("hello"));
		for (const reader of readers) await reader.wait("session.status_idle");
		assert.deepEqual(readers[0].seen.map((event) => event.id), readers[1].seen.map((event) => event.id));
		for (const reader of readers) await reader.close();
	});
	await check("previews of an answer are its text", () =>
		during({ chunks: 1 }, async () => {
			const events = await turn(api, await makeSession(api), "in pieces", { event_deltas: ["agent.message"] });
			const begin = events.find((event) => event.type === "event_start");
			const answer = events.find((event) => event.type === "agent.message");
			const text = events.filter((event) => event.type === "event_delta").map((event) => event.delta.content.text).join("");
			assert.equal(begin.event.id, answer.id);
			assert.equal(text, answer.content[0].text);
		}));
	await check("messages that are sent meanwhile are answered later", () =>
		during({ first_byte: { latency: "100ms" } }, async () => {
			const session = await makeSession(api);
			const watched = await watch(api, session);
			await send(api, session, userMessage("first"));
			await send(api, session, userMessage("second"));
			await until(() => watched.seen.some((event) =>
				event.type === "agent.message" && /second/.test(event.content[0].text)), "the second answer");
			await watched.close();
		}));
	await check("pings do not disturb", () =>
		during({ heartbeat: "20ms", first_byte: { latency: "300ms" } }, async () => {
			const events = await turn(api, await makeSession(api));
			assert.ok(events.every((event) => event.type !== "ping"));
		}));
	await check("a custom tool is called, answered, and the turn goes on", () =>
		during({ tools: 1 }, async () => {
			const session = await makeSession(api, { agent: { tools: [customTool] } });
			const watched = await watch(api, session);
			await send(api, session, userMessage("look it up"));
			const use = await watched.wait("agent.custom_tool_use");
			const idle = await watched.wait("session.status_idle");
			assert.equal(use.name, "look_up");
			assert.equal(typeof use.input.word, "string");
			assert.deepEqual(idle.stop_reason, { type: "requires_action", event_ids: [use.id] });
			await send(api, session, {
				type: "user.custom_tool_result", custom_tool_use_id: use.id, content: [{ type: "text", text: "found" }],
			});
			assert.equal((await watched.wait("session.status_idle", 2)).stop_reason.type, "end_turn");
			assert.ok(watched.types().includes("agent.message"));
			await watched.close();
		}));
	await check("events.toolRunner answers it by itself", () =>
		during({ tools: 1 }, async () => {
			const { betaTool } = await import(`${helpers}/beta/json-schema`);
			const session = await makeSession(api, { agent: { tools: [customTool] } });
			const words = [];
			const runnable = betaTool({
				name: "look_up", description: "d", inputSchema: customTool.input_schema,
				run: ({ word }) => (words.push(word), "found"),
			});
			const runner = api.beta.sessions.events.toolRunner(session.id, { tools: [runnable], maxIdleMs: 1000 });
			const calls = [];
			const running = (async () => {
				for await (const call of runner) calls.push(call);
			})();
			await sleep(200); /* there is no replay: its stream is open before the message */
			await send(api, session, userMessage("look it up"));
			await running;
			assert.equal(words.length, 1);
			assert.equal(calls[0].posted, true);
			assert.equal(calls[0].isError, false);
			await settled(api, session);
		}));
	await check("a turn that fails says so", () =>
		during({ first_byte: { fault: "error", status: 529 } }, async () => {
			const events = await turn(api, await makeSession(api));
			const error = events.find((event) => event.type === "session.error");
			assert.equal(error.error.type, "model_overloaded_error");
			assert.ok(error.error.retry_status.type);
		}));
}

async function ends({ api, with: during, sdk }) {
	const busy = { first_byte: { latency: "60s" } };
	const begin = async () => {
		const session = await makeSession(api);
		const watched = await watch(api, session);
		await send(api, session, userMessage("work"));
		await watched.wait("session.status_running");
		return { session, watched };
	};
	await check("an interrupt ends the turn as an ordinary one", () =>
		during(busy, async () => {
			const { session, watched } = await begin();
			await send(api, session, { type: "user.interrupt" });
			assert.equal((await watched.wait("session.status_idle")).stop_reason.type, "end_turn");
			await settled(api, session);
			await watched.close();
		}));
	await check("an interrupt of an idle session does nothing", async () => {
		const session = await makeSession(api);
		await send(api, session, { type: "user.interrupt" });
		assert.equal((await api.beta.sessions.retrieve(session.id)).status, "idle");
	});
	await check("a running session is neither archived nor deleted, and not disturbed", () =>
		during(busy, async () => {
			const { session, watched } = await begin();
			await assert.rejects(api.beta.sessions.archive(session.id), (error) =>
				error instanceof sdk.BadRequestError && /cannot be archived while its status is "running"/.test(error.error.error.message));
			await assert.rejects(api.beta.sessions.delete(session.id), (error) =>
				error instanceof sdk.BadRequestError && /Cannot delete session while it is running/.test(error.message));
			assert.equal((await api.beta.sessions.retrieve(session.id)).status, "running");
			await watched.close();
		}));
	await check("a proper end: interrupt, wait until idle, archive; the stream ends", () =>
		during(busy, async () => {
			const { session, watched } = await begin();
			await send(api, session, { type: "user.interrupt" });
			await settled(api, session);
			assert.equal((await api.beta.sessions.archive(session.id)).status, "terminated");
			await until(() => watched.ended, "the stream ends");
			assert.equal(watched.ended, true);
		}));
	await check("a delete ends every stream with session.deleted", async () => {
		const session = await makeSession(api);
		const readers = [await watch(api, session), await watch(api, session)];
		await api.beta.sessions.delete(session.id);
		for (const reader of readers) {
			await until(() => reader.ended, "the stream ends");
			assert.equal(reader.types().at(-1), "session.deleted");
		}
	});
	await check("the stored status may come after the event", () =>
		during({ status_lag: { latency: "1s" } }, async () => {
			const session = await makeSession(api);
			await turn(api, session);
			await assert.rejects(api.beta.sessions.archive(session.id), (error) => error instanceof sdk.BadRequestError);
			await settled(api, session);
			assert.equal((await api.beta.sessions.archive(session.id)).status, "terminated");
		}));
	await check("a session that waits for a tool can be archived", () =>
		during({ tools: 1 }, async () => {
			const session = await makeSession(api, { agent: { tools: [customTool] } });
			await turn(api, session);
			await settled(api, session);
			assert.equal((await api.beta.sessions.archive(session.id)).status, "terminated");
		}));
	await check("a delete whose response is lost is done: the retry finds nothing", () =>
		during({ delete: { fault: "reset", takes_effect: true, times: 1 } }, async () => {
			const session = await makeSession(api);
			await assert.rejects(api.beta.sessions.delete(session.id), (error) => error instanceof sdk.NotFoundError);
		}));
	await check("a slow end takes its time", () =>
		during({ disconnect: { latency: "300ms" } }, async () => {
			const session = await makeSession(api);
			const start = performance.now();
			await api.beta.sessions.archive(session.id);
			assert.ok(performance.now() - start >= 290);
		}));
	await check("a session has its primary thread", async () => {
		const session = await makeSession(api);
		await turn(api, session);
		const threads = await all(api.beta.sessions.threads.list(session.id));
		assert.equal(threads.length, 1);
		const thread = await api.beta.sessions.threads.retrieve(threads[0].id, { session_id: session.id });
		assert.equal(thread.session_id, session.id);
		assert.equal(thread.parent_thread_id, null);
		const events = await all(api.beta.sessions.threads.events.list(thread.id, { session_id: session.id }));
		assert.ok(events.some((event) => event.type === "agent.message"));
	});
}

for (const name of SDKS) {
	const world = await makeWorld(name);

	client("@anthropic-ai/sdk: core", versionOf(name));
	for (const suite of [messages, streams, tools, models, errors, retries, definitions, sessions, turns, ends])
		await suite(world);
	await world.mock.stop();
}
await finish();
