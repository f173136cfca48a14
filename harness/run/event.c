#include "harness/run/event.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"

/* A line of the ledger has at most 128 KiB, and one of the log fewer. */
#define MEMBERS_CEILING ((size_t)1 << 20)

/* KIND KEY NUL VALUE NUL */
static void add(
	struct buf *block, enum event_kind kind, const char *key, const char *value)
{
	const char kind_byte = (char)kind;

	buf_add(block, &kind_byte, 1);
	buf_add(block, key, strlen(key) + 1);
	buf_add(block, value, strlen(value) + 1);
}

static void add_int(struct buf *block, const char *key, int64_t value)
{
	SCOPED(mem_free) char *text = mem_textf("%lld", (long long)value);

	add(block, EVENT_INT, key, text);
}

static void add_json(struct buf *block, const cJSON *member)
{
	SCOPED(mem_free) char *text = json_print(member);

	add(block, EVENT_JSON, member->string, text);
}

static void add_member(struct buf *block, const cJSON *member)
{
	int64_t whole;

	if (cJSON_IsString(member))
		add(block, EVENT_TEXT, member->string, member->valuestring);
	else if (cJSON_IsBool(member))
		add(block, EVENT_BOOL, member->string,
			cJSON_IsTrue(member) ? "true" : "false");
	else if (cJSON_IsNumber(member) && json_whole(member, &whole))
		add_int(block, member->string, whole);
	else
		add_json(block, member);
}

/* The block is copied: one that grew has room to spare. */
char *event_pack(const cJSON *json, size_t *size)
{
	SCOPED(buf_done) struct buf block = {0};
	const cJSON *member;
	char *members;

	buf_init(&block, MEMBERS_CEILING);
	cJSON_ArrayForEach(member, json)
		add_member(&block, member);
	buf_add(&block, "", 1);
	members = mem_grown(NULL, block.len, 1);
	memcpy(members, block.data, block.len);
	*size = block.len;
	return members;
}

bool event_next(const struct event *event, struct event_member *member)
{
	const char *at = member->value ? member->value + strlen(member->value) + 1
				       : event->members;

	if (!at || !*at)
		return false;
	member->kind = (enum event_kind) * at;
	member->key = at + 1;
	member->value = member->key + strlen(member->key) + 1;
	return true;
}

/* NULL: it has none, or of another kind. The first one counts. */
static const char *value_of(
	const struct event *event, const char *key, enum event_kind kind)
{
	struct event_member member = {0};

	while (event_next(event, &member)) {
		if (strcmp(member.key, key) == 0)
			return member.kind == kind ? member.value : NULL;
	}
	return NULL;
}

const char *event_text(const struct event *event, const char *key)
{
	return value_of(event, key, EVENT_TEXT);
}

int64_t event_int(const struct event *event, const char *key, int64_t fallback)
{
	const char *value = value_of(event, key, EVENT_INT);

	return value ? strtoll(value, NULL, 10) : fallback;
}

bool event_bool(const struct event *event, const char *key, bool fallback)
{
	const char *value = value_of(event, key, EVENT_BOOL);

	return value ? strcmp(value, "true") == 0 : fallback;
}

static void put_member(cJSON *json, const struct event_member *member)
{
	switch (member->kind) {
	case EVENT_TEXT:
		cJSON_AddStringToObject(json, member->key, member->value);
		return;
	case EVENT_INT:
		json_add_int(json, member->key, strtoll(member->value, NULL, 10));
		return;
	case EVENT_BOOL:
		cJSON_AddBoolToObject(
			json, member->key, strcmp(member->value, "true") == 0);
		return;
	case EVENT_JSON:
		cJSON_AddItemToObject(json, member->key,
			json_parse(member->value, strlen(member->value)));
		return;
	}
}

cJSON *event_json(const struct event *event)
{
	cJSON *json = cJSON_CreateObject();
	struct event_member member = {0};

	while (event_next(event, &member))
		put_member(json, &member);
	return json;
}
