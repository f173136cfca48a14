"""One program, and what it does with its stop signal: stop.py WHAT [ARG]."""
import atexit
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time

TERM = signal.SIGTERM


def say(text):
	os.write(1, f"stop: {text}\n".encode())


def wait():
	say("ready")
	if "READY" in os.environ:
		os.write(int(os.environ["READY"]), b"r")
	while True:
		time.sleep(60)


def drain(*_):
	say("draining")
	time.sleep(0.3)
	say("done")
	sys.exit(0)


def drains():
	signal.signal(TERM, drain)
	wait()


def drains_once():
	"""A second signal ends it: Node.js' process.once."""
	def once(*_):
		signal.signal(TERM, signal.SIG_DFL)
		drain()
	signal.signal(TERM, once)
	wait()


def stays():
	signal.signal(TERM, lambda *_: say("not now"))
	wait()


def exits():
	signal.signal(TERM, lambda *_: sys.exit(int(sys.argv[2])))
	wait()


def saves():
	"""Exits with a code of its own when it has saved."""
	def save(*_):
		say("saving")
		time.sleep(0.15)
		say("saved")
		os._exit(int(sys.argv[2]))
	signal.signal(TERM, save)
	wait()


def fails():
	def fail(*_):
		raise RuntimeError("no database")
	signal.signal(TERM, fail)
	wait()


def aborts():
	signal.signal(TERM, lambda *_: os.abort())
	wait()


def ignores():
	signal.signal(TERM, signal.SIG_IGN)
	wait()


def default():
	signal.signal(signal.SIGINT, signal.SIG_DFL)
	wait()


def blocks():
	signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])
	wait()


def only():
	"""Handles this signal alone."""
	signal.signal(getattr(signal, sys.argv[2]), lambda *_: sys.exit(0))
	wait()


def reloads():
	signal.signal(signal.SIGHUP, lambda *_: say("reloaded"))
	signal.signal(TERM, lambda *_: sys.exit(0))
	wait()


def executes():
	"""Like a full init: SIGTERM executes it again, SIGRTMIN+3 ends it."""
	def again(*_):
		say("executing myself again")
		os.execv("/usr/bin/python3", ["python3"] + sys.argv)
	signal.signal(TERM, again)
	signal.signal(signal.SIGRTMIN + 3, lambda *_: sys.exit(0))
	signal.pthread_sigmask(signal.SIG_UNBLOCK, [TERM])
	wait()


def late():
	say("ready")
	time.sleep(0.6)
	signal.signal(TERM, lambda *_: sys.exit(0))
	time.sleep(60)


def raises():
	"""Cleans up, restores the default and raises the signal again."""
	def again(*_):
		say("cleaned up")
		signal.signal(TERM, signal.SIG_DFL)
		os.kill(os.getpid(), TERM)
	signal.signal(TERM, again)
	wait()


def kills_itself():
	def kill(*_):
		time.sleep(0.1)
		os.kill(os.getpid(), signal.SIGKILL)
	signal.signal(TERM, kill)
	wait()


def computes():
	signal.signal(TERM, lambda *_: say("noted"))
	say("ready")
	while True:
		pass


def computes_in_its_handler():
	def compute(*_):
		while True:
			pass
	signal.signal(TERM, compute)
	read, _ = os.pipe()
	say("ready")
	poll = select.epoll()
	poll.register(read)
	while True:
		poll.poll()


def reads():
	"""recv(2) is called again behind the handler."""
	signal.signal(TERM, lambda *_: say("noted"))
	ours, _theirs = socket.socketpair()
	say("ready")
	ours.recv(1)


def writes():
	"""Into a pipe that nobody reads."""
	_read, write = os.pipe()
	signal.signal(TERM, lambda *_: os.write(write, b"x" * 200000))
	wait()


def serves():
	"""Waits for a connection that its client keeps open."""
	listener = socket.create_server(("127.0.0.1", 0))
	client = socket.create_connection(listener.getsockname())
	server = listener.accept()[0]
	signal.signal(TERM, lambda *_: listener.close())
	with client:
		client = subprocess.Popen(["sleep", "60"], pass_fds=[client.fileno()])
	say("ready")
	while client.poll() is None:
		select.select([server], [], [])


def joins():
	"""A thread that is not told keeps the interpreter alive."""
	signal.signal(TERM, lambda *_: sys.exit(0))
	threading.Thread(target=time.sleep, args=[60], daemon=len(sys.argv) > 2).start()
	wait()


def joins_queue():
	"""atexit waits for a queue that nobody empties; or nobody has to."""
	waiting = queue.Queue()
	if len(sys.argv) == 2:
		waiting.put("job")
	atexit.register(waiting.join)
	signal.signal(TERM, lambda *_: sys.exit(0))
	wait()


globals()[sys.argv[1].replace("-", "_")]()
