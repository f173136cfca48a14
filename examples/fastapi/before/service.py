"""A chat-bot webhook: one agent session for each room, by httpx.

    uvicorn service:app

Reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY.
"""
import asyncio
import json
import os

import fastapi
import httpx

HEADERS = {
	"x-api-key": os.environ["ANTHROPIC_API_KEY"],
	"anthropic-version": "2023-06-01",
	"anthropic-beta": "managed-agents-2026-04-01",
}


class Room:
	"""The agent session of one room; one turn at a time."""

	def __init__(self, session_id):
		self.path = f"/v1/sessions/{session_id}"
		self.turn = asyncio.Lock()


async def call(method, path, **body):
	answer = await api.request(method, path, json=body or None)
	answer.raise_for_status()
	return answer.json()


async def open_room(room_id):
	agent, environment = await setup
	session = await call("POST", "/v1/sessions", agent=agent["id"],
		environment_id=environment["id"], metadata={"room": str(room_id)})
	return Room(session["id"])


async def say(room, text):
	"""Sends the text, and gives the agent's reply."""
	reply = ""
	async with room.turn, api.stream("GET", f"{room.path}/events/stream", timeout=None) as stream:
		await call("POST", f"{room.path}/events",
			events=[{"type": "user.message", "content": [{"type": "text", "text": text}]}])
		async for line in stream.aiter_lines():
			if not line.startswith("data:"):
				continue
			event = json.loads(line[5:])
			if event["type"] == "agent.message":
				reply += "".join(part["text"] for part in event["content"])
			elif event["type"] == "session.status_idle":
				return reply


async def close_room(room):
	"""The API refuses to archive a session whose status is still "running"."""
	async with room.turn:
		while (await call("GET", room.path))["status"] == "running":
			await asyncio.sleep(0.05)
		await call("POST", f"{room.path}/archive")


async def close_rooms():
	for room in rooms.values():
		await close_room(await room)


app = fastapi.FastAPI()


@app.on_event("startup")
async def start():
	global api, setup
	api = httpx.AsyncClient(base_url=os.environ["ANTHROPIC_BASE_URL"], headers=HEADERS,
		timeout=10, limits=httpx.Limits(max_connections=None))
	setup = asyncio.gather(
		call("POST", "/v1/agents", name="bot", model="claude-sonnet-5"),
		call("POST", "/v1/environments", name="chat"))
	await setup


@app.on_event("shutdown")
async def stop():
	await close_rooms()
	await api.aclose()


rooms = {}


@app.get("/health")
async def health():
	return {}


@app.post("/webhook/{bot}")
async def webhook(bot: str, message: dict):
	room_id = message["room"]["id"]
	if room_id not in rooms:
		rooms[room_id] = asyncio.ensure_future(open_room(room_id))
	return {"reply": await say(await rooms[room_id], message["content"])}
