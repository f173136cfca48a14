/*
 * openai - OpenAI's API as its official client sees it: openai 6 and 7, each with every
 * helper of its own that changes what goes over the wire.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { check, client, finish, startMock, versionOf } from "./lib.mjs";

const MODEL = "gpt-5.1";
const ask = (content) => [{ role: "user", content }];

const weather = {
	name: "get_weather",
	description: "The weather of a city",
	parameters: {
		type: "object",
		properties: { city: { type: "string" }, unit: { type: "string", enum: ["c", "f"] } },
		required: ["city", "unit"],
		additionalProperties: false,
	},
};
const chatTool = { type: "function", function: { ...weather, strict: true } };
const responseTool = { type: "function", ...weather, strict: true };

/* This behavior, and nothing of the one before. */
async function behave(mock, change) {
	await mock.reset();
	if (change) await mock.behave(change);
}

async function rejection(promise) {
	try {
		await promise;
	} catch (error) {
		return error;
	}
	assert.fail("it was not refused");
}

async function collect(iterable) {
	const all = [];

	for await (const one of iterable) all.push(one);
	return all;
}

async function chat(api, mock) {
	const create = (more) => api.chat.completions.create({ model: MODEL, ...more });

	await check("chat: plain", async () => {
		const answer = await create({ messages: ask("hello") });

		assert.equal(answer.object, "chat.completion");
		assert.match(answer.id, /^chatcmpl-/);
		assert.equal(answer.model, MODEL);
		assert.ok(Math.abs(answer.created - Date.now() / 1000) < 3600);
		assert.equal(answer.choices.length, 1);
		assert.equal(answer.choices[0].index, 0);
		assert.equal(answer.choices[0].logprobs, null);
		assert.equal(answer.choices[0].finish_reason, "stop");
		assert.equal(answer.choices[0].message.role, "assistant");
		assert.equal(answer.choices[0].message.refusal, null);
		assert.equal(answer.choices[0].message.content, "You said: hello");
		assert.ok(answer.usage.prompt_tokens > 0);
		assert.equal(answer.usage.total_tokens,
			answer.usage.prompt_tokens + answer.usage.completion_tokens);
		assert.match(answer._request_id, /^req_/);
	});
	await check("chat: system and developer messages, content parts", async () => {
		const answer = await create({
			messages: [
				{ role: "system", content: "be brief" },
				{ role: "developer", content: [{ type: "text", text: "be kind" }] },
				{ role: "user", content: "first" },
				{ role: "assistant", content: "You said: first" },
				{ role: "user", content: [{ type: "text", text: "second" }] },
			],
		});

		assert.equal(answer.choices[0].message.content, "You said: second");
	});
	await check("chat: streamed", async () => {
		await behave(mock, { chunks: 4 });
		const chunks = await collect(await create({ messages: ask("hello"), stream: true }));
		const text = chunks.map((c) => c.choices[0].delta.content ?? "").join("");

		assert.equal(text, "You said: hello");
		assert.ok(chunks.every((c) => c.object === "chat.completion.chunk"));
		assert.ok(chunks.every((c) => c.id === chunks[0].id && c.model === MODEL));
		assert.ok(chunks.every((c) => c.usage == null));
		assert.equal(chunks[0].choices[0].delta.role, "assistant");
		assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
		assert.ok(chunks.slice(0, -1).every((c) => c.choices[0].finish_reason === null));
		assert.ok(chunks.filter((c) => c.choices[0].delta.content).length === 4);
	});
	await check("chat: stream_options.include_usage", async () => {
		const chunks = await collect(await create({
			messages: ask("hello"),
			stream: true,
			stream_options: { include_usage: true },
		}));
		const last = chunks.at(-1);

		assert.deepEqual(last.choices, []);
		assert.ok(last.usage.total_tokens > 1);
		assert.ok(chunks.slice(0, -1).every((c) => c.usage === null));
	});
	await check("chat: stream() helper", async () => {
		const stream = api.chat.completions.stream({ model: MODEL, messages: ask("hello") });
		const seen = [];

		stream.on("content", (delta) => seen.push(delta));
		const final = await stream.finalChatCompletion();

		assert.equal(final.choices[0].message.content, "You said: hello");
		assert.equal(seen.join(""), "You said: hello");
		assert.equal(await stream.finalContent(), "You said: hello");
	});
	await check("chat: tools, the whole loop", async () => {
		await behave(mock, { tools: 1 });
		const messages = ask("Paris");
		const first = await create({ messages, tools: [chatTool] });
		const { message, finish_reason } = first.choices[0];
		const [call] = message.tool_calls;

		assert.equal(finish_reason, "tool_calls");
		assert.equal(message.content, null);
		assert.match(call.id, /^call_/);
		assert.equal(call.type, "function");
		assert.equal(call.function.name, "get_weather");
		assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", unit: "c" });
		messages.push(message, { role: "tool", tool_call_id: call.id, content: "rain" });
		const second = await create({ messages, tools: [chatTool] });

		assert.equal(second.choices[0].finish_reason, "stop");
		assert.equal(second.choices[0].message.content,
			"You said: Paris\nget_weather answered: rain");
	});
	await check("chat: tools streamed", async () => {
		await behave(mock, { tools: 1 });
		const chunks = await collect(
			await create({ messages: ask("Paris"), tools: [chatTool], stream: true }));
		const parts = chunks.flatMap((c) => c.choices[0].delta.tool_calls ?? []);

		assert.equal(parts[0].function.name, "get_weather");
		assert.match(parts[0].id, /^call_/);
		assert.ok(parts.every((part) => part.index === 0));
		assert.deepEqual(JSON.parse(parts.map((p) => p.function.arguments ?? "").join("")),
			{ city: "Paris", unit: "c" });
		assert.equal(chunks.at(-1).choices[0].finish_reason, "tool_calls");
	});
	for (const stream of [false, true])
		await check(`chat: runTools, ${stream ? "streamed" : "plain"}`, async () => {
			await behave(mock, { tools: 2 });
			const asked = [];
			const runner = api.chat.completions.runTools({
				model: MODEL,
				stream,
				messages: ask("Paris"),
				tools: [{
					type: "function",
					function: {
						...weather,
						parse: JSON.parse,
						function: ({ city }) => {
							asked.push(city);
							return "rain";
						},
					},
				}],
			});

			assert.equal(await runner.finalContent(),
				"You said: Paris\nget_weather answered: rain\nget_weather answered: rain");
			assert.deepEqual(asked, ["Paris", "Paris"]);
		});
	await check("chat: tool_choice none, required, named", async () => {
		const reason = async (tool_choice) => (await create({
			messages: ask("Paris"),
			tools: [{ ...chatTool, function: { ...weather, name: "other" } }, chatTool],
			tool_choice,
		})).choices[0];
		const named = { type: "function", function: { name: "get_weather" } };

		await behave(mock, { tools: 1 });
		assert.equal((await reason("none")).finish_reason, "stop");
		await behave(mock);
		assert.equal((await reason("auto")).finish_reason, "stop");
		assert.equal((await reason("required")).message.tool_calls.length, 1);
		assert.equal((await reason(named)).message.tool_calls[0].function.name,
			"get_weather");
	});
	await check("chat: max_completion_tokens and max_tokens end with length", async () => {
		for (const limit of ["max_completion_tokens", "max_tokens"]) {
			const { choices, usage } = await create({
				messages: ask("a long question ".repeat(20)),
				[limit]: 3,
			});

			assert.equal(choices[0].finish_reason, "length");
			assert.ok(choices[0].message.content.length < 40);
			assert.ok(usage.completion_tokens <= 3);
		}
	});
	await check("chat: stop", async () => {
		for (const stop of ["said", ["nothing of it", "said"]]) {
			const { choices } = await create({ messages: ask("hello"), stop });

			assert.equal(choices[0].message.content, "You ");
			assert.equal(choices[0].finish_reason, "stop");
		}
	});
}

const Report = z.object({
	title: z.string(),
	score: z.number(),
	good: z.boolean(),
	tags: z.array(z.string()),
	kind: z.enum(["daily", "weekly"]),
	author: z.object({ name: z.string(), age: z.number().int() }),
	note: z.string().nullable(),
});

async function structured(api, zod, mock) {
	await behave(mock);
	await check("structured: chat.completions.parse by zod", async () => {
		const { choices } = await api.chat.completions.parse({
			model: MODEL,
			messages: ask("hello"),
			response_format: zod.zodResponseFormat(Report, "report"),
		});

		assert.equal(Report.parse(choices[0].message.parsed).title, "hello");
	});
	await check("structured: json_object", async () => {
		const { choices } = await api.chat.completions.create({
			model: MODEL,
			messages: ask("as JSON"),
			response_format: { type: "json_object" },
		});

		assert.equal(typeof JSON.parse(choices[0].message.content), "object");
	});
	await check("structured: responses.parse by zod", async () => {
		const answer = await api.responses.parse({
			model: MODEL,
			input: "hello",
			text: { format: zod.zodTextFormat(Report, "report") },
		});

		assert.equal(Report.parse(answer.output_parsed).kind, "daily");
	});
	await check("structured: streamed by zod", async () => {
		await behave(mock, { chunks: 7 });
		const answer = await api.responses
			.stream({
				model: MODEL,
				input: "hello",
				text: { format: zod.zodTextFormat(Report, "report") },
			})
			.finalResponse();

		Report.parse(answer.output_parsed);
	});
	await check("structured: zodFunction by runTools", async () => {
		await behave(mock, { tools: 1 });
		let given;
		const runner = api.chat.completions.runTools({
			model: MODEL,
			messages: ask("hello"),
			tools: [zod.zodFunction({
				name: "publish",
				parameters: Report,
				function: (report) => {
					given = report;
					return "done";
				},
			})],
		});

		assert.equal(await runner.finalContent(), "You said: hello\npublish answered: done");
		Report.parse(given);
	});
}

async function responses(api, mock) {
	const create = (more) => api.responses.create({ model: MODEL, ...more });

	await behave(mock);
	await check("responses: plain", async () => {
		const answer = await create({ input: "hello", metadata: { room: "7" } });
		const [item] = answer.output;

		assert.equal(answer.object, "response");
		assert.match(answer.id, /^resp_/);
		assert.equal(answer.status, "completed");
		assert.equal(answer.error, null);
		assert.equal(answer.incomplete_details, null);
		assert.equal(answer.model, MODEL);
		assert.deepEqual(answer.metadata, { room: "7" });
		assert.equal(answer.output_text, "You said: hello");
		assert.match(item.id, /^msg_/);
		assert.equal(item.type, "message");
		assert.equal(item.role, "assistant");
		assert.equal(item.status, "completed");
		assert.deepEqual(item.content[0].annotations, []);
		assert.equal(answer.usage.total_tokens,
			answer.usage.input_tokens + answer.usage.output_tokens);
	});
	await check("responses: instructions, roles and content parts", async () => {
		const answer = await create({
			instructions: "be brief",
			input: [
				{ role: "developer", content: "be kind" },
				{ role: "user", content: "first" },
				{ role: "assistant", content: "You said: first" },
				{ role: "user", content: [{ type: "input_text", text: "second" }] },
			],
		});

		assert.equal(answer.output_text, "You said: second");
		assert.equal(answer.instructions, "be brief");
	});
	await check("responses: streamed", async () => {
		await behave(mock, { chunks: 3 });
		const events = await collect(await create({ input: "hello", stream: true }));
		const types = events.map((event) => event.type);

		assert.deepEqual(types, [
			"response.created",
			"response.in_progress",
			"response.output_item.added",
			"response.content_part.added",
			"response.output_text.delta",
			"response.output_text.delta",
			"response.output_text.delta",
			"response.output_text.done",
			"response.content_part.done",
			"response.output_item.done",
			"response.completed",
		]);
		assert.deepEqual(events.map((event) => event.sequence_number),
			events.map((_, i) => i));
		assert.equal(events.at(-1).response.output[0].content[0].text, "You said: hello");
		assert.equal(events.at(-1).response.id, events[0].response.id);
		assert.equal(events[0].response.status, "in_progress");
	});
	await check("responses: stream() helper", async () => {
		const deltas = [];
		const stream = api.responses.stream({ model: MODEL, input: "hello" });

		stream.on("response.output_text.delta", (event) => deltas.push(event.delta));
		assert.equal((await stream.finalResponse()).output_text, "You said: hello");
		assert.equal(deltas.join(""), "You said: hello");
	});
	await check("responses: tools, the whole loop by items", async () => {
		await behave(mock, { tools: 1 });
		const input = ask("Paris");
		const first = await create({ input, tools: [responseTool] });
		const [call] = first.output;

		assert.equal(call.type, "function_call");
		assert.equal(call.name, "get_weather");
		assert.match(call.call_id, /^call_/);
		assert.match(call.id, /^fc_/);
		assert.deepEqual(JSON.parse(call.arguments), { city: "Paris", unit: "c" });
		input.push(...first.output,
			{ type: "function_call_output", call_id: call.call_id, output: "rain" });
		const second = await create({ input, tools: [responseTool] });

		assert.equal(second.output_text, "You said: Paris\nget_weather answered: rain");
	});
	await check("responses: tools, the whole loop by previous_response_id", async () => {
		await behave(mock, { tools: 1 });
		const first = await create({ input: "Paris", tools: [responseTool] });
		const second = await create({
			previous_response_id: first.id,
			tools: [responseTool],
			input: [{
				type: "function_call_output",
				call_id: first.output[0].call_id,
				output: "rain",
			}],
		});

		assert.equal(second.output_text, "You said: Paris\nget_weather answered: rain");
		assert.equal(second.previous_response_id, first.id);
	});
	await check("responses: tools streamed", async () => {
		await behave(mock, { tools: 1 });
		const events = await collect(
			await create({ input: "Paris", tools: [responseTool], stream: true }));
		const of = (type) => events.filter((event) => event.type === type);
		const text = of("response.function_call_arguments.delta").map((e) => e.delta);
		const [done] = of("response.function_call_arguments.done");

		assert.equal(text.join(""), done.arguments);
		assert.deepEqual(JSON.parse(done.arguments), { city: "Paris", unit: "c" });
		assert.equal(of("response.output_item.added")[0].item.arguments, "");
		assert.equal(of("response.output_item.done")[0].item.name, "get_weather");
		assert.equal(of("response.output_item.done")[0].item.status, "completed");
		assert.equal(events.at(-1).type, "response.completed");
	});
	await check("responses: tool_choice none, required, named", async () => {
		const first = async (tool_choice) => (await create({
			input: "Paris",
			tools: [{ ...responseTool, name: "other" }, responseTool],
			tool_choice,
		})).output[0];

		await behave(mock, { tools: 1 });
		assert.equal((await first("none")).type, "message");
		await behave(mock);
		assert.equal((await first("required")).type, "function_call");
		assert.equal((await first({ type: "function", name: "get_weather" })).name,
			"get_weather");
	});
	await check("responses: max_output_tokens is incomplete", async () => {
		const answer = await create({
			input: "a long question ".repeat(20),
			max_output_tokens: 16,
		});

		assert.equal(answer.status, "incomplete");
		assert.equal(answer.incomplete_details.reason, "max_output_tokens");
		assert.ok(answer.output_text.length < 100);
		const events = await collect(await create({
			input: "a long question ".repeat(20),
			max_output_tokens: 16,
			stream: true,
		}));

		assert.equal(events.at(-1).type, "response.incomplete");
	});
	await check("responses: retrieve, input items, delete", async () => {
		const made = await create({ input: "hello" });
		const again = await api.responses.retrieve(made.id);
		const items = await collect(api.responses.inputItems.list(made.id));

		assert.equal(again.id, made.id);
		assert.equal(again.output_text, "You said: hello");
		assert.equal(items.length, 1);
		assert.equal(items[0].content[0].text, "hello");
		await api.responses.delete(made.id);
		assert.equal((await rejection(api.responses.retrieve(made.id))).status, 404);
	});
	await check("responses: store false, unknown previous_response_id", async () => {
		const made = await create({ input: "hello", store: false });
		const error = await rejection(create({ input: "x", previous_response_id: made.id }));

		assert.equal((await rejection(api.responses.retrieve(made.id))).status, 404);
		assert.equal(error.status, 400);
		assert.equal(error.code, "previous_response_not_found");
		assert.equal(error.param, "previous_response_id");
	});
	await check("responses: background, polled and cancelled", async () => {
		await behave(mock, { first_byte: { latency: "60s" } });
		const made = await create({ input: "hello", background: true });

		assert.ok(["queued", "in_progress"].includes(made.status));
		assert.equal((await api.responses.cancel(made.id)).status, "cancelled");
		assert.equal((await api.responses.retrieve(made.id)).status, "cancelled");
		await behave(mock);
		const other = await create({ input: "hello", background: true });
		let now = other;

		while (["queued", "in_progress"].includes(now.status))
			now = await api.responses.retrieve(other.id);
		assert.equal(now.status, "completed");
		assert.equal(now.output_text, "You said: hello");
	});
	await check("responses: input_tokens.count", async () => {
		const { input_tokens, object } =
			await api.responses.inputTokens.count({ model: MODEL, input: "hello" });

		assert.equal(object, "response.input_tokens");
		assert.ok(input_tokens > 0);
	});
}

async function errors(OpenAI, mock) {
	const plain = (more) => new OpenAI({ baseURL: mock.url + "/v1", apiKey: "test", ...more });
	const api = plain({ maxRetries: 0 });
	const create = (more) =>
		api.chat.completions.create({ model: MODEL, messages: ask("hello"), ...more });

	await check("models: list and retrieve", async () => {
		const models = await collect(api.models.list());
		const one = await api.models.retrieve(models[0].id);

		assert.ok(models.length >= 3);
		assert.ok(models.every((m) => m.object === "model" && m.created > 0 && m.owned_by));
		assert.equal(one.id, models[0].id);
		const error = await rejection(api.models.retrieve("no-such-model"));

		assert.ok(error instanceof OpenAI.NotFoundError);
		assert.equal(error.code, "model_not_found");
	});
	await check("errors: what a request lacks, with its parameter", async () => {
		const cases = [
			[{ messages: undefined }, "messages"],
			[{ messages: [] }, "messages"],
			[{ model: undefined }, null],
			[{ messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
			[{ temperature: 3 }, "temperature"],
			[{ n: 2 }, "n"],
			[{ tools: [{ type: "function", function: { name: "a b" } }] },
				"tools[0].function.name"],
			[{ messages: [{ role: "tool", tool_call_id: "call_x", content: "y" }] },
				"messages.[0].role"],
		];

		for (const [more, param] of cases) {
			const error = await rejection(create(more));

			assert.ok(error instanceof OpenAI.BadRequestError, JSON.stringify(more));
			assert.equal(error.type, "invalid_request_error");
			assert.equal(error.param, param);
			assert.match(error.requestID, /^req_/);
		}
	});
	await check("errors: a status becomes its class", async () => {
		const classes = {
			400: OpenAI.BadRequestError,
			401: OpenAI.AuthenticationError,
			403: OpenAI.PermissionDeniedError,
			404: OpenAI.NotFoundError,
			409: OpenAI.ConflictError,
			422: OpenAI.UnprocessableEntityError,
			429: OpenAI.RateLimitError,
			500: OpenAI.InternalServerError,
			503: OpenAI.InternalServerError,
		};

		for (const [status, Class] of Object.entries(classes)) {
			await behave(mock, { messages: { fault: "error", status: Number(status) } });
			for (const error of [
				await rejection(create()),
				await rejection(api.responses.create({ model: MODEL, input: "x" })),
			]) {
				assert.ok(error instanceof Class, `${status}: ${error}`);
				assert.equal(error.status, Number(status));
				assert.match(error.message, /messages fault/);
				assert.equal(typeof error.type, "string");
			}
		}
	});
	await check("retries: after 429 with retry-after, after a reset", async () => {
		const patient = plain({ maxRetries: 2 });
		const again = () =>
			patient.chat.completions.create({ model: MODEL, messages: ask("hello") });

		await behave(mock, {
			messages: { fault: "error", status: 429, retry_after: "10ms", times: 2 },
		});
		assert.equal((await again()).choices[0].message.content, "You said: hello");
		await behave(mock, { messages: { fault: "reset", times: 1 } });
		assert.equal((await again()).choices[0].message.content, "You said: hello");
		await behave(mock, { messages: { fault: "reset" } });
		assert.ok(await rejection(again()) instanceof OpenAI.APIConnectionError);
	});
	await check("timeout before the response", async () => {
		const hasty = plain({ maxRetries: 0, timeout: 200 });

		await behave(mock, { messages: { fault: "hang" } });
		assert.ok(await rejection(hasty.responses.create({ model: MODEL, input: "x" }))
			instanceof OpenAI.APIConnectionTimeoutError);
	});
	await check("abort in mid-stream", async () => {
		await behave(mock, { chunks: 5, chunk: { latency: "60s" } });
		const stop = new AbortController();
		const chunks = [];
		const stream = await api.chat.completions.create(
			{ model: MODEL, messages: ask("hello"), stream: true },
			{ signal: stop.signal });

		for await (const chunk of stream) {
			chunks.push(chunk);
			if (chunk.choices[0].delta.content) stop.abort();
		}
		assert.ok(chunks.length >= 1 && chunks.every((c) => !c.choices[0].finish_reason));
		const events = await api.responses.create({ model: MODEL, input: "x", stream: true });

		for await (const event of events)
			if (event.type === "response.output_text.delta") break;
		await behave(mock);
		assert.equal((await create()).choices[0].finish_reason, "stop");
	});
	await check("faults in mid-stream: error, cut, reset, malformed", async () => {
		const streams = {
			"You": () => create({ stream: true }),
			"response.created": () =>
				api.responses.create({ model: MODEL, input: "hello", stream: true }),
		};

		for (const fault of ["error", "truncate", "reset", "malform"]) {
			/* A reset that follows at once would take back what was sent. */
			await behave(mock, { chunks: 4, chunk: { fault, latency: "100ms" } });
			for (const [first, open] of Object.entries(streams)) {
				let seen = "";
				const error = await rejection((async () => {
					for await (const part of await open()) {
						/* openai 6 gives it as an event, 7 throws it. */
						if (part.type === "error")
							throw new OpenAI.APIError(undefined, part, undefined, undefined);
						seen += part.type ?? part.choices[0].delta.content ?? "";
					}
					if (seen.includes("completed")) return;
					throw new Error("it ended too early");
				})());

				assert.ok(seen.startsWith(first), `${fault}: nothing before it: ${error}`);
				if (fault === "error") {
					assert.ok(error instanceof OpenAI.APIError, `${error}`);
					assert.match(error.message, /chunk fault/);
				}
			}
		}
	});
	await check("a malformed response is an error of its own", async () => {
		await behave(mock, { messages: { fault: "malform" } });
		for (const promise of [create(), api.responses.create({ model: MODEL, input: "x" })])
			assert.equal((await rejection(promise)).status, undefined);
		await behave(mock);
	});
}

async function credentials(OpenAI) {
	await check("credential: Bearer, refused with 401 without", async () => {
		const mock = await startMock({ key: "secret" });
		const api = (apiKey) =>
			new OpenAI({ baseURL: mock.url + "/v1", apiKey, maxRetries: 0 }).models.list();

		try {
			assert.ok((await collect(await api("secret"))).length > 0);
			const error = await rejection(api("wrong"));

			assert.ok(error instanceof OpenAI.AuthenticationError);
			assert.equal(error.code, "invalid_api_key");
			assert.doesNotMatch(error.message, /wrong/);
		} finally {
			await mock.stop();
		}
	});
}

for (const major of [6, 7]) {
	const { default: OpenAI } = await import(`openai-${major}`);
	const zod = await import(`openai-${major}/helpers/zod`);
	const mock = await startMock();
	const api = new OpenAI({ baseURL: mock.url + "/v1", apiKey: "test", maxRetries: 0 });

	client("openai", versionOf(`openai-${major}`));
	await chat(api, mock);
	await structured(api, zod, mock);
	await responses(api, mock);
	await errors(OpenAI, mock);
	await credentials(OpenAI);
	await mock.stop();
}
await finish();
