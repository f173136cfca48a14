// A chat-bot webhook: one agent, with a process of its own, for each room.
//
// Reads PORT and what the CLI reads: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY. CLAUDE_CLI is
// another CLI than the SDK's own.
import http from 'node:http';
import { query } from '@anthropic-ai/claude-agent-sdk';

const rooms = new Map(); // id -> room

// The messages to one agent, as it takes them.
class Inbox {
	#texts = [];
	#wake = () => {};

	add(text) {
		this.#texts.push(text);
		this.#wake();
	}

	async *[Symbol.asyncIterator]() {
		for (;;) {
			while (this.#texts.length > 0)
				yield { type: 'user', session_id: '', parent_tool_use_id: null,
					message: { role: 'user', content: this.#texts.shift() } };
			await new Promise((wake) => { this.#wake = wake; });
		}
	}
}

// Where the agent API is, for one room: stopbench's mock tells rooms by this path.
function apiOf(id) {
	return process.env.ANTHROPIC_ROOMS
		? `${process.env.ANTHROPIC_BASE_URL}/room/${id}` : process.env.ANTHROPIC_BASE_URL;
}

function openRoom(id) {
	const room = { inbox: new Inbox(), turns: [] };

	room.agent = query({ prompt: room.inbox, options: {
		model: 'claude-sonnet-5',
		systemPrompt: 'You are a bot.',
		tools: [],
		settingSources: [],
		persistSession: false,
		pathToClaudeCodeExecutable: process.env.CLAUDE_CLI,
		env: { ...process.env, ANTHROPIC_BASE_URL: apiOf(id) },
	} });
	readMessages(room).catch((error) => room.turns.splice(0).forEach((turn) => turn.fail(error)));
	return room;
}

async function readMessages(room) {
	for await (const message of room.agent) {
		if (message.type === 'result')
			room.turns.shift()?.end(message.result);
	}
	throw new Error('the agent has ended');
}

// Gives the agent's reply to the text.
function say(room, text) {
	return new Promise((end, fail) => {
		room.turns.push({ end, fail });
		room.inbox.add(text);
	});
}

async function answer(request, response) {
	let body = '';

	if (request.method !== 'POST')
		return response.end('{}');
	for await (const chunk of request)
		body += chunk;
	const message = JSON.parse(body);
	const id = message.room.id;
	if (!rooms.has(id))
		rooms.set(id, openRoom(id));
	response.setHeader('content-type', 'application/json');
	response.end(JSON.stringify({ reply: await say(rooms.get(id), message.content) }));
}

const server = http.createServer((request, response) => answer(request, response)
	.catch((error) => response.writeHead(500).end(error.message)));

// A turn under way is finished first: the CLI goes on with it after its stdin has ended, and
// is killed in the middle of it. All rooms at once.
process.on('SIGTERM', () => {
	server.close(() => rooms.forEach((room) => room.agent.close()));
});

server.listen(process.env.PORT ?? 8000, () => console.log('ready'));
