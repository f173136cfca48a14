"""A web server that answers the orders in hand when it is stopped: shop.py PORT."""
import http.server
import os
import signal
import sys
import threading
import time

# For so long the load balancer may not have seen that it is being stopped.
LINGER_SECONDS = 1.0


class Shop(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		time.sleep(0.8)
		body = b"one order\n"
		self.send_response(200)
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)

	def log_message(self, *_):
		pass


def stop(*_):
	threading.Timer(LINGER_SECONDS, server.shutdown).start()


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop)
server.daemon_threads = False
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
server.serve_forever(poll_interval=0.01)
server.server_close()  # waits for the orders in hand
os._exit(0)
