/*
 * lib-mcp-client - our service as the client program that the conformance suite runs:
 *
 *   node lib-mcp-client.mjs URL
 *
 * connects a session to the server at URL, calls each of its tools once, and stops. Exit
 * code 0: the service said nothing of a failure, and its stop was clean.
 */
import { startService } from "./lib-service.mjs";

/* A value for each argument that a tool asks for. */
function example(schema = {}) {
	if (schema.enum) return schema.enum[0];
	switch (schema.type) {
	case "number":
	case "integer":
		return 5;
	case "boolean":
		return true;
	case "array":
		return [];
	case "object":
		return Object.fromEntries(
			Object.entries(schema.properties ?? {}).map(([name, one]) => [name, example(one)]),
		);
	default:
		return "text";
	}
}

const service = await startService({
	mcpServers: { tested: { type: "http", url: process.argv.at(-1) } },
});
console.error(await service.ask("hello"));
for (const tool of service.api.declared)
	console.error(tool.name, await service.ask({ tool: tool.name, input: example(tool.input_schema) }));
const stop = await service.stopAndRead();
const failed = service.events("mcp.failed");
for (const event of service.events()) console.error(JSON.stringify(event));
process.exit(stop.code === 0 && failed.length === 0 ? 0 : 1);
