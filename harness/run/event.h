/*
 * event - one line of the ledger or of the service's log, packed.
 *
 * A case of 10,000 sessions has 150,000 of them. A tree of cJSON takes some thirty times
 * the bytes of its text; an event keeps its members as text in one block.
 */
#ifndef HARNESS_RUN_EVENT_H
#define HARNESS_RUN_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* Where an event was read. */
enum event_source {
	EVENT_LEDGER,  /* a lifeline */
	EVENT_SERVICE, /* a line of the service's log that is an event */
};

struct event {
	/* The writer's own stamp; where that lies outside the case, when it was read. */
	int64_t ns;
	const char *name; /* of the evidence's table of names */
	char *members;    /* only event.c reads it; owned */
	int lifeline;     /* index, -1 for the service's log */
	enum event_source source;
};

enum event_kind {
	EVENT_TEXT = 1, /* 0 ends the members */
	EVENT_INT,      /* a whole number that fits */
	EVENT_BOOL,     /* "true" or "false" */
	EVENT_JSON,     /* any other value, as compact JSON */
};

/* One member, borrowed from its event. */
struct event_member {
	enum event_kind kind;
	const char *key;
	const char *value;
};

/* Packs the members of an object, in their order. *size: the bytes of the block. Borrows
 * json. Gives the caller what becomes event.members. */
char *event_pack(const cJSON *json, size_t *size);

/* Begin with a zeroed member. False: there is none left. */
bool event_next(const struct event *event, struct event_member *member);

/* Give NULL or the fallback when the key is absent or has another type, as those of
 * json.h do. The text is borrowed from the event. */
const char *event_text(const struct event *event, const char *key);
int64_t event_int(const struct event *event, const char *key, int64_t fallback);
bool event_bool(const struct event *event, const char *key, bool fallback);

/* The object again. Gives the caller a tree to cJSON_Delete(). */
cJSON *event_json(const struct event *event) MUST_CHECK;

#endif
