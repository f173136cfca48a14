// server.js - HTTP on $PORT. With HANDLER=1 it closes its server on SIGTERM, and ends
// when the last connection has.
const http = require('http');

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
		server.close(() => console.log('closed'));
	});
}
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('node: ready'));
