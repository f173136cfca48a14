/*
 * A service on the Messages API with MCP servers for each room, which are its own children.
 *
 * When it is told to stop it closes their stdin and waits for them; with LADDER it sends
 * SIGTERM, then SIGKILL, to those that do not end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";

const { PORT, LADDER, SDK = "@anthropic-ai/sdk" } = process.env;
const { default: Client } = await import(SDK);
const servers = Object.values(JSON.parse(process.env.MCP_SERVERS).mcpServers);
const children = [];

const hello = {
	jsonrpc: "2.0",
	id: 1,
	method: "initialize",
	params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "rooms", version: "1" } },
};

async function start({ command, args }) {
	const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
	child.stdin.write(JSON.stringify(hello) + "\n");
	await once(child.stdout, "data");
	child.stdout.resume();
	children.push(child);
}

async function answer(room) {
	const client = new Client({ apiKey: "test", baseURL: `${process.env.AGENT_URL}/room/${room}` });
	await Promise.all(servers.map(start));
	const message = await client.messages.create({
		model: "claude-sonnet-5",
		max_tokens: 99,
		messages: [{ role: "user", content: "hello" }],
	});
	return message.content[0].text;
}

async function end(child) {
	const gone = once(child, "exit");
	child.stdin.end();
	if (LADDER) {
		setTimeout(() => child.kill("SIGTERM"), 200);
		setTimeout(() => child.kill("SIGKILL"), 500);
	}
	await gone;
}

const server = http.createServer(async (request, response) => {
	let body = "";
	for await (const part of request) body += part;
	try {
		response.end(await answer(JSON.parse(body).room));
	} catch (error) {
		response.writeHead(500).end(String(error));
	}
});
server.listen(PORT, () => console.log("ready"));

process.on("SIGTERM", async () => {
	server.close();
	server.closeIdleConnections();
	await Promise.all(children.map(end));
	process.exit(0);
});
