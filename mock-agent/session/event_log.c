#include "mock-agent/session/event_log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define FIRST_ROOM   16
#define DROP_AT_ONCE (EVENT_LOG_MAX / 4)

static void drop(struct event_log *log, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(log->entries[i].type);
		free(log->entries[i].json);
	}
	log->count -= count;
	if (log->count == 0)
		return;
	memmove(log->entries, log->entries + count, log->count * sizeof *log->entries);
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * CLOCK_S + now.tv_nsec / CLOCK_MS * CLOCK_MS;
}

void event_log_add(struct event_log *log, const char *type, char *json)
{
	if (log->count == EVENT_LOG_MAX)
		drop(log, DROP_AT_ONCE);
	if (log->count == log->room) {
		log->room = log->room ? log->room * 2 : FIRST_ROOM;
		log->entries = mem_grown(log->entries, log->room, sizeof *log->entries);
	}
	log->entries[log->count++] = (struct event_log_entry){
		.number = ++log->last,
		.created_ns = wall_ns(),
		.type = mem_text(type),
		.json = json,
	};
}

void event_log_done(struct event_log *log)
{
	drop(log, log->count);
	free(log->entries);
	*log = (struct event_log){0};
}
