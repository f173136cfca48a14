#include "mock-agent/session/session_numbers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

#define NAMES_MAX 10000

struct session_number {
	int64_t number;
	unsigned attempts; /* in progress */
	bool kept;         /* by one session or more of the same room */
	UT_hash_handle hh;
};

struct session_name {
	int64_t number;
	UT_hash_handle hh;
	char text[];
};

static void free_if_unused(
	struct session_numbers *numbers, struct session_number *entry)
{
	if (entry->kept || entry->attempts > 0)
		return;
	if (entry->number > 0 && entry->number <= numbers->full)
		numbers->full = entry->number - 1;
	HASH_DEL(numbers->taken, entry);
	free(entry);
}

void session_numbers_clear(struct session_numbers *numbers)
{
	struct session_number *entry, *next;
	struct session_name *name, *next_name;

	HASH_ITER(hh, numbers->taken, entry, next) {
		entry->kept = false;
		free_if_unused(numbers, entry);
	}
	HASH_ITER(hh, numbers->names, name, next_name) {
		HASH_DEL(numbers->names, name);
		free(name);
	}
}

static struct session_number *find(
	const struct session_numbers *numbers, int64_t number)
{
	struct session_number *entry;

	HASH_FIND(hh, numbers->taken, &number, sizeof number, entry);
	return entry;
}

static int64_t take(struct session_numbers *numbers, int64_t number)
{
	struct session_number *entry = find(numbers, number);

	if (!entry) {
		entry = mem_zeroed(sizeof *entry);
		entry->number = number;
		HASH_ADD(hh, numbers->taken, number, sizeof entry->number, entry);
	}
	entry->attempts++;
	return number;
}

static int64_t take_first(struct session_numbers *numbers)
{
	while (find(numbers, numbers->full + 1))
		numbers->full++;
	return take(numbers, numbers->full + 1);
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

int64_t session_numbers_take(struct session_numbers *numbers, const cJSON *metadata)
{
	int64_t room = read_number(json_get(metadata, "room"));

	return room >= 0 ? take(numbers, room) : take_first(numbers);
}

void session_numbers_keep(struct session_numbers *numbers, int64_t number)
{
	struct session_number *entry = find(numbers, number);

	entry->attempts--;
	entry->kept = true;
}

void session_numbers_give_back(struct session_numbers *numbers, int64_t number)
{
	struct session_number *entry = find(numbers, number);

	entry->attempts--;
	free_if_unused(numbers, entry);
}

int64_t session_numbers_take_named(struct session_numbers *numbers, const char *name)
{
	size_t len = strlen(name);
	struct session_name *known;

	HASH_FIND(hh, numbers->names, name, len, known);
	if (known)
		return known->number;
	if (HASH_COUNT(numbers->names) >= NAMES_MAX)
		return 0;
	known = mem_zeroed(sizeof *known + len + 1);
	memcpy(known->text, name, len + 1);
	known->number = take_first(numbers);
	session_numbers_keep(numbers, known->number);
	HASH_ADD_KEYPTR(hh, numbers->names, known->text, len, known);
	return known->number;
}
