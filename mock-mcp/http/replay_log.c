#include "mock-mcp/http/replay_log.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/mem.h"

static size_t size_of(const struct replay_event *event)
{
	return sizeof *event + (event->message ? strlen(event->message) : 0);
}

static void forget(struct replay_log *log, struct replay_event *event)
{
	log->size -= size_of(event);
	*log->total -= size_of(event);
	DL_DELETE(log->first, event);
	free(event->message);
	free(event);
}

void replay_log_add(
	struct replay_log *log, unsigned stream, unsigned number, const char *message)
{
	struct replay_event *event = mem_zeroed(sizeof *event);
	size_t size;

	event->stream = stream;
	event->number = number;
	event->message = mem_text(message);
	size = size_of(event);
	while (log->first && log->size + size > REPLAY_LOG_MAX)
		forget(log, log->first);
	if (size > REPLAY_LOG_MAX || *log->total + size > log->total_most) {
		free(event->message);
		free(event);
		return;
	}
	DL_APPEND(log->first, event);
	log->size += size;
	*log->total += size;
}

void replay_log_clear(struct replay_log *log)
{
	while (log->first)
		forget(log, log->first);
}

const struct replay_event *replay_log_next(
	const struct replay_log *log, unsigned stream, unsigned number)
{
	const struct replay_event *event;

	DL_FOREACH(log->first, event) {
		if (event->stream == stream && event->number > number)
			return event;
	}
	return NULL;
}

bool replay_log_has(const struct replay_log *log, unsigned stream, unsigned number)
{
	const struct replay_event *event;

	DL_FOREACH(log->first, event) {
		if (event->stream == stream && event->number == number)
			return true;
	}
	return false;
}
