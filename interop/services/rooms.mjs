/*
 * A service that holds a conversation for each room: a webhook asks the model, and is
 * answered when the model is.
 *
 * STOP is what it does when it is told to stop:
 *
 *   drain    no new webhook, and those in hand are answered
 *   abort    the streams are aborted, and their webhooks answered as if nothing were
 *   exit     nothing: it exits
 */
import http from "node:http";

const { PORT, STOP = "drain", NAMED = "path", SDK = "@anthropic-ai/sdk", API = "messages" } = process.env;
const base = process.env.AGENT_URL;
const { default: Client } = await import(SDK);
const rooms = new Map();
const streams = new Set();

function options(name) {
	const url = NAMED === "path" ? `${base}/room/${name}` : base;
	return {
		apiKey: "test",
		baseURL: API === "messages" ? url : `${url}/v1`,
		defaultHeaders: NAMED === "header" ? { "x-session": name } : {},
	};
}

function roomOf(name) {
	if (!rooms.has(name)) rooms.set(name, { messages: [], client: new Client(options(name)) });
	return rooms.get(name);
}

async function streamOf(room, name, messages) {
	if (API === "messages")
		return room.client.messages.stream({
			model: "claude-sonnet-5",
			max_tokens: 1024,
			messages,
			...(NAMED === "user" && { metadata: { user_id: `ann+${name}@example.org` } }),
		});
	return room.client.chat.completions.stream({
		model: "gpt-5",
		messages,
		...(NAMED === "user" && { user: `ann+${name}@example.org` }),
	});
}

const textOf = async (stream) =>
	API === "messages"
		? (await stream.finalMessage()).content[0].text
		: (await stream.finalChatCompletion()).choices[0].message.content;

async function answer(name, content) {
	const room = roomOf(name);
	const messages = [...room.messages, { role: "user", content }];
	const stream = await streamOf(room, name, messages);
	streams.add(stream);
	try {
		const text = await textOf(stream);
		room.messages = [...messages, { role: "assistant", content: text }];
		return text;
	} finally {
		streams.delete(stream);
	}
}

const server = http.createServer(async (request, response) => {
	let body = "";
	for await (const part of request) body += part;
	try {
		const { room, content } = JSON.parse(body);
		response.end(await answer(room, content));
	} catch (error) {
		if (STOP === "abort") response.end("interrupted");
		else response.writeHead(500).end(String(error));
	}
});
server.listen(PORT, () => console.log("ready"));

process.on("SIGTERM", () => {
	if (STOP === "exit") process.exit(0);
	if (STOP === "abort") for (const stream of streams) stream.abort();
	server.close(() => process.exit(0));
	server.closeIdleConnections();
});
