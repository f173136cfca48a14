/*
 * lib-service - our service for parts that try it: with an agent API that asks for the
 * tool that a test names, and with the MCP servers of the test.
 *
 *   const service = await startService({ mcpServers: { memory: { command: ... } } });
 *   await service.ask("hello");                        a turn without a tool: its reply
 *   await service.ask({ tool: "echo", input: {...} }); a turn that calls one
 *   const stop = await service.stopAndRead();          SIGTERM, its end, its events
 */
import { createServer } from "node:http";
import { join } from "node:path";

import { BIN, startProgram, until } from "./lib.mjs";

const ROOM = { creator: { id: 1, name: "Test" }, room: { id: 1, name: "Test" } };
const BOT = "operations_assistant";

/* One turn of a session: what the user says is the JSON of what the agent is to do. */
class Session {
	constructor(id) {
		this.id = id;
		this.status = "idle";
		this.events = [];
		this.streams = new Set();
	}

	add(type, more = {}) {
		const event = { id: `sevt_${this.events.length + 1}_${this.id}`, type, ...more };
		this.events.push(event);
		if (type === "session.status_running") this.status = "running";
		if (type === "session.status_idle") this.status = "idle";
		for (const stream of this.streams)
			stream.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
		return event;
	}

	idle(stop_reason) {
		this.add("session.status_idle", { stop_reason });
	}

	say(text) {
		this.add("agent.message", { content: [{ type: "text", text }] });
		this.idle({ type: "end_turn" });
	}

	take(event) {
		const mine = this.add(event.type, event);
		const text = event.content?.map((block) => block.text ?? `(${block.type})`).join("");
		if (event.type === "user.message") {
			this.add("session.status_running");
			const wanted = text.startsWith("{") ? JSON.parse(text) : {};
			if (!wanted.tool) return (this.say(`You said: ${text}`), mine);
			const { tool: name, input = {} } = wanted;
			const use = this.add("agent.custom_tool_use", { name, input });
			this.idle({ type: "requires_action", event_ids: [use.id] });
		} else if (event.type === "user.custom_tool_result") {
			this.add("session.status_running");
			this.say(`${event.is_error ? "error: " : ""}${text}`);
		} else if (event.type === "user.interrupt") {
			this.idle({ type: "end_turn" });
		}
		return mine;
	}
}

/* The routes of the agent API that the service uses. */
async function startAgentApi() {
	const api = { declared: [], sessions: [] };
	const server = createServer(async (request, response) => {
		let text = "";
		for await (const piece of request) text += piece;
		const body = text ? JSON.parse(text) : {};
		const [path] = request.url.split("?");
		const [, , kind, id, ...rest] = path.split("/");
		const send = (json, status = 200) =>
			response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
		const declared = body.tools ?? body.agent?.tools;
		if (declared) api.declared = declared.filter((tool) => tool.name);
		if (kind !== "sessions") return send({ id: `${kind}_1`, version: 1 });
		if (!id) {
			api.sessions.push(new Session(`sesn_${api.sessions.length + 1}`));
			return send({ id: api.sessions.at(-1).id, status: "idle" });
		}
		const session = api.sessions.find((one) => one.id === id);
		if (!session) return send({ type: "error", error: { type: "not_found_error", message: id } }, 404);
		if (rest.join("/") === "events/stream") {
			response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
			session.streams.add(response);
			response.on("close", () => session.streams.delete(response));
		} else if (rest[0] === "events" && request.method === "POST") {
			send({ data: body.events.map((event) => ({ id: session.take(event).id })) });
		} else if (rest[0] === "events") {
			send({ data: [...session.events].reverse(), next_page: null });
		} else {
			send({ id, status: session.status });
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	api.url = `http://127.0.0.1:${server.address().port}`;
	api.close = () => (server.closeAllConnections(), server.close());
	return api;
}

/* mcpServers as in MCP_CONFIG; env adds settings, all of which have our defaults. */
export async function startService({ mcpServers, env = {} }) {
	const api = await startAgentApi();
	const service = startProgram(join(BIN, "service"), [], {
		env: {
			PATH: process.env.PATH,
			AGENT_URL: api.url,
			MCP_CONFIG: JSON.stringify({ mcpServers }),
			MCP_START: "session",
			PORT: "0",
			...env,
		},
	});
	const events = (name) =>
		service.stderr
			.split("\n")
			.filter((line) => line.startsWith("{") && line.endsWith("}"))
			.map((line) => JSON.parse(line))
			.filter((event) => !name || event.event === name);
	await until(() => service.ended || events("service.listening").length, "the service listens");
	if (service.ended) throw new Error(`the service ended: ${service.stderr}`);
	const url = `http://127.0.0.1:${events("service.listening")[0].port}/webhook/${BOT}`;
	const ask = async (what) => {
		const content = typeof what === "string" ? what : JSON.stringify(what);
		const answer = await fetch(url, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ ...ROOM, content }),
		});
		const json = await answer.json();
		if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(json)}`);
		return json.reply;
	};
	/* The steps that each server needed, and how it ended: {steps, end, ms}. */
	const endOf = (server) => {
		const mine = events().filter((event) => event.server === server);
		const steps = mine.filter((event) => event.event === "mcp.step");
		const end = mine.find((event) => ["mcp.reaped", "mcp.closed"].includes(event.event));
		const ms = end && steps.length ? (end.ns - steps[0].ns) / 1e6 : null;
		return { steps: steps.map((event) => event.step).join(","), end, ms };
	};
	const stopAndRead = async () => {
		const { code, signal } = await service.stop();
		api.close();
		return { code, signal, complete: events("shutdown.complete")[0] };
	};
	const log = () => service.stdout + service.stderr;
	return { ask, api, events, endOf, log, stopAndRead, pid: service.pid };
}
