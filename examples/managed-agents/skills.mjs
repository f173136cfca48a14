// An MCP server with one tool, as a service of this kind has several.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const server = new McpServer({ name: 'skills', version: '1.0.0' });

server.registerTool('weather', { description: 'The weather of today' }, async () => ({
	content: [{ type: 'text', text: 'It rains.' }],
}));
await server.connect(new StdioServerTransport());
