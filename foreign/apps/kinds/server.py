"""An HTTP server that works for 0.8 s on a request: server.py WHAT.

At SIGTERM it cuts what is under way, refuses it with 503, fails with 500, or finishes it.
"""
import http.server
import json
import os
import signal
import sys
import threading
import time

WHAT, PORT = sys.argv[1], int(sys.argv[2])
stopping = threading.Event()
under_way = []


class Handler(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		under_way.append(threading.current_thread())
		os.write(1, (json.dumps({"event": "request.accepted"}) + "\n").encode())
		refused = stopping.wait(0.8) and WHAT == "refuses"
		if not refused and stopping.is_set() and WHAT == "finishes":
			time.sleep(0.3)
		failed = stopping.is_set() and WHAT == "fails"
		self.send_response(503 if refused else 500 if failed else 200)
		self.send_header("Content-Length", "2")
		self.end_headers()
		self.wfile.write(b"ok")

	def log_message(self, *_):
		pass


def down(*_):
	if WHAT == "cuts":
		os._exit(0)
	stopping.set()
	threading.Thread(target=server.shutdown).start()


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
server.daemon_threads = True
signal.signal(signal.SIGTERM, down)
os.write(1, b"server: ready\n")
server.serve_forever()
for thread in under_way:
	thread.join()
