/*
 * lib-mcp-server - a server made with the official SDK's second generation, which speaks
 * 2026-07-28:
 *
 *   node lib-mcp-server.mjs LEGACY          on stdin and stdout
 *   node lib-mcp-server.mjs LEGACY PORT     over HTTP
 *
 * LEGACY is what it does with a client of the versions before: "serve" or "reject".
 */
import { createServer } from "node:http";
import { Readable } from "node:stream";

import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const [legacy, port] = process.argv.slice(2);

function factory() {
	const server = new McpServer({ name: "second-generation", version: "1.0.0" });
	server.registerTool(
		"sum",
		{ description: "Adds.", inputSchema: z.object({ a: z.number(), b: z.number() }) },
		async ({ a, b }) => ({ content: [{ type: "text", text: `the sum is ${a + b}` }] }),
	);
	server.registerTool(
		"wait",
		{ description: "Takes ten seconds.", inputSchema: z.object({}) },
		async (_, context) => {
			console.error("wait begins");
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, 10000);
				const signal = context?.mcpReq?.signal ?? context?.signal;
				signal?.addEventListener("abort", () => {
					console.error("wait is aborted");
					clearTimeout(timer);
					resolve();
				});
			});
			return { content: [{ type: "text", text: "waited" }] };
		},
	);
	return server;
}

/* The handler is of the web's kind. */
async function answer(handler, incoming, response) {
	const gone = new AbortController();
	response.on("close", () => gone.abort());
	const body = ["GET", "HEAD"].includes(incoming.method) ? undefined : Readable.toWeb(incoming);
	console.error(`${incoming.method} ${incoming.headers["mcp-method"] ?? ""}`);
	const answered = await handler.fetch(
		new Request(`http://${incoming.headers.host}${incoming.url}`, {
			method: incoming.method,
			headers: incoming.headers,
			body,
			duplex: "half",
			signal: gone.signal,
		}),
	);
	response.writeHead(answered.status, Object.fromEntries(answered.headers));
	if (answered.body) for await (const piece of answered.body) response.write(piece);
	response.end();
}

if (port) {
	const handler = createMcpHandler(factory, { legacy });
	const server = createServer((incoming, response) =>
		answer(handler, incoming, response).catch((error) => response.destroy(error)),
	);
	server.listen(Number(port), "127.0.0.1", () => console.error("listening"));
} else {
	serveStdio(factory, { legacy });
}
