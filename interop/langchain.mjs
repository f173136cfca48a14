/*
 * langchain - @langchain/anthropic.
 */
import assert from "node:assert/strict";
import { ChatAnthropic } from "@langchain/anthropic";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { check, client, finish, leavesNothing, startMock, versionOf } from "./lib.mjs";

const mock = await startMock();
const connect = (more = {}) => new ChatAnthropic({
	model: "claude-sonnet-5", anthropicApiUrl: mock.url, apiKey: "test", maxTokens: 1000, ...more,
});
const model = connect();
const lookUp = tool(async ({ word }) => `the meaning of ${word}`, {
	name: "look_up", description: "looks a word up", schema: z.object({ word: z.string() }),
});
const during = async (behavior, fn) => {
	await mock.behave(behavior);
	try {
		return await fn();
	} finally {
		await mock.reset();
	}
};

client("@langchain/anthropic", versionOf("@langchain/anthropic"));
await check("invoke gives a message with its usage", async () => {
	const message = await model.invoke([new SystemMessage("be brief"), new HumanMessage("hello there")]);
	assert.ok(message instanceof AIMessage);
	assert.match(message.text, /hello there/);
	assert.equal(message.response_metadata.stop_reason, "end_turn");
	assert.ok(message.usage_metadata.input_tokens > 0 && message.usage_metadata.output_tokens > 0);
});
await check("stream gives it in pieces", () =>
	during({ chunks: 5 }, async () => {
		let whole, count = 0;
		for await (const piece of await model.stream("hello there")) {
			whole = whole ? whole.concat(piece) : piece;
			if (piece.text) count++;
		}
		assert.ok(count >= 5);
		assert.match(whole.text, /hello there/);
		assert.ok(whole.usage_metadata.output_tokens > 0);
	}));
await check("a bound tool is called, whole and streamed, and answered", () =>
	during({ tools: 1 }, async () => {
		const bound = model.bindTools([lookUp]);
		const call = await bound.invoke("look it up");
		assert.equal(call.tool_calls[0].name, "look_up");
		const result = await lookUp.invoke(call.tool_calls[0]);
		assert.ok(result instanceof ToolMessage);
		const answer = await bound.invoke([new HumanMessage("look it up"), call, result]);
		assert.equal(answer.tool_calls.length, 0);
		assert.ok(answer.text.length > 0);
		let whole;
		for await (const piece of await bound.stream("look it up")) whole = whole ? whole.concat(piece) : piece;
		assert.equal(typeof whole.tool_calls[0].args.word, "string");
	}));
await check("structured output fits its schema, by a tool and by a format", async () => {
	const schema = z.object({ city: z.string(), inhabitants: z.number() });
	for (const method of ["functionCalling", "jsonSchema"]) {
		const object = await model.withStructuredOutput(schema, { name: "city", method }).invoke("a city");
		assert.ok(schema.safeParse(object).success, `${method}: ${JSON.stringify(object)}`);
	}
});
await check("a batch is answered in order", async () => {
	const answers = await model.batch(Array.from({ length: 8 }, (_, i) => `number ${i}.`));
	answers.forEach((answer, i) => assert.ok(answer.text.includes(`number ${i}.`)));
});
await check("a stream that is aborted ends, and its connection with it", () =>
	leavesNothing({ chunks: 5, chunk: { latency: "60s" } }, async ({ url }) => {
		const abort = new AbortController();
		const other = connect({ anthropicApiUrl: url });
		await assert.rejects(async () => {
			for await (const piece of await other.stream("hello", { signal: abort.signal })) if (piece.text) abort.abort();
		}, /[Aa]bort/);
	}));
await check("an error is told, and an overload retried", async () => {
	await during({ messages: { fault: "error", status: 401 } }, async () => {
		await assert.rejects(connect({ maxRetries: 0 }).invoke("hello"), { status: 401 });
	});
	await during({ messages: { fault: "error", status: 529, times: 1 } }, async () => {
		assert.match((await model.invoke("hello there")).text, /hello there/);
	});
});
await finish();
