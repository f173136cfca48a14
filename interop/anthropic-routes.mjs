/*
 * anthropic-routes - every route of Managed Agents that the SDK has a method for:
 * environments, agents, sessions, events, threads and resources.
 */
import assert from "node:assert/strict";
import { check, client, finish, versionOf } from "./lib.mjs";
import {
	SDKS, all, makeAgent, makeEnvironment, makeSession, makeWorld, send, turn, userMessage, watch,
} from "./lib-anthropic.mjs";

const FILE = { type: "file", file_id: "file_011CNha8iCJcU1wXNR6q4V8w" };
const REPOSITORY = { type: "github_repository", url: "https://github.com/example/shop", authorization_token: "ghp_token" };

async function environments(api) {
	const { beta: { environments: routes } } = api;

	await check("environments.create", async () => {
		const made = await makeEnvironment(api, { description: "d", metadata: { a: "b" } });
		assert.equal(made.type, "environment");
		assert.deepEqual([made.name, made.description, made.metadata.a], ["an environment", "d", "b"]);
	});
	await check("environments.retrieve", async () => {
		const { id } = await makeEnvironment(api);
		assert.equal((await routes.retrieve(id)).id, id);
	});
	await check("environments.update", async () => {
		const { id } = await makeEnvironment(api);
		assert.equal((await routes.update(id, { description: "new" })).description, "new");
	});
	await check("environments.list", async () => {
		const { id } = await makeEnvironment(api);
		assert.ok((await all(routes.list())).some((one) => one.id === id));
	});
	await check("environments.archive", async () => {
		const { id } = await makeEnvironment(api);
		assert.ok((await routes.archive(id)).archived_at);
		assert.ok(!(await all(routes.list())).some((one) => one.id === id));
		assert.ok((await all(routes.list({ include_archived: true }))).some((one) => one.id === id));
	});
	await check("environments.delete", async () => {
		const { id } = await makeEnvironment(api);
		assert.equal((await routes.delete(id)).type, "environment_deleted");
		await assert.rejects(routes.retrieve(id), { status: 404 });
	});
}

async function agents(api) {
	const { beta: { agents: routes } } = api;

	await check("agents.create", async () => {
		const made = await makeAgent(api, { description: "d", system: "s", metadata: { a: "b" } });
		assert.equal(made.type, "agent");
		assert.deepEqual([made.name, made.description, made.system, made.metadata.a], ["an agent", "d", "s", "b"]);
	});
	await check("agents.retrieve", async () => {
		const { id } = await makeAgent(api);
		assert.equal((await routes.retrieve(id)).id, id);
	});
	await check("agents.update", async () => {
		const { id } = await makeAgent(api);
		const changed = await routes.update(id, { version: 1, system: "new" });
		assert.deepEqual([changed.system, changed.version, changed.name], ["new", 2, "an agent"]);
	});
	await check("agents.list", async () => {
		const { id } = await makeAgent(api);
		assert.ok((await all(routes.list())).some((one) => one.id === id));
	});
	await check("agents.archive", async () => {
		const { id } = await makeAgent(api);
		assert.ok((await routes.archive(id)).archived_at);
		assert.ok(!(await all(routes.list())).some((one) => one.id === id));
		assert.ok((await all(routes.list({ include_archived: true }))).some((one) => one.id === id));
	});
	await check("agents.versions.list", async () => {
		const { id } = await makeAgent(api);
		for (const version of [1, 2]) await routes.update(id, { version, system: `after ${version}` });
		const page = await routes.versions.list(id, { limit: 2 });
		assert.equal(page.data.length, 2);
		assert.deepEqual((await all(routes.versions.list(id, { limit: 2 }))).map((one) => one.version).sort(), [1, 2, 3]);
	});
}

async function sessions(api) {
	const { beta: { sessions: routes } } = api;

	await check("sessions.create", async () => {
		const made = await makeSession(api, { title: "t" });
		assert.deepEqual([made.type, made.title, made.status], ["session", "t", "idle"]);
	});
	await check("sessions.retrieve", async () => {
		const { id } = await makeSession(api);
		assert.equal((await routes.retrieve(id)).id, id);
	});
	await check("sessions.update", async () => {
		const { id } = await makeSession(api);
		assert.equal((await routes.update(id, { title: "new" })).title, "new");
	});
	await check("sessions.list", async () => {
		const { id, agent } = await makeSession(api);
		const listed = await all(routes.list({ agent_id: agent.id }));
		assert.deepEqual(listed.map((one) => one.id), [id]);
	});
	await check("sessions.archive", async () => {
		const { id, agent } = await makeSession(api);
		assert.ok((await routes.archive(id)).archived_at);
		assert.equal((await all(routes.list({ agent_id: agent.id }))).length, 0);
		assert.equal((await all(routes.list({ agent_id: agent.id, include_archived: true }))).length, 1);
	});
	await check("sessions.delete", async () => {
		const { id } = await makeSession(api);
		assert.equal((await routes.delete(id)).type, "session_deleted");
	});
	await check("sessions.events.send", async () => {
		const session = await makeSession(api);
		const { data } = await send(api, session, userMessage("one"));
		assert.deepEqual(data.map((event) => event.type), ["user.message"]);
	});
	await check("sessions.events.list", async () => {
		const session = await makeSession(api);
		await turn(api, session);
		assert.ok((await all(routes.events.list(session.id))).some((event) => event.type === "agent.message"));
	});
	await check("sessions.events.stream", async () => {
		const events = await turn(api, await makeSession(api));
		assert.ok(events.some((event) => event.type === "agent.message"));
	});
}

async function threads(api) {
	const { beta: { sessions: { threads: routes } } } = api;

	const first = async (session) => (await all(routes.list(session.id)))[0];
	await check("threads.list", async () => {
		const session = await makeSession(api);
		const thread = await first(session);
		assert.match(thread.id, /^sthr_/);
		assert.equal(thread.type, "session_thread");
	});
	await check("threads.retrieve", async () => {
		const session = await makeSession(api);
		const { id } = await first(session);
		assert.equal((await routes.retrieve(id, { session_id: session.id })).id, id);
		await assert.rejects(routes.retrieve("sthr_0", { session_id: session.id }), { status: 404 });
	});
	await check("threads.archive", async () => {
		const session = await makeSession(api);
		const { id } = await first(session);
		const archived = await routes.archive(id, { session_id: session.id });
		assert.equal(archived.id, id);
		assert.ok(archived.archived_at);
	});
	await check("threads.events.list", async () => {
		const session = await makeSession(api);
		await turn(api, session);
		const { id } = await first(session);
		assert.ok((await all(routes.events.list(id, { session_id: session.id }))).some((one) => one.type === "agent.message"));
	});
	await check("threads.events.stream", async () => {
		const session = await makeSession(api);
		const { id } = await first(session);
		const watched = await watch(api, session, { thread: id });
		await send(api, session, userMessage("hello"));
		await watched.wait("agent.message");
		await watched.close();
	});
}

async function resources(api) {
	const { beta: { sessions: { resources: routes } } } = api;

	const of = (session) => ({ session_id: session.id });
	await check("resources.add", async () => {
		const session = await makeSession(api);
		const added = await routes.add(session.id, FILE);
		assert.match(added.id, /^sesrsc_/);
		assert.deepEqual([added.type, added.file_id], ["file", FILE.file_id]);
		assert.ok(added.mount_path.startsWith("/"));
	});
	await check("resources.list", async () => {
		const session = await makeSession(api, { resources: [FILE, REPOSITORY] });
		const { id } = await routes.add(session.id, { ...FILE, file_id: "file_second" });
		const listed = await all(routes.list(session.id, { limit: 2 }));
		assert.deepEqual(listed.map((one) => one.type), ["file", "github_repository", "file"]);
		assert.equal(listed[2].id, id);
	});
	await check("resources.retrieve", async () => {
		const session = await makeSession(api);
		const { id } = await routes.add(session.id, FILE);
		assert.equal((await routes.retrieve(id, of(session))).file_id, FILE.file_id);
		await assert.rejects(routes.retrieve("sesrsc_0", of(session)), { status: 404 });
	});
	await check("resources.update", async () => {
		const session = await makeSession(api, { resources: [REPOSITORY] });
		const { id } = (await all(routes.list(session.id)))[0];
		const updated = await routes.update(id, { ...of(session), authorization_token: "ghp_other" });
		assert.equal(updated.id, id);
		assert.ok(!JSON.stringify(updated).includes("ghp_"), "a token is in the answer");
	});
	await check("resources.delete", async () => {
		const session = await makeSession(api);
		const { id } = await routes.add(session.id, FILE);
		assert.deepEqual({ ...(await routes.delete(id, of(session))) }, { id, type: "session_resource_deleted" });
		await assert.rejects(routes.retrieve(id, of(session)), { status: 404 });
		assert.equal((await all(routes.list(session.id))).length, 0);
	});
}

for (const name of SDKS) {
	const { api, mock } = await makeWorld(name);

	client("@anthropic-ai/sdk: routes", versionOf(name));
	for (const suite of [environments, agents, sessions, threads, resources]) await suite(api);
	await mock.stop();
}
await finish();
