"""What gunicorn serves: /page at once, /slow after a minute."""
import json
import os
import time


def app(environ, start_response):
	if environ["PATH_INFO"] == "/slow":
		os.write(1, (json.dumps({"event": "request.accepted"}) + "\n").encode())
		time.sleep(float(os.environ.get("SLOW", "60")))
	start_response("200 OK", [("Content-Length", "2")])
	return [b"{}"]
