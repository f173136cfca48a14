"""An HTTP server with a request under way at SIGTERM: slow-server.py WHAT ADDRESS.

It needs the signal to answer. Then it "finishes", and ends behind its answer; it "drops"
the request, or a "download" that its client takes slowly, and ends at once; or it ends
behind "half" of an answer. Its port is its first line.
"""
import http.server
import os
import signal
import sys
import threading

WHAT, ADDRESS = sys.argv[1:]
stopping = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		os.write(1, b"request\n")
		if WHAT == "download":
			self.answer(1 << 40)
			while True:
				self.wfile.write(b"x" * 65536)
		stopping.wait()
		self.answer(2)
		self.wfile.write(b"ok" if WHAT == "finishes" else b"o")
		if WHAT == "half":
			os._exit(0)

	def answer(self, length):
		self.send_response(200)
		self.send_header("Content-Length", str(length))
		self.end_headers()

	def log_message(self, *_):
		pass


def on_term(*_):
	if WHAT in ("drops", "download"):
		os._exit(0)
	stopping.set()
	threading.Thread(target=server.shutdown).start()


server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, on_term)
os.write(1, b"%d\n" % server.server_address[1])
server.serve_forever()
server.server_close()
