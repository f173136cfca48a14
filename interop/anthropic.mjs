/*
 * anthropic - @anthropic-ai/sdk, both generations: what a service on the Messages API or on
 * Managed Agents does, from the first request to the end of a session.
 */
import { BIN, check, client, finish, startMock, versionOf } from "./lib.mjs";
import assert from "node:assert/strict";

for (const name of ["@anthropic-ai/sdk", "anthropic-sdk-0"]) {
	const { default: Anthropic } = await import(name);
	const mock = await startMock();
	const api = new Anthropic({ baseURL: mock.url, apiKey: "test" });

	client("@anthropic-ai/sdk: core", versionOf(name));
	await check("a message is answered", async () => {
		const message = await api.messages.create({
			model: "claude-sonnet-5",
			max_tokens: 100,
			messages: [{ role: "user", content: "hello" }],
		});
		assert.equal(message.stop_reason, "end_turn");
		assert.match(message.content[0].text, /hello/);
	});
	await mock.stop();
}
await finish();
