/*
 * A service that has a session of Managed Agents for each room, and holds its stream.
 *
 * STOP is how it ends them when it is told to stop: parallel, sequential, never (and waits
 * for their streams), exit (and exits), lie (the same, and prints that it has).
 */
import http from "node:http";

const { PORT, STOP = "parallel", SDK = "@anthropic-ai/sdk" } = process.env;
const { default: Client } = await import(SDK);
const client = new Client({ apiKey: "test", baseURL: process.env.AGENT_URL });
const agent = await client.beta.agents.create({ name: "a", model: "claude-sonnet-5" });
const environment = await client.beta.environments.create({ name: "e" });
const rooms = new Map();

async function follow(session) {
	const stream = await client.beta.sessions.events.stream(session.id);
	(async () => {
		for await (const event of stream) session.last = event.type;
	})().catch(() => {});
}

async function open(room) {
	const session = await client.beta.sessions.create({
		agent: agent.id,
		environment_id: environment.id,
		metadata: { room },
	});
	await follow(session);
	rooms.set(room, session);
}

const server = http.createServer(async (request, response) => {
	let body = "";
	for await (const part of request) body += part;
	try {
		await open(JSON.parse(body).room);
		response.end("ok");
	} catch (error) {
		response.writeHead(500).end(String(error));
	}
});
server.listen(PORT, () => console.log("ready"));

const say = (event, more) => console.error(JSON.stringify({ event, ...more }));

function lie() {
	say("shutdown.begin", { disconnect: "parallel", grace_ns: 2e9 });
	for (const room of rooms.keys()) say("session.disconnected", { room, how: "keep" });
	say("shutdown.complete", { exit_code: 0 });
}

process.on("SIGTERM", async () => {
	const archive = ({ id }) => client.beta.sessions.archive(id);

	server.close();
	server.closeIdleConnections();
	if (STOP === "never") return;
	if (STOP === "parallel") await Promise.all([...rooms.values()].map(archive));
	if (STOP === "sequential") for (const session of rooms.values()) await archive(session);
	if (STOP === "lie") lie();
	process.exit(0);
});
