// server.js - HTTP on $PORT. With HANDLER it closes its server on SIGTERM, and ends when
// the last connection has. HANDLER=listener: it leaves idle connections open, as node 18's
// server.close() does.
const http = require('http');
const net = require('net');

const server = http.createServer((request, response) => {
	if (request.url === '/stream') {
		console.log('{"event": "request.accepted"}');
		response.writeHead(200, { 'Content-Type': 'text/event-stream' });
		setInterval(() => response.write('data: tick\n\n'), 200);
	} else {
		response.end('{}');
	}
});
server.keepAliveTimeout = 60000;
if (process.env.HANDLER) {
	process.on('SIGTERM', () => {
		console.log('SIGTERM: closing');
		net.Server.prototype.close.call(server, () => console.log('closed'));
		if (process.env.HANDLER !== 'listener') server.closeIdleConnections();
	});
}
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('node: ready'));
