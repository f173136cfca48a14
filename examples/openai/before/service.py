"""A chat-bot webhook on OpenAI's chat completions, with Python alone.

    service.py PORT

Reads OPENAI_BASE_URL and OPENAI_API_KEY, as OpenAI's clients do.
"""
import http.client
import http.server
import json
import os
import signal
import sys
import threading
import urllib.parse

API = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"])
HEADERS = {
	"authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
	"content-type": "application/json",
}


class Room:
	"""The conversation of one room; one turn at a time."""

	def __init__(self, name):
		self.name = name
		self.messages = []
		self.turn = threading.Lock()
		self.api = None

	def say(self, text):
		"""Sends the text, and gives the reply."""
		with self.turn:
			asked = self.messages + [{"role": "user", "content": text}]
			self.api = http.client.HTTPConnection(API.hostname, API.port)
			try:
				reply = "".join(self.stream(asked))
			finally:
				self.api.close()
			self.messages = asked + [{"role": "assistant", "content": reply}]
			return reply

	def stream(self, messages):
		body = {"model": "gpt-5.1", "stream": True, "user": self.name, "messages": messages}
		self.api.request("POST", API.path + "/chat/completions", json.dumps(body), HEADERS)
		for line in self.api.getresponse():
			if line.startswith(b"data: {"):
				delta = json.loads(line[6:])["choices"][0]["delta"]
				yield delta.get("content") or ""
			elif line.startswith(b"data: [DONE]"):
				return
		raise ConnectionError("the reply was cut off")


class Webhook(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		self.answer(200, {})

	def do_POST(self):
		message = json.loads(self.rfile.read(int(self.headers["content-length"])))
		name = str(message["room"]["id"])
		room = rooms.setdefault(name, Room(name))
		try:
			self.answer(200, {"reply": room.say(message["content"])})
		except (OSError, http.client.HTTPException) as error:
			self.answer(503, {"error": str(error)})

	def answer(self, status, body):
		self.send_response(status)
		self.send_header("content-type", "application/json")
		self.end_headers()
		self.wfile.write(json.dumps(body).encode())

	def log_message(self, *_):
		pass


class Server(http.server.ThreadingHTTPServer):
	request_queue_size = 100


rooms = {}
server = Server(("0.0.0.0", int(sys.argv[1])), Webhook)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server.serve_forever()
