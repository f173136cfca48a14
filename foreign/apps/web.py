"""What uvicorn serves: a page, a stream without an end, a task after the answer."""
import asyncio
import json
import os

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


def say(event):
	os.write(1, (json.dumps({"event": event}) + "\n").encode())


@app.on_event("shutdown")
async def close():
	await asyncio.sleep(float(os.environ.get("LIFESPAN", "0")))


@app.get("/page")
async def page():
	return {}


@app.get("/stream")
async def stream():
	async def ticks():
		say("request.accepted")
		while True:
			yield "data: tick\n\n"
			await asyncio.sleep(0.2)
	return StreamingResponse(ticks(), media_type="text/event-stream")


@app.get("/task")
async def task(tasks: BackgroundTasks):
	async def work():
		say("request.accepted")
		await asyncio.sleep(float(os.environ.get("TASK", "60")))
		say("task.end")
	tasks.add_task(work)
	return {}
