/*
 * openai-types - do the mock's answers fit the types that openai declares?
 *
 * The declarations (.d.ts) become JSON schemas, and each kind of answer is validated
 * against its own: members that are required must be there, and null only where a type
 * has it. output_text is the client's own addition.
 * bound: 400 s
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import tsj from "ts-json-schema-generator";
import { check, client, finish, startMock, until, versionOf } from "./lib.mjs";

const MODEL = "gpt-5.1";
const CHUNK = "OpenAI.ChatCompletionChunk";
const RESPONSES = "OpenAI.Responses.Response";

/* The kinds: a name, its type. */
const KINDS = [
	["chat: a text", "OpenAI.ChatCompletion"],
	["chat: a call", "OpenAI.ChatCompletion"],
	["chat: a text that was cut", "OpenAI.ChatCompletion"],
	["chat: the first chunk", CHUNK],
	["chat: a chunk of text", CHUNK],
	["chat: a chunk that begins a call", CHUNK],
	["chat: a chunk of a call's arguments", CHUNK],
	["chat: the last chunk", CHUNK],
	["chat: the chunk with the usage", CHUNK],
	["a model", "OpenAI.Model"],
	["an error", "OpenAI.ErrorObject"],
	["a response with a text", RESPONSES],
	["a response with a call", RESPONSES],
	["a response that was cut", RESPONSES],
	["a response that is queued", RESPONSES],
	["a response in progress", RESPONSES],
	["a response that failed", RESPONSES],
	["a response that was cancelled", RESPONSES],
	["an item of the input", `${RESPONSES}Item`],
	["a count of tokens", "OpenAI.Responses.InputTokenCountResponse"],
	["response.created", `${RESPONSES}CreatedEvent`],
	["response.in_progress", `${RESPONSES}InProgressEvent`],
	["response.output_item.added", `${RESPONSES}OutputItemAddedEvent`],
	["response.content_part.added", `${RESPONSES}ContentPartAddedEvent`],
	["response.output_text.delta", `${RESPONSES}TextDeltaEvent`],
	["response.output_text.done", `${RESPONSES}TextDoneEvent`],
	["response.content_part.done", `${RESPONSES}ContentPartDoneEvent`],
	["response.output_item.done", `${RESPONSES}OutputItemDoneEvent`],
	["response.function_call_arguments.delta", `${RESPONSES}FunctionCallArgumentsDeltaEvent`],
	["response.function_call_arguments.done", `${RESPONSES}FunctionCallArgumentsDoneEvent`],
	["response.completed", `${RESPONSES}CompletedEvent`],
	["response.incomplete", `${RESPONSES}IncompleteEvent`],
	["error in a stream", `${RESPONSES}ErrorEvent`],
];

/* Gives fits(index, value), which throws if a value does not fit the type of that kind. */
function compile(name) {
	const file = join(process.cwd(), `openai-kinds-${versionOf(name)}.ts`);
	const config = join(process.cwd(), "openai-tsconfig.json");
	const options = {
		strict: true, module: "esnext", moduleResolution: "bundler", target: "es2022", types: [],
	};

	writeFileSync(config, JSON.stringify({ compilerOptions: options, include: [file] }));
	writeFileSync(file, `import type OpenAI from "${name}";\n` +
		`import type { InputTokenCountResponse } from "${name}/resources/responses/input-tokens";\n` +
		"export interface Kinds {\n" + KINDS.map(([, type], i) =>
			`\tkind_${i}: ${type.replace(/.*\.(InputTokenCount)/, "$1")};\n`).join("") + "}\n");
	const schema = tsj.createGenerator({
		path: file, tsconfig: config, type: "Kinds", skipTypeCheck: true,
		additionalProperties: true,
	}).createSchema("Kinds");
	const ajv = new Ajv({ strict: false, allErrors: true });

	ajv.addSchema(schema, "kinds");
	return (i, value) => {
		const ref = `kinds#/definitions/Kinds/properties/kind_${i}`;
		const validate = ajv.compile({ $ref: ref });

		assert.ok(validate(value), [...new Set((validate.errors ?? [])
			.map((error) => `${error.instancePath || "it"} ${error.message}`))]
			.slice(0, 6).join("; "));
	};
}

const tool = {
	name: "look_up",
	parameters: {
		type: "object",
		properties: { word: { type: "string" } },
		required: ["word"],
		additionalProperties: false,
	},
	strict: true,
};

async function collectChat({ api, during }) {
	const answers = {};
	const ask = (more) => ({
		model: MODEL, messages: [{ role: "user", content: "a question ".repeat(9) }], ...more,
	});
	const tools = [{ type: "function", function: tool }];
	const create = (more) => api.chat.completions.create(ask(more));

	answers["chat: a text"] = await create();
	answers["chat: a text that was cut"] = await create({ max_completion_tokens: 1 });
	for await (const chunk of await create({
		stream: true, stream_options: { include_usage: true },
	})) {
		const [choice] = chunk.choices;

		if (!choice) answers["chat: the chunk with the usage"] = chunk;
		else if (choice.finish_reason) answers["chat: the last chunk"] = chunk;
		else if (choice.delta.role) answers["chat: the first chunk"] = chunk;
		else answers["chat: a chunk of text"] = chunk;
	}
	await during({ tools: 1 }, async () => {
		answers["chat: a call"] = await create({ tools });
		for await (const { choices: [choice], ...chunk } of await create({ tools, stream: true })) {
			const [call] = choice.delta.tool_calls ?? [];

			if (call)
				answers[call.id ? "chat: a chunk that begins a call"
					: "chat: a chunk of a call's arguments"] = { ...chunk, choices: [choice] };
		}
	});
	return answers;
}

async function collectResponses({ api, during }) {
	const answers = {};
	const create = (more) =>
		api.responses.create({ model: MODEL, input: "a question ".repeat(9), ...more });
	const tools = [{ type: "function", ...tool }];
	const stream = async (more) => {
		for await (const event of await create({ ...more, stream: true })) {
			if (event.response) event.response.output_text ??= "";
			answers[event.type === "error" ? "error in a stream" : event.type] ??= event;
		}
	};
	const over = async (response) => {
		let now;

		await until(async () => {
			now = await api.responses.retrieve(response.id);
			return !["queued", "in_progress"].includes(now.status);
		}, "it is over");
		return now;
	};

	answers["a response with a text"] = await create({ metadata: { room: "7" } });
	answers["a response that was cut"] = await create({ max_output_tokens: 16 });
	await stream();
	await stream({ max_output_tokens: 16 });
	for await (const item of api.responses.inputItems.list(
		answers["a response with a text"].id))
		answers["an item of the input"] = item;
	answers["a count of tokens"] =
		await api.responses.inputTokens.count({ model: MODEL, input: "hello" });
	await during({ tools: 1 }, async () => {
		answers["a response with a call"] = await create({ tools });
		await stream({ tools });
	});
	await during({ first_byte: { fault: "hang" } }, async () => {
		const queued = await create({ background: true });

		answers["a response that is queued"] = queued;
		answers["a response in progress"] = await api.responses.retrieve(queued.id);
		answers["a response that was cancelled"] =
			{ output_text: "", ...await api.responses.cancel(queued.id) };
	});
	await during({ first_byte: { fault: "error" } }, async () => {
		answers["a response that failed"] = await over(await create({ background: true }));
	});
	await during({ chunks: 2, chunk: { fault: "error" } }, () =>
		/* openai 7 throws the event. */
		stream().catch((error) => (answers["error in a stream"] = { ...error.error })));
	return answers;
}

async function collectOthers({ api }) {
	const refused = await api.chat.completions.create({ model: MODEL, messages: [] })
		.catch((error) => error);

	return { "a model": await api.models.retrieve(MODEL), "an error": refused.error };
}

for (const name of ["openai-6", "openai-7"]) {
	const { default: OpenAI } = await import(name);
	const mock = await startMock();
	const api = new OpenAI({ baseURL: `${mock.url}/v1`, apiKey: "test", maxRetries: 0 });
	const during = async (behavior, fn) => {
		await mock.behave(behavior);
		try {
			return await fn();
		} finally {
			await mock.reset();
		}
	};
	const world = { api, during };
	const fits = compile(name);

	client("openai, its types", versionOf(name));
	const answers = {
		...await collectChat(world), ...await collectResponses(world),
		...await collectOthers(world),
	};

	for (const [i, [kind]] of KINDS.entries())
		await check(kind, () => {
			assert.ok(answers[kind], "the mock gave none");
			fits(i, answers[kind]);
			assert.throws(() => fits(i, {}), "its schema accepts anything");
		});
	await mock.stop();
}
await finish();
