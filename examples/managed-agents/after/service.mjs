// A chat-bot webhook: one agent session for each room, with an MCP server of its own.
//
// Reads PORT, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY.
import http from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const api = new Anthropic().beta;
const skills = { command: process.execPath, args: [new URL('../skills.mjs', import.meta.url).pathname] };
const tool = { type: 'custom', name: 'weather', description: 'The weather of today',
	input_schema: { type: 'object' } };
const agent = api.agents.create({ name: 'bot', model: 'claude-sonnet-5', tools: [tool] });
const environment = api.environments.create({ name: 'chat' });
const rooms = new Map(); // id -> promise of a room

// The agent session of one room, its event stream, and its MCP server.
async function openRoom(id) {
	const room = { stream: null, mcp: new Client({ name: 'bot', version: '1.0.0' }), turn: null };
	const session = await api.sessions.create({ agent: (await agent).id,
		environment_id: (await environment).id, metadata: { room: String(id) } });

	room.session = session.id;
	[room.stream] = await Promise.all([api.sessions.events.stream(session.id),
		room.mcp.connect(new StdioClientTransport(skills))]);
	readEvents(room);
	return room;
}

async function readEvents(room) {
	for await (const event of room.stream) {
		if (event.type === 'agent.message')
			room.turn.text += event.content.map((part) => part.text).join('');
		else if (event.type === 'agent.custom_tool_use')
			await useTool(room, event);
		else if (event.type === 'session.status_idle' && event.stop_reason.type === 'end_turn')
			room.turn?.end(room.turn.text);
	}
}

async function useTool(room, use) {
	const result = await room.mcp.callTool({ name: use.name, arguments: use.input });

	await api.sessions.events.send(room.session, { events: [{ type: 'user.custom_tool_result',
		custom_tool_use_id: use.id, content: result.content }] });
}

// Gives the agent's reply to the text.
async function say(room, text) {
	const reply = new Promise((end) => { room.turn = { text: '', end }; });

	await api.sessions.events.send(room.session,
		{ events: [{ type: 'user.message', content: [{ type: 'text', text }] }] });
	return reply;
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
	response.end(JSON.stringify({ reply: await say(await rooms.get(id), message.content) }));
}

const server = http.createServer((request, response) => answer(request, response)
	.catch((error) => response.writeHead(500).end(error.message)));

// The API refuses to archive a session that works, or worked a moment ago.
async function closeSession(room) {
	await api.sessions.events.send(room.session, { events: [{ type: 'user.interrupt' }] });
	while ((await api.sessions.retrieve(room.session)).status === 'running')
		await new Promise((next) => setTimeout(next, 50));
	await api.sessions.archive(room.session);
	room.stream.controller.abort();
}

// All rooms at once, and what one of them is slow at holds up no other.
async function closeRooms() {
	await Promise.allSettled([...rooms.values()].map(async (opening) => {
		const room = await opening;

		await Promise.allSettled([closeSession(room), room.mcp.close()]);
	}));
}

process.on('SIGTERM', () => {
	server.close();
	closeRooms();
});

server.listen(process.env.PORT ?? 8000, () => console.log('ready'));
