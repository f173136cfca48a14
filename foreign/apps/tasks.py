"""celery's worker: tasks.py. With TASK=seconds one task of that length is under way."""
import os
import time

from celery import Celery
from celery.signals import worker_ready

app = Celery("tasks", broker="memory://")


@app.task
def work(seconds):
	os.write(1, b'{"event": "request.accepted"}\n')
	time.sleep(seconds)
	os.write(1, b'{"event": "task.end"}\n')


@worker_ready.connect
def begin(**_):
	if "TASK" in os.environ:
		work.delay(float(os.environ["TASK"]))
	else:
		os.write(1, b"celery: ready\n")
