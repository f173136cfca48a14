/*
 * lib-anthropic - what the parts on Anthropic's API share: a client beside a mock, a request
 * of Messages; an agent with an environment, a session, and a stream that is read beside it.
 */
import { startMock, until } from "./lib.mjs";

/* The two generations, by the names that package.json gives them. */
export const SDKS = ["@anthropic-ai/sdk", "anthropic-sdk-0"];

export const MODEL = "claude-sonnet-5";

export const tool = {
	name: "look_up",
	description: "looks a word up",
	input_schema: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
};

/* A request of Messages. */
export const ask = (more = {}) => ({
	model: MODEL, max_tokens: 1000, messages: [{ role: "user", content: "hello there" }], ...more,
});

export const textOf = (message) =>
	message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

/*
 * What a suite works with:
 *
 *   sdk, helpers    the SDK's module, and the path of its helpers
 *   mock            of lib.mjs
 *   api, once       clients that retry, and that do not; connect() makes others
 *   attempts        the HTTP requests since the last with()
 *   with(b, fn)     fn while the mock behaves so
 */
export async function makeWorld(name) {
	const sdk = await import(name);
	const mock = await startMock();
	const world = { sdk, mock, attempts: 0, helpers: `${name}/helpers` };
	const counting = (...args) => {
		world.attempts++;
		return fetch(...args);
	};
	world.connect = (more = {}) => new sdk.default({ baseURL: mock.url, apiKey: "test", fetch: counting, ...more });
	world.api = world.connect();
	world.once = world.connect({ maxRetries: 0 });
	world.with = async (behavior, fn) => {
		await mock.behave(behavior);
		world.attempts = 0;
		try {
			return await fn();
		} finally {
			await mock.reset();
		}
	};
	return world;
}

export const customTool = {
	type: "custom",
	name: "look_up",
	description: "looks a word up",
	input_schema: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
};

export const userMessage = (text) => ({ type: "user.message", content: [{ type: "text", text }] });

export async function makeAgent(api, more = {}) {
	return api.beta.agents.create({ name: "an agent", model: MODEL, ...more });
}

export async function makeEnvironment(api, more = {}) {
	return api.beta.environments.create({ name: "an environment", ...more });
}

export async function makeSession(api, { agent = {}, ...more } = {}) {
	const made = await makeAgent(api, agent);
	const environment = await makeEnvironment(api);
	return api.beta.sessions.create({ agent: made.id, environment_id: environment.id, ...more });
}

/*
 * Opens a session's stream (or a thread's) and collects its events:
 *
 *   seen           the events so far
 *   types()        their types
 *   wait(type, n)  the n-th event of a type, when it is there
 *   close()        leaves the stream
 *   end            settles when the stream has ended: true, or the error
 */
export async function watch(api, session, { params, thread } = {}) {
	const open = thread
		? api.beta.sessions.threads.events.stream(thread, { session_id: session.id })
		: api.beta.sessions.events.stream(session.id, params);
	const stream = await open;
	const watched = { seen: [], ended: false, stream };
	watched.end = (async () => {
		try {
			for await (const event of stream) watched.seen.push(event);
			return (watched.ended = true);
		} catch (error) {
			return (watched.ended = error);
		}
	})();
	watched.types = () => watched.seen.map((event) => event.type);
	watched.wait = (type, n = 1) =>
		until(() => watched.seen.filter((event) => event.type === type)[n - 1],
			`event ${n} of ${type}, after ${watched.types()}`);
	watched.close = async () => {
		stream.controller.abort();
		await watched.end;
	};
	return watched;
}

export const send = (api, session, ...events) => api.beta.sessions.events.send(session.id, { events });

/* A whole turn. Gives its events. */
export async function turn(api, session, text = "hello", params) {
	const watched = await watch(api, session, { params });
	try {
		await send(api, session, userMessage(text));
		await watched.wait("session.status_idle");
		return watched.seen;
	} finally {
		await watched.close();
	}
}

/* Until its stored status is `status`. Gives the session. */
export function settled(api, session, status = "idle") {
	return until(async () => {
		const now = await api.beta.sessions.retrieve(session.id);
		return now.status === status && now;
	}, `session ${session.id} is ${status}`);
}

/* Every item of a list, over all of its pages. */
export async function all(list) {
	const items = [];
	for await (const item of list) items.push(item);
	return items;
}
