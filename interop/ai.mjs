/*
 * ai - Vercel's ai, versions 6 and 7, with @ai-sdk/anthropic.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { check, client, finish, leavesNothing, startMock, versionOf } from "./lib.mjs";

const MODEL = "claude-sonnet-5";

async function suite({ ai, connect, model, during }) {
	const { generateText, streamText, generateObject, streamObject, tool, stepCountIs, isStepCount } = ai;
	const upTo = stepCountIs ?? isStepCount;
	const lookUp = (words) => tool({
		description: "looks a word up",
		inputSchema: z.object({ word: z.string() }),
		execute: async ({ word }) => (words.push(word), "the meaning"),
	});
	await check("generateText gives text, its end and its usage", async () => {
		const { text, finishReason, usage, response } = await generateText({ model, prompt: "hello there" });
		assert.match(text, /hello there/);
		assert.equal(finishReason, "stop");
		assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
		assert.match(response.id, /^msg_/);
		assert.equal(response.modelId, MODEL);
	});
	await check("streamText gives its text in pieces", () =>
		during({ chunks: 5 }, async () => {
			const result = streamText({ model, prompt: "hello there" });
			const pieces = [];
			for await (const piece of result.textStream) pieces.push(piece);
			assert.ok(pieces.length > 1);
			assert.match(pieces.join(""), /hello there/);
			assert.equal(await result.finishReason, "stop");
			assert.ok((await result.usage).outputTokens > 0);
		}));
	await check("a tool is called, and the next step has the answer", () =>
		during({ tools: 1 }, async () => {
			const words = [];
			const { steps, text, finishReason } = await generateText({
				model, prompt: "look it up", tools: { look_up: lookUp(words) }, stopWhen: upTo(5),
			});
			assert.equal(words.length, 1);
			assert.equal(typeof words[0], "string");
			assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
			assert.ok(text.length > 0);
			assert.equal(finishReason, "stop");
		}));
	await check("three calls in a row, streamed", () =>
		during({ tools: 3 }, async () => {
			const words = [];
			const result = streamText({
				model, prompt: "look it up", tools: { look_up: lookUp(words) }, stopWhen: upTo(9),
			});
			await result.consumeStream();
			assert.equal(words.length, 3);
			assert.equal((await result.steps).length, 4);
		}));
	await check("generateObject and streamObject give an object of the schema", async () => {
		const schema = z.object({ city: z.string(), inhabitants: z.number(), tags: z.array(z.string()) });
		const { object } = await generateObject({ model, schema, prompt: "a city" });
		assert.ok(schema.safeParse(object).success);
		const streamed = streamObject({ model, schema, prompt: "a city" });
		for await (const part of streamed.partialObjectStream) assert.equal(typeof part, "object");
		assert.ok(schema.safeParse(await streamed.object).success);
	});
	await check("a choice of a tool is kept to", async () => {
		const { toolCalls } = await generateText({
			model, prompt: "look it up", tools: { look_up: lookUp([]) }, toolChoice: { type: "tool", toolName: "look_up" },
		});
		assert.deepEqual(toolCalls.map((call) => call.toolName), ["look_up"]);
	});
	await check("a stream that is aborted ends, and its connection with it", () =>
		leavesNothing({ chunks: 5, chunk: { latency: "60s" } }, async ({ url }) => {
			const abort = new AbortController();
			const result = streamText({ model: connect(url), prompt: "hello", abortSignal: abort.signal, onError: () => {} });
			const types = [];
			await (async () => {
				for await (const part of result.fullStream) {
					types.push(part.type);
					if (part.type === "text-delta") abort.abort();
				}
			})().catch((error) => types.push(error.name));
			assert.ok(types.includes("text-delta") && (types.includes("abort") || types.includes("AbortError")), types.join());
		}));
	await check("errors are told with their status and type", async () => {
		for (const [status, type] of [[400, "invalid_request_error"], [401, "authentication_error"], [529, "overloaded_error"]])
			await during({ messages: { fault: "error", status } }, async () => {
				const error = await generateText({ model, prompt: "hello", maxRetries: 0 }).then(() => null, (e) => e);
				assert.equal(error.statusCode, status);
				assert.equal(error.data.error.type, type);
			});
		await during({ chunks: 3, chunk: { fault: "error", status: 529 } }, async () => {
			const result = streamText({ model, prompt: "hello", maxRetries: 0, onError: () => {} });
			const errors = [];
			for await (const part of result.fullStream) if (part.type === "error") errors.push(part.error);
			assert.equal(errors.length, 1);
			assert.match(JSON.stringify(errors[0]) + String(errors[0]?.message), /overloaded/i);
		});
	});
	await check("an overload is retried after the time that it names", () =>
		during({ messages: { fault: "error", status: 529, times: 1, retry_after: "1s" } }, async () => {
			const begin = performance.now();
			const { text } = await generateText({ model, prompt: "hello there" });
			assert.match(text, /hello there/);
			assert.ok(performance.now() - begin >= 900);
		}));
}

for (const [name, provider] of [["ai-6", "ai-sdk-anthropic-3"], ["ai-7", "ai-sdk-anthropic-4"]]) {
	const ai = await import(name);
	const { createAnthropic } = await import(provider);
	const mock = await startMock();
	const connect = (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: "test" })(MODEL);
	const model = connect(mock.url);
	const during = async (behavior, fn) => {
		await mock.behave(behavior);
		try {
			return await fn();
		} finally {
			await mock.reset();
		}
	};
	globalThis.AI_SDK_LOG_WARNINGS = false;
	client(`ai (@ai-sdk/anthropic ${versionOf(provider)})`, versionOf(name));
	await suite({ ai, connect, model, during });
	await mock.stop();
}
await finish();
