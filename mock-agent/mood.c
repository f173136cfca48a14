#include "mock-agent/mood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"

struct mood {
	const struct manners_book *book;
	int64_t label;
	char text[24]; /* the label's */
	struct dice dice[MOMENTS];
	int64_t struck[MOMENTS];
	bool dark;
	UT_hash_handle hh;
};

struct moods {
	const struct manners_book *book;
	uint64_t seed;
	struct mood *by_label;
};

struct moods *moods_create(const struct manners_book *book, uint64_t seed)
{
	struct moods *moods = mem_zeroed(sizeof *moods);

	moods->book = book;
	moods->seed = seed;
	return moods;
}

void moods_destroy(struct moods *moods)
{
	struct mood *mood, *next;

	if (!moods)
		return;
	HASH_ITER(hh, moods->by_label, mood, next) {
		HASH_DEL(moods->by_label, mood);
		free(mood);
	}
	free(moods);
}

/* Neighbours become strangers in dice_seed(). */
static uint64_t seed_of(const struct moods *moods, int64_t label, unsigned moment)
{
	return (moods->seed * UINT64_C(1000003) + (uint64_t)label) * MOMENTS + moment;
}

static void seed_mood(const struct moods *moods, struct mood *mood)
{
	for (unsigned i = 0; i < MOMENTS; i++)
		dice_seed(&mood->dice[i], seed_of(moods, mood->label, i));
}

struct mood *moods_get(struct moods *moods, int64_t label)
{
	struct mood *mood;

	HASH_FIND(hh, moods->by_label, &label, sizeof label, mood);
	if (mood)
		return mood;
	mood = mem_zeroed(sizeof *mood);
	mood->book = moods->book;
	mood->label = label;
	snprintf(mood->text, sizeof mood->text, "%lld", (long long)label);
	seed_mood(moods, mood);
	HASH_ADD(hh, moods->by_label, label, sizeof mood->label, mood);
	return mood;
}

void moods_restart(struct moods *moods, uint64_t seed)
{
	struct mood *mood, *next;

	moods->seed = seed;
	HASH_ITER(hh, moods->by_label, mood, next) {
		seed_mood(moods, mood);
		memset(mood->struck, 0, sizeof mood->struck);
		mood->dark = false;
	}
}

static void forgive(struct mood *mood, const cJSON *said)
{
	for (unsigned i = 0; i < MOMENTS; i++) {
		bool is_ending = i == MOMENT_ARCHIVE || i == MOMENT_DELETE;

		if (json_get(said, moment_name(i)) ||
			(is_ending && json_get(said, "disconnect")))
			mood->struck[i] = 0;
	}
}

void moods_forgive(struct moods *moods, const cJSON *said)
{
	struct mood *mood, *next;
	const cJSON *rule;

	HASH_ITER(hh, moods->by_label, mood, next) {
		forgive(mood, said);
		cJSON_ArrayForEach(rule, json_get(said, "rules")) {
			if (json_int(rule, "session", -1) == mood->label)
				forgive(mood, rule);
		}
	}
}

void mood_go_dark(struct mood *mood)
{
	mood->dark = true;
}

bool mood_is_dark(const struct mood *mood)
{
	return mood->dark;
}

const struct manners *mood_manners(const struct mood *mood)
{
	return manners_for(mood->book, mood->label);
}

int64_t mood_number(const struct mood *mood)
{
	return mood->label;
}

const char *mood_label(const struct mood *mood)
{
	return mood->text;
}

void mood_log_fault(const struct mood *mood, const char *id, const struct act *act)
{
	log_event("agent.fault", "session", LOG_TEXT(mood->text), "id", LOG_TEXT(id),
		"phase", LOG_TEXT(moment_name(act->moment)), "fault",
		LOG_TEXT(fault_name(act->fault)));
}

/* NULL for the moment that knows no fault. */
static const struct phase *phase_of(const struct manners *manners, enum moment moment)
{
	switch (moment) {
	case MOMENT_CONNECT:
		return &manners->connect;
	case MOMENT_STREAM:
		return &manners->stream;
	case MOMENT_FIRST_BYTE:
		return &manners->first_byte;
	case MOMENT_CHUNK:
		return &manners->chunk;
	case MOMENT_INTERRUPT:
		return &manners->interrupt;
	case MOMENT_SETTLE:
		return &manners->settle;
	case MOMENT_ARCHIVE:
		return manners_ending(manners, true);
	case MOMENT_DELETE:
		return manners_ending(manners, false);
	case MOMENT_MESSAGES:
		return &manners->messages;
	case MOMENT_HOLD:
	case MOMENTS:
		break;
	}
	return NULL;
}

struct act mood_next(struct mood *mood, enum moment moment)
{
	const struct manners *manners = mood_manners(mood);
	const struct phase *phase = phase_of(manners, moment);
	struct act act = {.moment = moment};

	act.delay_ns = latency_draw(
		phase ? &phase->latency : &manners->hold, &mood->dice[moment]);
	if (!phase || phase->fault == FAULT_NONE ||
		(phase->times > 0 && mood->struck[moment] >= phase->times))
		return act;
	mood->struck[moment]++;
	act.fault = phase->fault;
	act.takes_effect = phase->takes_effect;
	act.status = (unsigned)phase->status;
	act.retry_after_ns = phase->retry_after_ns;
	return act;
}

const char *moment_name(enum moment moment)
{
	switch (moment) {
	case MOMENT_CONNECT:
		return "connect";
	case MOMENT_STREAM:
		return "stream";
	case MOMENT_FIRST_BYTE:
		return "first_byte";
	case MOMENT_CHUNK:
		return "chunk";
	case MOMENT_INTERRUPT:
		return "interrupt";
	case MOMENT_SETTLE:
		return "settle";
	case MOMENT_ARCHIVE:
		return "archive";
	case MOMENT_DELETE:
		return "delete";
	case MOMENT_MESSAGES:
		return "messages";
	case MOMENT_HOLD:
	case MOMENTS:
		break;
	}
	return "hold";
}
