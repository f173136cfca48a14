/*
 * openai-frameworks - who speaks OpenAI's API without its own client: Vercel's ai, 6 and
 * 7, and langchain, by chat completions and by responses each.
 */
import assert from "node:assert/strict";
import { ChatOpenAI } from "@langchain/openai";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { z } from "zod";
import { check, client, finish, startMock, until, versionOf } from "./lib.mjs";

const MODEL = "gpt-4.1";
const City = z.object({ city: z.string(), inhabitants: z.number(), tags: z.array(z.string()) });

function during(mock) {
	return async (behavior, fn) => {
		await mock.behave(behavior);
		try {
			return await fn();
		} finally {
			await mock.reset();
		}
	};
}

async function trySdk({ ai, mock, model, api }) {
	const { generateText, streamText, generateObject, streamObject, tool } = ai;
	const upTo = ai.stepCountIs ?? ai.isStepCount;
	const behaving = during(mock);
	const lookUp = (words) => tool({
		description: "looks a word up",
		inputSchema: z.object({ word: z.string() }),
		execute: async ({ word }) => (words.push(word), "the meaning"),
	});

	await check(`${api}: generateText gives text, its end and its usage`, async () => {
		const { text, finishReason, usage, response } =
			await generateText({ model, system: "be brief", prompt: "hello there" });

		assert.equal(text, "You said: hello there");
		assert.equal(finishReason, "stop");
		assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
		assert.equal(response.modelId, MODEL);
	});
	await check(`${api}: streamText gives its text in pieces`, () =>
		behaving({ chunks: 5 }, async () => {
			const result = streamText({ model, prompt: "hello there" });
			const pieces = [];

			for await (const piece of result.textStream) pieces.push(piece);
			assert.equal(pieces.length, 5);
			assert.equal(pieces.join(""), "You said: hello there");
			assert.equal(await result.finishReason, "stop");
			assert.ok((await result.usage).outputTokens > 0);
		}));
	for (const [name, calls] of [["a tool is called", 1], ["three calls in a row", 3]])
		await check(`${api}: ${name}, whole and streamed`, () =>
			behaving({ tools: calls }, async () => {
				const words = [];
				const settings = {
					model,
					prompt: "look it up",
					tools: { look_up: lookUp(words) },
					stopWhen: upTo(9),
				};
				const expected =
					"You said: look it up" + "\nlook_up answered: the meaning".repeat(calls);
				const whole = await generateText(settings);

				assert.equal(whole.text, expected);
				assert.equal(whole.steps.length, calls + 1);
				assert.equal(whole.steps[0].finishReason, "tool-calls");
				const streamed = streamText(settings);

				assert.equal((await streamed.steps).length, calls + 1);
				assert.equal(await streamed.text, expected);
				assert.deepEqual(words, Array(2 * calls).fill("look it up"));
			}));
	await check(`${api}: an object of a schema, whole and streamed`, async () => {
		const { object } = await generateObject({ model, schema: City, prompt: "a city" });

		City.parse(object);
		const streamed = streamObject({ model, schema: City, prompt: "a city" });

		for await (const part of streamed.partialObjectStream)
			assert.equal(typeof part, "object");
		City.parse(await streamed.object);
	});
	await check(`${api}: a choice of a tool is kept to`, async () => {
		const { toolCalls } = await generateText({
			model,
			prompt: "look it up",
			tools: { look_up: lookUp([]) },
			toolChoice: { type: "tool", toolName: "look_up" },
		});

		assert.deepEqual(toolCalls.map((call) => call.toolName), ["look_up"]);
	});
	await check(`${api}: a limit ends the text`, async () => {
		const { finishReason } = await generateText({
			model, prompt: "a long question ".repeat(20), maxOutputTokens: 16,
		});

		assert.equal(finishReason, "length");
	});
	await check(`${api}: a stream that is aborted ends, and its connection with it`, () =>
		behaving({ chunks: 5, chunk: { latency: "60s" } }, async () => {
			const before = mock.descriptors();
			const abort = new AbortController();
			const result = streamText({
				model, prompt: "hello", abortSignal: abort.signal, onError: () => {},
			});
			const types = [];

			try {
				for await (const part of result.fullStream) {
					types.push(part.type);
					if (part.type === "text-delta") abort.abort();
				}
			} catch (error) {
				types.push(error.name);
			}
			assert.ok(types.includes("text-delta"), types.join());
			assert.ok(types.includes("abort") || types.includes("AbortError"), types.join());
			await until(() => mock.descriptors() <= before, "the connection is closed");
		}));
	await check(`${api}: errors are told, before the answer and in the middle of it`, async () => {
		const codes = { 401: "invalid_api_key", 429: "rate_limit_exceeded", 500: "server_error" };

		for (const [status, code] of Object.entries(codes))
			await behaving({ messages: { fault: "error", status: Number(status) } }, async () => {
				const error = await generateText({ model, prompt: "x", maxRetries: 0 })
					.then(() => null, (refusal) => refusal);

				assert.equal(error.statusCode, Number(status));
				assert.equal(error.data.error.code, code);
			});
		await behaving({ chunks: 3, chunk: { fault: "error", status: 503 } }, async () => {
			const result = streamText({ model, prompt: "x", maxRetries: 0, onError: () => {} });
			const errors = [];

			for await (const part of result.fullStream)
				if (part.type === "error") errors.push(part.error);
			assert.equal(errors.length, 1);
			assert.match(JSON.stringify(errors[0]) + errors[0]?.message, /chunk fault/);
		});
	});
	await check(`${api}: a rate limit is retried after the time that it names`, () =>
		behaving(
			{ messages: { fault: "error", status: 429, times: 1, retry_after: "1s" } },
			async () => {
				const begin = performance.now();

				assert.equal((await generateText({ model, prompt: "x" })).text, "You said: x");
				assert.ok(performance.now() - begin >= 900);
			}));
}

async function tryLangchain(mock, useResponsesApi) {
	const api = useResponsesApi ? "responses" : "chat";
	const behaving = during(mock);
	const connect = (more) => new ChatOpenAI({
		model: MODEL,
		apiKey: "test",
		configuration: { baseURL: `${mock.url}/v1` },
		useResponsesApi,
		...more,
	});
	const model = connect();
	const lookUp = langchainTool(async ({ word }) => `the meaning of ${word}`, {
		name: "look_up",
		description: "looks a word up",
		schema: z.object({ word: z.string() }),
	});
	const whole = async (stream) => {
		let sum;

		for await (const piece of await stream) sum = sum ? sum.concat(piece) : piece;
		return sum;
	};

	await check(`${api}: invoke gives a message with its usage`, async () => {
		const message =
			await model.invoke([new SystemMessage("be brief"), new HumanMessage("hello")]);

		assert.equal(message.text, "You said: hello");
		assert.ok(message.usage_metadata.total_tokens > 1);
	});
	await check(`${api}: stream gives it in pieces, with its usage`, () =>
		behaving({ chunks: 5 }, async () => {
			const message = await whole(model.stream("hello there"));

			assert.equal(message.text, "You said: hello there");
			assert.ok(message.usage_metadata.output_tokens > 0);
		}));
	await check(`${api}: a bound tool is called, whole and streamed, and answered`, () =>
		behaving({ tools: 1 }, async () => {
			const bound = model.bindTools([lookUp]);
			const asked = new HumanMessage("look it up");

			for (const call of [await bound.invoke([asked]), await whole(bound.stream([asked]))]) {
				assert.deepEqual(call.tool_calls[0].args, { word: "look it up" });
				const result = await lookUp.invoke(call.tool_calls[0]);
				const answer = await bound.invoke([asked, call, result]);

				assert.equal(answer.text, "You said: look it up\n" +
					"look_up answered: the meaning of look it up");
			}
		}));
	await check(`${api}: structured output fits its schema, by a tool and by a format`, async () => {
		for (const method of ["functionCalling", "jsonSchema"])
			City.parse(await model
				.withStructuredOutput(City, { name: "city", method })
				.invoke("a city"));
	});
	await check(`${api}: a batch is answered in order`, async () => {
		const answers =
			await model.batch(Array.from({ length: 8 }, (_, i) => `number ${i}`));

		answers.forEach((answer, i) => assert.equal(answer.text, `You said: number ${i}`));
	});
	await check(`${api}: a stream that is aborted ends, and its connection with it`, () =>
		behaving({ chunks: 5, chunk: { latency: "60s" } }, async () => {
			const before = mock.descriptors();
			const abort = new AbortController();

			await assert.rejects(async () => {
				for await (const piece of await model.stream("x", { signal: abort.signal }))
					if (piece.text) abort.abort();
			}, /[Aa]bort/);
			await until(() => mock.descriptors() <= before, "the connection is closed");
		}));
	await check(`${api}: an error is told, and an overload retried`, async () => {
		await behaving({ messages: { fault: "error", status: 401 } }, () =>
			assert.rejects(connect({ maxRetries: 0 }).invoke("x"), { status: 401 }));
		await behaving({ messages: { fault: "error", status: 503, times: 1 } }, async () =>
			assert.equal((await model.invoke("x")).text, "You said: x"));
	});
}

globalThis.AI_SDK_LOG_WARNINGS = false;
for (const [name, provider] of [["ai-6", "ai-sdk-openai-3"], ["ai-7", "ai-sdk-openai-4"]]) {
	const ai = await import(name);
	const { createOpenAI } = await import(provider);
	const mock = await startMock();
	const openai = createOpenAI({ baseURL: `${mock.url}/v1`, apiKey: "test" });

	client(`ai (@ai-sdk/openai ${versionOf(provider)})`, versionOf(name));
	await trySdk({ ai, mock, model: openai.chat(MODEL), api: "chat" });
	await trySdk({ ai, mock, model: openai.responses(MODEL), api: "responses" });
	await mock.stop();
}
client("@langchain/openai", versionOf("@langchain/openai"));
const mock = await startMock();

await tryLangchain(mock, false);
await tryLangchain(mock, true);
await mock.stop();
await finish();
