#include "mock-agent/session/session_numbers.h"

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

struct session_numbers {
	struct label *taken;
	struct name *names;
	int64_t first; /* all below it are taken */
};

struct session_numbers *session_numbers_create(void)
{
	struct session_numbers *numbers = mem_zeroed(sizeof *numbers);

	numbers->first = 1;
	return numbers;
}

static void forget_unless_held(struct session_numbers *numbers, struct label *label)
{
	if (label->kept || label->attempts > 0)
		return;
	if (label->number > 0 && label->number < numbers->first)
		numbers->first = label->number;
	HASH_DEL(numbers->taken, label);
	free(label);
}

void session_numbers_clear(struct session_numbers *numbers)
{
	struct label *label, *next;
	struct name *name, *next_name;

	HASH_ITER(hh, numbers->taken, label, next) {
		label->kept = false;
		forget_unless_held(numbers, label);
	}
	HASH_ITER(hh, numbers->names, name, next_name) {
		HASH_DEL(numbers->names, name);
		free(name);
	}
}

void session_numbers_destroy(struct session_numbers *numbers)
{
	if (!numbers)
		return;
	session_numbers_clear(numbers);
	free(numbers);
}

static struct label *find(const struct session_numbers *numbers, int64_t number)
{
	struct label *label;

	HASH_FIND(hh, numbers->taken, &number, sizeof number, label);
	return label;
}

static int64_t take(struct session_numbers *numbers, int64_t number)
{
	struct label *label = find(numbers, number);

	if (!label) {
		label = mem_zeroed(sizeof *label);
		label->number = number;
		HASH_ADD(hh, numbers->taken, number, sizeof label->number, label);
	}
	label->attempts++;
	return number;
}

static int64_t take_first(struct session_numbers *numbers)
{
	while (find(numbers, numbers->first))
		numbers->first++;
	return take(numbers, numbers->first);
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
	struct label *label = find(numbers, number);

	label->attempts--;
	label->kept = true;
}

void session_numbers_give_back(struct session_numbers *numbers, int64_t number)
{
	struct label *label = find(numbers, number);

	label->attempts--;
	forget_unless_held(numbers, label);
}

int64_t session_numbers_take_named(struct session_numbers *numbers, const char *name)
{
	size_t len = strlen(name);
	struct name *known;

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
