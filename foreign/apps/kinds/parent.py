"""One program with children, and what it does with its stop signal: parent.py WHAT."""
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

TERM = signal.SIGTERM
STOP = ["/usr/bin/python3", os.path.dirname(os.path.abspath(__file__)) + "/stop.py"]


def say(text):
	os.write(1, f"parent: {text}\n".encode())


def child(*what, **how):
	"""Runs, and has said that it is ready."""
	read, write = os.pipe()
	process = subprocess.Popen(STOP + list(what), pass_fds=[write],
		env={**os.environ, "READY": str(write)}, **how)
	os.close(write)
	os.read(read, 1)
	os.close(read)
	return process


def tell_and_wait(process, patience=None, last=signal.SIGKILL):
	def down(*_):
		process.terminate()
		try:
			process.wait(patience)
		except subprocess.TimeoutExpired:
			process.send_signal(last)
			process.wait()
		sys.exit(0)
	signal.signal(TERM, down)
	say("ready")
	while True:
		time.sleep(60)


def kills():
	"""A supervisor that loses its patience: kills WHAT [SIGNAL [AFTER]]."""
	last, after = (sys.argv[3:] + ["SIGKILL", "0.5"][len(sys.argv[3:]):])[:2]
	tell_and_wait(child(sys.argv[2]), float(after), getattr(signal, last))


def blocks():
	"""The child inherits the mask of the thread that starts it."""
	signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])
	process = child("default")
	if len(sys.argv) > 2:
		process.kill()
		process.wait()
		process = child("drains",
			preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [TERM]))
	signal.pthread_sigmask(signal.SIG_UNBLOCK, [TERM])
	tell_and_wait(process)


def runs():
	"""Has no handler: PID 1 only waits."""
	subprocess.run(STOP + ["drains"])


def polls():
	signal.signal(TERM, lambda *_: say("stopping"))
	process = child("drains")
	say("ready")
	while process.poll() is None:
		time.sleep(0.1)


def waits():
	signal.signal(TERM, lambda *_: say("stopping"))
	process = child("drains")
	say("ready")
	process.wait()


def groups():
	"""Two workers, in its own group: groups WORKER [signals [waits]]."""
	workers = [child(sys.argv[2]) for _ in range(2)]

	def down(*_):
		signal.signal(TERM, signal.SIG_IGN)
		if "signals" in sys.argv:
			os.kill(0, TERM)
		if "signals" not in sys.argv or "waits" in sys.argv:
			for worker in workers:
				worker.wait()
		os._exit(0)
	signal.signal(TERM, down)
	say("ready")
	while True:
		time.sleep(60)


def until_told():
	told = threading.Event()
	signal.signal(TERM, lambda *_: told.set())
	say("ready")
	told.wait()


def hides():
	"""Two programs, and no look at how they ended: hides CODE."""
	children = [child("drains"), child("exits", sys.argv[2])]
	until_told()
	for process in children:
		process.terminate()
	for process in children:
		process.wait()


def tells():
	"""Three helpers that die at once, and so many waits: tells WAITS."""
	helpers = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
	time.sleep(0.2)
	until_told()
	for helper in helpers:
		os.kill(helper.pid, TERM)
	for _ in range(int(sys.argv[2])):
		os.wait()
	os._exit(0)


def holds():
	"""Its child is stopped by SIGSTOP, or goes on again: holds [goes-on]."""
	process = child("drains")
	process.send_signal(signal.SIGSTOP)
	if len(sys.argv) > 2:
		process.send_signal(signal.SIGCONT)
	tell_and_wait(process)


def work(_):
	while True:
		time.sleep(60)


def pools():
	"""Forked workers have their parent's handler, which sets a flag."""
	signal.signal(TERM, lambda *_: say("stopping"))
	workers = [multiprocessing.Process(target=work, args=[i]) for i in range(2)]
	for worker in workers:
		worker.start()
	if len(sys.argv) > 2:
		signal.signal(TERM, lambda *_: [worker.kill() for worker in workers])
	else:
		signal.signal(TERM, lambda *_: [worker.terminate() for worker in workers])
	say("ready")
	for worker in workers:
		worker.join()


def ends_pool():
	"""Its workers wait for a task, or are in the middle of one: ends_pool idle|busy."""
	pool = multiprocessing.get_context("spawn").Pool(3)
	pool.map(abs, range(30))
	if sys.argv[2] == "busy":
		pool.map_async(time.sleep, [60, 60, 60])
	time.sleep(0.3)
	until_told()
	pool.terminate()
	pool.join()


def asks_for_zombie():
	"""kill(pid, 0) knows a zombie; waitpid() reaps it: asks_for_zombie kill|wait."""
	process = child("drains")
	until_told()
	os.kill(process.pid, TERM)
	if sys.argv[2] == "wait":
		process.wait()
	try:
		while True:
			os.kill(process.pid, 0)
			time.sleep(0.05)
	except ProcessLookupError:
		pass


def saves():
	"""A process that it starts at SIGTERM needs 100 MB."""
	until_told()
	saver = subprocess.Popen(["/usr/bin/python3", "-c",
		"open('/proc/self/oom_score_adj', 'w').write('1000'); b'1' * 100_000_000"])
	saver.wait()


def waits_in_thread():
	"""A thread is in waitpid() from the start: waits_in_thread [leaves]."""
	process = child("drains")
	thread = threading.Thread(target=process.wait, daemon=True)
	thread.start()
	until_told()
	os.kill(process.pid, TERM)
	if len(sys.argv) == 2:
		thread.join()
	os._exit(0)


if __name__ == "__main__":
	globals()[sys.argv[1]]()
