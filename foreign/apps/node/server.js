// server.js - HTTP on $PORT. With HANDLER it closes its server on SIGTERM, and ends when
// the last connection has. HANDLER=18: as node 18 does, which leaves idle connections.
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
		const close = process.env.HANDLER === '18' ? net.Server.prototype.close : server.close;
		close.call(server, () => console.log('closed'));
	});
}
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('node: ready'));
