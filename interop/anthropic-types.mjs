/*
 * anthropic-types - do the mock's answers fit the types that @anthropic-ai/sdk declares?
 *
 * The declarations (.d.ts) become JSON schemas, and each kind of answer is validated against
 * its own: members that are required must be there, and null only where a type has it.
 * bound: 400 s
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import tsj from "ts-json-schema-generator";
import { check, client, finish, until, versionOf } from "./lib.mjs";
import {
	SDKS, all, ask, customTool, makeAgent, makeEnvironment, makeSession, makeWorld, send, settled, tool, turn,
	userMessage, watch,
} from "./lib-anthropic.mjs";

const SESSIONS = "Anthropic.Beta.Sessions.BetaManagedAgents";
const AGENTS = "Anthropic.Beta.Agents.BetaManagedAgents";
const ENVIRONMENTS = "Anthropic.Beta.Environments.BetaEnvironment";

/* The kinds: a name, its type, and the member of the collected answers that has it. */
const KINDS = [
	["a message of text", "Anthropic.Message", "text"],
	["a message with a tool's call", "Anthropic.Message", "call"],
	["a message with thinking", "Anthropic.Message", "thought"],
	["a message that was cut", "Anthropic.Message", "cut"],
	["a message of the beta API", "Anthropic.Beta.BetaMessage", "beta"],
	["message_start", "Anthropic.RawMessageStartEvent", "message_start"],
	["content_block_start of text", "Anthropic.RawContentBlockStartEvent", "start text"],
	["content_block_start of a call", "Anthropic.RawContentBlockStartEvent", "start tool_use"],
	["content_block_start of thinking", "Anthropic.RawContentBlockStartEvent", "start thinking"],
	["content_block_delta of text", "Anthropic.RawContentBlockDeltaEvent", "text_delta"],
	["content_block_delta of an input", "Anthropic.RawContentBlockDeltaEvent", "input_json_delta"],
	["content_block_delta of thinking", "Anthropic.RawContentBlockDeltaEvent", "thinking_delta"],
	["content_block_delta of a signature", "Anthropic.RawContentBlockDeltaEvent", "signature_delta"],
	["content_block_stop", "Anthropic.RawContentBlockStopEvent", "content_block_stop"],
	["message_delta", "Anthropic.RawMessageDeltaEvent", "message_delta"],
	["message_stop", "Anthropic.RawMessageStopEvent", "message_stop"],
	["a count of tokens", "Anthropic.MessageTokensCount", "count"],
	["a model", "Anthropic.ModelInfo", "model"],
	["an error", "Anthropic.ErrorResponse", "error"],
	["an agent", `${AGENTS}Agent`, "agent"],
	["an agent with tools, MCP servers and skills", `${AGENTS}Agent`, "equipped agent"],
	["an environment", ENVIRONMENTS, "environment"],
	["an environment that is deleted", `${ENVIRONMENTS}DeleteResponse`, "deleted environment"],
	["a session", `${SESSIONS}Session`, "session"],
	["a session after a turn, with resources", `${SESSIONS}Session`, "used session"],
	["a session that is archived", `${SESSIONS}Session`, "archived session"],
	["a session that is deleted", `${SESSIONS}DeletedSession`, "deleted session"],
	["a thread", `${SESSIONS}SessionThread`, "thread"],
	["a thread after a turn", `${SESSIONS}SessionThread`, "used thread"],
	["a file of a session", `${SESSIONS}FileResource`, "file"],
	["a repository of a session", `${SESSIONS}GitHubRepositoryResource`, "repository"],
	["a resource that is deleted", `${SESSIONS}DeleteSessionResource`, "deleted resource"],
	["events that were sent", `${SESSIONS}SendSessionEvents`, "sent"],
	["user.message", `${SESSIONS}UserMessageEvent`, "user.message"],
	["user.interrupt", `${SESSIONS}UserInterruptEvent`, "user.interrupt"],
	["user.custom_tool_result", `${SESSIONS}UserCustomToolResultEvent`, "user.custom_tool_result"],
	["user.tool_confirmation", `${SESSIONS}UserToolConfirmationEvent`, "user.tool_confirmation"],
	["agent.message", `${SESSIONS}AgentMessageEvent`, "agent.message"],
	["agent.custom_tool_use", `${SESSIONS}AgentCustomToolUseEvent`, "agent.custom_tool_use"],
	["agent.tool_use", `${SESSIONS}AgentToolUseEvent`, "agent.tool_use"],
	["agent.tool_result", `${SESSIONS}AgentToolResultEvent`, "agent.tool_result"],
	["agent.mcp_tool_use", `${SESSIONS}AgentMCPToolUseEvent`, "agent.mcp_tool_use"],
	["agent.mcp_tool_result", `${SESSIONS}AgentMCPToolResultEvent`, "agent.mcp_tool_result"],
	["session.status_running", `${SESSIONS}SessionStatusRunningEvent`, "session.status_running"],
	["session.status_idle, of a turn's end", `${SESSIONS}SessionStatusIdleEvent`, "end_turn"],
	["session.status_idle, with an action required", `${SESSIONS}SessionStatusIdleEvent`, "requires_action"],
	["session.status_terminated", `${SESSIONS}SessionStatusTerminatedEvent`, "session.status_terminated"],
	["session.error", `${SESSIONS}SessionErrorEvent`, "session.error"],
	["session.deleted", `${SESSIONS}SessionDeletedEvent`, "session.deleted"],
	["session.thread_status_running", `${SESSIONS}SessionThreadStatusRunningEvent`, "session.thread_status_running"],
	["session.thread_status_idle", `${SESSIONS}SessionThreadStatusIdleEvent`, "session.thread_status_idle"],
	["span.model_request_start", `${SESSIONS}SpanModelRequestStartEvent`, "span.model_request_start"],
	["span.model_request_end", `${SESSIONS}SpanModelRequestEndEvent`, "span.model_request_end"],
	["event_start, a preview's", `${SESSIONS}StartEvent`, "event_start"],
	["event_delta, a preview's", `${SESSIONS}DeltaEvent`, "event_delta"],
];

/* Gives fits(index, value), which throws if a value does not fit the type of that kind. */
function compile(name) {
	const file = join(process.cwd(), `kinds-${versionOf(name)}.ts`);
	const config = join(process.cwd(), "tsconfig.json");
	const options = { strict: true, module: "esnext", moduleResolution: "bundler", target: "es2022", types: [] };

	writeFileSync(config, JSON.stringify({ compilerOptions: options, include: [file] }));
	writeFileSync(file, `import type Anthropic from "${name}";\nexport interface Kinds {\n` +
		KINDS.map(([, type], i) => `\tkind_${i}: ${type};\n`).join("") + "}\n");
	const schema = tsj.createGenerator({
		path: file, tsconfig: config, type: "Kinds", skipTypeCheck: true, additionalProperties: true,
	}).createSchema("Kinds");
	const ajv = new Ajv({ strict: false, allErrors: true });
	ajv.addSchema(schema, "kinds");
	return (i, value) => {
		const validate = ajv.compile({ $ref: `kinds#/definitions/Kinds/properties/kind_${i}` });
		assert.ok(validate(value), [...new Set((validate.errors ?? [])
			.map((error) => `${error.instancePath || "it"} ${error.message}`))].slice(0, 6).join("; "));
	};
}

/* What the mock answers, by the names above; what it refuses is missing. */
async function collect({ api, once, with: during }) {
	const answers = {};
	const missing = {};
	const attempt = async (name, fn) => {
		try {
			await fn();
		} catch (error) {
			missing[name] = error;
		}
	};
	const take = (name, fn) => attempt(name, async () => (answers[name] = await fn()));
	const think = ask({ max_tokens: 4000, thinking: { type: "enabled", budget_tokens: 1024 } });

	await take("text", () => api.messages.create(ask()));
	await take("call", () => during({ tools: 1 }, () => api.messages.create(ask({ tools: [tool] }))));
	await take("thought", async () => {
		const message = await api.messages.create(think);
		assert.equal(message.content[0].type, "thinking");
		return message;
	});
	await take("cut", async () => {
		const message = await api.messages.create(ask({ max_tokens: 1 }));
		assert.equal(message.stop_reason, "max_tokens");
		return message;
	});
	await take("beta", () => api.beta.messages.create(ask()));
	await take("count", () => api.messages.countTokens({ model: ask().model, messages: ask().messages }));
	await take("model", () => api.models.retrieve(ask().model));
	await take("error", async () => {
		const error = await once.messages.create(ask({ messages: [] })).catch((e) => e);
		return error.error;
	});
	const streamed = async (request) => {
		for (const event of await all(await api.messages.create({ ...request, stream: true }))) {
			answers[event.type] ??= event;
			if (event.content_block) answers[`start ${event.content_block.type}`] ??= event;
			if (event.delta?.type) answers[event.delta.type] ??= event;
		}
	};
	await attempt("stream", () => streamed(ask()));
	await attempt("stream", () => during({ tools: 1 }, () => streamed(ask({ tools: [tool] }))));
	await attempt("stream", () => streamed(think));

	const toolset = (type, more) => ({ type, configs: [], default_config: {
		enabled: true, permission_policy: { type: "always_ask" } }, ...more });
	const equipment = {
		description: "d", system: "s", metadata: { a: "b" }, tools: [customTool, toolset("agent_toolset_20260401"),
			toolset("mcp_toolset", { mcp_server_name: "shop" })],
		mcp_servers: [{ type: "url", name: "shop", url: "https://mcp.example.com/mcp" }],
		skills: [{ type: "anthropic", skill_id: "xlsx" }],
	};
	await take("agent", () => makeAgent(api));
	await take("equipped agent", () => makeAgent(api, equipment));
	await take("environment", () => makeEnvironment(api));
	await take("deleted environment", () => api.beta.environments.delete(answers.environment.id));
	await take("session", () => makeSession(api));
	await take("archived session", async () => api.beta.sessions.archive((await makeSession(api)).id));
	await take("deleted session", async () => api.beta.sessions.delete((await makeSession(api)).id));
	const FILE = { type: "file", file_id: "file_01" };
	await attempt("resources", async () => {
		const session = await makeSession(api, {
			resources: [FILE, { type: "github_repository", url: "https://github.com/example/shop", authorization_token: "t" }],
		});
		await take("thread", async () => (await all(api.beta.sessions.threads.list(session.id)))[0]);
		await turn(api, session);
		await take("used session", () => settled(api, session));
		await take("used thread", async () => (await all(api.beta.sessions.threads.list(session.id)))[0]);
		const { resources } = answers["used session"];
		answers.file = resources.find((one) => one.type === "file");
		answers.repository = resources.find((one) => one.type === "github_repository");
		await take("deleted resource", () => api.beta.sessions.resources.delete(resources[0].id, { session_id: session.id }));
	});

	const note = (event) => {
		answers[event.type] ??= event;
		if (event.type === "session.status_idle") answers[event.stop_reason?.type] ??= event;
	};
	/* A session whose events are noted while fn uses it. */
	const seen = (name, agent, fn, params) => attempt(name, async () => {
		const session = await makeSession(api, { agent });
		const watched = await watch(api, session, { params });
		try {
			await fn(session, watched);
		} finally {
			watched.seen.forEach(note);
			await watched.close();
		}
	});
	await seen("turn", {}, async (session, watched) => {
		await take("sent", () => send(api, session, userMessage("hello")));
		await watched.wait("session.status_idle");
		await settled(api, session);
		await api.beta.sessions.archive(session.id);
		await until(() => watched.ended, "the end of the stream");
	}, { event_deltas: ["agent.message"] });
	await seen("delete", {}, async (session, watched) => {
		await api.beta.sessions.delete(session.id);
		await until(() => watched.ended, "the end of the stream");
	});
	await during({ first_byte: { latency: "60s" } }, () => seen("interrupt", {}, async (session, watched) => {
		await send(api, session, userMessage("work"));
		await watched.wait("session.status_running");
		await send(api, session, { type: "user.interrupt" });
		await watched.wait("session.status_idle");
		(await all(api.beta.sessions.events.list(session.id))).forEach(note);
	}));
	await during({ first_byte: { fault: "error", status: 529 } }, () => seen("error", {}, async (session, watched) => {
		await send(api, session, userMessage("fail"));
		await watched.wait("session.error");
	}));
	const used = (name, agent, type, answer) => during({ tools: 1 }, () => seen(name, agent, async (session, watched) => {
		await send(api, session, userMessage("use it"));
		const use = await watched.wait(type);
		await watched.wait("session.status_idle");
		if (!answer) return;
		await send(api, session, answer(use.id));
		await watched.wait("session.status_idle", 2);
		(await all(api.beta.sessions.events.list(session.id))).forEach(note);
	}));
	await used("custom tool", { tools: [customTool] }, "agent.custom_tool_use", (id) => (
		{ type: "user.custom_tool_result", custom_tool_use_id: id, content: [{ type: "text", text: "r" }] }));
	await used("tool", { tools: [toolset("agent_toolset_20260401")] }, "agent.tool_use", (id) => (
		{ type: "user.tool_confirmation", tool_use_id: id, result: "allow" }));
	await used("MCP tool", {
		mcp_servers: equipment.mcp_servers,
		tools: [toolset("mcp_toolset", { mcp_server_name: "shop", default_config: {
			enabled: true, permission_policy: { type: "always_allow" } } })],
	}, "agent.mcp_tool_use");
	return { answers, missing };
}

for (const name of SDKS) {
	const world = await makeWorld(name);
	const fits = compile(name);
	const { answers, missing } = await collect(world);

	client("@anthropic-ai/sdk: its types", versionOf(name));
	for (const [i, [label, , answer]] of KINDS.entries())
		await check(label, () => {
			if (!answers[answer]) throw missing[answer] ?? new Error("the mock gives none");
			fits(i, answers[answer]);
			/* All members of that one are optional. */
			if (answer !== "sent") assert.throws(() => fits(i, {}), "its schema accepts anything");
		});
	await world.mock.stop();
}
await finish();
