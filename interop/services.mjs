/*
 * Services that somebody else might have written, on official SDKs, stopped well and badly:
 * what stopbench says of each, by the ledger alone. None of them knows stopbench.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { BIN, TREE, check, client, finish, skip, startProgram, tempFolder, versionOf } from "./lib.mjs";

const folder = tempFolder();
const programs = join(process.cwd(), "services");
cpSync(join(TREE, "interop", "services"), programs, { recursive: true });

/* The scenario of a program, with these variables of its environment. */
function scenario(program, env, more = {}) {
	return {
		name: program,
		service: {
			command: [process.execPath, join(programs, `${program}.mjs`)],
			env: { PORT: "{port}", AGENT_URL: "{agent_url}", ...env },
			ready: { log: "ready" },
			session: { path: "/", body: { room: "{room}", content: "hello {room}" } },
		},
		load: { sessions: 3 },
		stop: { grace: "2s" },
		expect: { verdict: ["clean", "dirty", "loss", "killed", "leak", "inconclusive"] },
		...more,
	};
}

const TURNS = { load: { sessions: 3, turns: 2, turn: "500ms" }, stop: { grace: "5s" } };
const ENDS = { load: { sessions: 6 }, agent: { disconnect: { latency: "400ms" } } };
const SERVERS = { mcp: [{ name: "skills", on_eof: "ignore" }] };

/* Gives the one round of the one case. */
async function run(given) {
	const file = join(folder, "scenario.json");
	writeFileSync(file, JSON.stringify(given));
	const args = ["run", "--engine", "process", "--report", folder, file];
	const program = startProgram(join(BIN, "stopbench"), args);
	const { code } = await program.end;
	if (code !== 0 && code !== 1) throw new Error(`exit code ${code}: ${program.stdout} ${program.stderr}`);
	const round = JSON.parse(readFileSync(join(folder, "results.json"), "utf8")).cases[0];
	return { ...round, diagnosis: round.diagnoses[0]?.id, text: round.diagnoses[0]?.text };
}

async function expect(name, given, wanted) {
	await check(
		name,
		async () => {
			const seen = await run(given);
			for (const [key, value] of Object.entries(wanted))
				if (seen[key] !== value)
					throw new Error(`${key}: wanted ${value}, seen ${seen[key]}: ${seen.reason}; ${seen.text}`);
		},
		60000,
	);
}

async function rooms(env) {
	for (const named of ["path", "header", "user", "connection"]) {
		const of = (stop) => scenario("rooms", { NAMED: named, STOP: stop, ...env }, TURNS);
		/* How many connections a pool has is its own affair. */
		await expect(`${named}: turns in flight are finished`, of("drain"), {
			verdict: "clean",
			...(named !== "connection" && { sessions: 3 }),
		});
		await expect(`${named}: turns that are aborted and answered 200 are interrupted`, of("abort"), {
			verdict: "dirty",
			diagnosis: "H9",
		});
	}
	await expect("an exit at once loses what was in hand", scenario("rooms", { STOP: "exit", ...env }, TURNS), {
		verdict: "loss",
		lost: 2,
	});
}

async function managed(env) {
	const of = (stop) => scenario("managed", { STOP: stop, ...env }, ENDS);
	await expect("sessions archived side by side", of("parallel"), { verdict: "clean", disconnected: 6 });
	await expect("one after the other, over the grace", of("sequential"), { verdict: "killed", diagnosis: "H2" });
	await expect("never asked, and waited for", of("never"), { verdict: "killed", diagnosis: "H1" });
	await expect("never asked, and exited", of("exit"), { verdict: "dirty", diagnosis: "H1" });
	await expect("what it prints proves nothing", of("lie"), { verdict: "dirty", diagnosis: "H1" });
}

async function children(env) {
	const of = (ladder) => scenario("children", { MCP_SERVERS: "{mcp_config}", LADDER: ladder, ...env }, SERVERS);
	await expect("MCP servers are ended by steps", of("1"), { verdict: "clean", orphans: 0 });
	await expect("MCP servers that ignore the end of stdin are waited for", of(""), {
		verdict: "killed",
		diagnosis: "H3",
	});
}

client("services on @anthropic-ai/sdk", versionOf("@anthropic-ai/sdk"));
if (process.getuid() !== 0) skip("services", "the process engine needs root for its namespaces");
else {
	await rooms({});
	await managed({});
	await children({});
	client("services on @anthropic-ai/sdk", versionOf("anthropic-sdk-0"));
	await rooms({ SDK: "anthropic-sdk-0" });
	await managed({ SDK: "anthropic-sdk-0" });
	client("services on openai", versionOf("openai-7"));
	await rooms({ SDK: "openai-7", API: "chat" });
}
await finish();
