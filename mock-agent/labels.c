#include "mock-agent/labels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

#define NAMES_MAX 10000

struct label {
	int64_t number;
	unsigned attempts; /* under way */
	bool kept;         /* by a session, or by several of one room */
	UT_hash_handle hh;
};

struct name {
	int64_t number;
	UT_hash_handle hh;
	char text[];
};

struct labels {
	struct label *taken;
	struct name *names;
	int64_t first; /* all below it are taken */
};

struct labels *labels_create(void)
{
	struct labels *labels = mem_zeroed(sizeof *labels);

	labels->first = 1;
	return labels;
}

static void forget_unless_held(struct labels *labels, struct label *label)
{
	if (label->kept || label->attempts > 0)
		return;
	if (label->number > 0 && label->number < labels->first)
		labels->first = label->number;
	HASH_DEL(labels->taken, label);
	free(label);
}

void labels_clear(struct labels *labels)
{
	struct label *label, *next;
	struct name *name, *next_name;

	HASH_ITER(hh, labels->taken, label, next) {
		label->kept = false;
		forget_unless_held(labels, label);
	}
	HASH_ITER(hh, labels->names, name, next_name) {
		HASH_DEL(labels->names, name);
		free(name);
	}
}

void labels_destroy(struct labels *labels)
{
	if (!labels)
		return;
	labels_clear(labels);
	free(labels);
}

static struct label *find(const struct labels *labels, int64_t number)
{
	struct label *label;

	HASH_FIND(hh, labels->taken, &number, sizeof number, label);
	return label;
}

static int64_t take(struct labels *labels, int64_t number)
{
	struct label *label = find(labels, number);

	if (!label) {
		label = mem_zeroed(sizeof *label);
		label->number = number;
		HASH_ADD(hh, labels->taken, number, sizeof label->number, label);
	}
	label->attempts++;
	return number;
}

static int64_t take_first(struct labels *labels)
{
	while (find(labels, labels->first))
		labels->first++;
	return take(labels, labels->first);
}

/* "12" or 12; -1 for everything else. */
static int64_t read_number(const cJSON *room)
{
	const char *text = cJSON_GetStringValue(room);
	int64_t number;
	char *end;

	if (json_whole(room, &number))
		return number >= 0 ? number : -1;
	if (!text || text[strspn(text, "0123456789")] != '\0' || !*text)
		return -1;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno == 0 ? number : -1;
}

int64_t labels_take(struct labels *labels, const cJSON *metadata)
{
	int64_t room = read_number(json_get(metadata, "room"));

	return room >= 0 ? take(labels, room) : take_first(labels);
}

void labels_keep(struct labels *labels, int64_t number)
{
	struct label *label = find(labels, number);

	label->attempts--;
	label->kept = true;
}

void labels_give_back(struct labels *labels, int64_t number)
{
	struct label *label = find(labels, number);

	label->attempts--;
	forget_unless_held(labels, label);
}

int64_t labels_take_named(struct labels *labels, const char *name)
{
	size_t len = strlen(name);
	struct name *known;

	HASH_FIND(hh, labels->names, name, len, known);
	if (known)
		return known->number;
	if (HASH_COUNT(labels->names) >= NAMES_MAX)
		return 0;
	known = mem_zeroed(sizeof *known + len + 1);
	memcpy(known->text, name, len + 1);
	known->number = take_first(labels);
	labels_keep(labels, known->number);
	HASH_ADD_KEYPTR(hh, labels->names, known->text, len, known);
	return known->number;
}
