#include "mock-agent/session/session_numbers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

struct session_number {
	int64_t number;
	unsigned attempts; /* in progress */
	bool kept;         /* by one session or more of the same room */
	UT_hash_handle hh;
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

	HASH_ITER(hh, numbers->taken, entry, next) {
		entry->kept = false;
		free_if_unused(numbers, entry);
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

/* "12"; -1 for everything else. */
static int64_t read_text(const char *text)
{
	int64_t number;
	char *end;

	if (!text || text[strspn(text, "0123456789")] != '\0' || !*text)
		return -1;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno == 0 ? number : -1;
}

/* The same, or 12. */
static int64_t read_number(const cJSON *room)
{
	int64_t number;

	if (json_whole(room, &number))
		return number >= 0 ? number : -1;
	return read_text(cJSON_GetStringValue(room));
}

static int64_t take_room(struct session_numbers *numbers, int64_t room)
{
	return room >= 0 ? take(numbers, room) : take_first(numbers);
}

int64_t session_numbers_take(struct session_numbers *numbers, const cJSON *metadata)
{
	return take_room(numbers, read_number(json_get(metadata, "room")));
}

int64_t session_numbers_take_named(struct session_numbers *numbers, const char *name)
{
	return take_room(numbers, read_text(name));
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
