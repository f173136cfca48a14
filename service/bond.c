#include "service/bond.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/agent.h"
#include "service/config.h"
#include "service/kit.h"
#include "service/means.h"
#include "service/metrics.h"
#include "service/store.h"
#include "service/tools.h"

struct bond {
	const struct means *means;
	const struct bond_events *events;
	void *arg;
	char *room, *bot;
	struct agent_talk *talk; /* NULL: not yet asked for, or not to be had */
	struct kit *kit;
	char *stored; /* the id that was to be resumed */
	char *id;     /* of the agent session; NULL until it is open */
	bool settled; /* the kit is */
	char *broken;
	int64_t since_ns; /* opening, then ending */

	bool ending, abandoned;
	enum agent_ending how;
	bool let_go; /* or given up */
	bool kit_gone;
	bool failed;
};

static const char *ending_name(enum agent_ending ending)
{
	switch (ending) {
	case AGENT_KEEP:
		return "keep";
	case AGENT_ARCHIVE:
		return "archive";
	case AGENT_DELETE:
		return "delete";
	}
	return NULL;
}

static void changed(struct bond *bond)
{
	bond->events->changed(bond->arg);
}

/* The store is not worth a turn: what it can't do is only reported. */
static void report_store(const struct err *err)
{
	log_event("store.failed", "why", LOG_TEXT(err->text));
}

void bond_break(struct bond *bond, const char *why)
{
	if (bond->broken)
		return;
	bond->broken = mem_text(why);
	log_event("session.broken", "room", LOG_TEXT(bond->room), "bot",
		LOG_TEXT(bond->bot), "why", LOG_TEXT(why));
	changed(bond);
}

void bond_save(struct bond *bond, bool interrupted)
{
	struct err err = {0};

	if (bond->id &&
		!store_save_session(bond->means->store, bond->room, bond->bot, bond->id,
			interrupted, &err))
		report_store(&err);
}

static void forget(struct bond *bond)
{
	struct err err = {0};

	if (bond->id &&
		!store_forget_session(
			bond->means->store, bond->room, bond->bot, bond->id, &err))
		report_store(&err);
}

static void on_opened(void *arg, const char *id, const char *why)
{
	struct bond *bond = arg;

	if (!id) {
		bond_break(bond, why);
		return;
	}
	bond->id = mem_text(id);
	bond_save(bond, false);
	log_event("session.opened", "room", LOG_TEXT(bond->room), "bot",
		LOG_TEXT(bond->bot), "path",
		LOG_TEXT(bond_is_resumed(bond) ? "warm" : "cold"), "took_ns",
		LOG_INT(clock_now() - bond->since_ns));
	changed(bond);
}

static void on_turned(void *arg, enum turn_end end, const char *text)
{
	struct bond *bond = arg;

	if (!bond->ending)
		bond->events->turned(bond->arg, end, text);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	struct bond *bond = arg;

	if (!bond->ending)
		kit_call(bond->kit, use_id, name, input);
}

static void on_broke(void *arg, const char *why)
{
	struct bond *bond = arg;

	if (bond->ending)
		bond->let_go = true; /* it was abandoned, and has ended by itself */
	else
		bond_break(bond, why);
	changed(bond);
}

static const struct agent_talk_events talk_events = {
	.opened = on_opened,
	.turned = on_turned,
	.wants_tool = on_wants_tool,
	.broke = on_broke,
};

static void open_talk(struct bond *bond)
{
	const struct means *means = bond->means;
	struct err err = {0};

	if (!store_find_session(
		    means->store, bond->room, bond->bot, &bond->stored, &err))
		report_store(&err);
	tools_declare(means->tools, means->agent);
	bond->talk = agent_open(means->agent, bond->stored, bond->room, bond->bot,
		&talk_events, bond, &err);
	if (!bond->talk)
		bond_break(bond, err.text);
}

static void on_kit_settled(void *arg)
{
	struct bond *bond = arg;

	bond->settled = true;
	if (!bond->talk && !bond->broken)
		open_talk(bond);
	changed(bond);
}

static void on_kit_answered(
	void *arg, const char *use_id, const cJSON *content, bool is_error)
{
	struct bond *bond = arg;

	if (!bond->ending)
		agent_answer(bond->talk, use_id, content, is_error);
}

static void on_kit_gone(void *arg)
{
	struct bond *bond = arg;

	bond->kit_gone = true;
	changed(bond);
}

static const struct kit_events kit_events = {
	.settled = on_kit_settled,
	.answered = on_kit_answered,
	.gone = on_kit_gone,
};

/* The agent wants to know the tools first; when they are known from before, talk and
 * servers are opened side by side. */
struct bond *bond_open(const struct means *means, const char *room, const char *bot,
	const struct bond_events *events, void *arg)
{
	struct bond *bond = mem_zeroed(sizeof *bond);

	bond->means = means;
	bond->events = events;
	bond->arg = arg;
	bond->room = mem_text(room);
	bond->bot = mem_text(bot);
	bond->since_ns = clock_now();
	bond->kit = kit_create(means, room, bot, &kit_events, bond);
	kit_open(bond->kit);
	if (tools_settled(means->tools))
		open_talk(bond);
	return bond;
}

bool bond_is_open(const struct bond *bond)
{
	return bond->settled && bond->id && !bond->broken;
}

bool bond_is_resumed(const struct bond *bond)
{
	return bond->stored && bond->id && strcmp(bond->stored, bond->id) == 0;
}

const char *bond_broken(const struct bond *bond)
{
	return bond->broken;
}

bool bond_is_over(const struct bond *bond)
{
	return bond->ending && bond->let_go && bond->kit_gone;
}

bool bond_failed(const struct bond *bond)
{
	return bond->failed;
}

bool bond_say(struct bond *bond, const char *text, struct err *err)
{
	return agent_say(bond->talk, text, err);
}

void bond_interrupt(struct bond *bond)
{
	agent_interrupt(bond->talk);
}

static void on_let_go(void *arg, const char *why)
{
	struct bond *bond = arg;
	struct metrics *metrics = bond->means->metrics;

	bond->let_go = true;
	bond->failed = why != NULL;
	if (why) {
		metrics->disconnect_failures++;
		log_event("session.disconnect.failed", "room", LOG_TEXT(bond->room),
			"bot", LOG_TEXT(bond->bot), "why", LOG_TEXT(why));
	} else if (agent_has_session(bond->talk)) {
		metrics->disconnects++;
		if (bond->how != AGENT_KEEP)
			forget(bond);
		log_event("session.disconnected", "room", LOG_TEXT(bond->room), "bot",
			LOG_TEXT(bond->bot), "how", LOG_TEXT(ending_name(bond->how)),
			"took_ns", LOG_INT(clock_now() - bond->since_ns), "message",
			LOG_TEXT("Disconnected agent client"));
	}
	changed(bond);
}

/* Of a talk that could not be opened there is nothing to let go. */
static void begin_end(struct bond *bond, enum agent_ending how)
{
	bond->ending = true;
	bond->since_ns = clock_now();
	bond->how = how;
	bond->let_go = !bond->talk || (bond->broken && !bond->id);
}

void bond_end(struct bond *bond, bool for_good, int64_t deadline_ns)
{
	enum agent_ending how = (enum agent_ending)bond->means->config->session_end;

	begin_end(bond, bond->broken && !for_good ? AGENT_KEEP : how);
	if (!bond->let_go) {
		log_event("session.disconnect.begin", "room", LOG_TEXT(bond->room),
			"bot", LOG_TEXT(bond->bot));
		agent_let_go(bond->talk, bond->how, deadline_ns, on_let_go, bond);
	}
	kit_stop(bond->kit, deadline_ns);
}

void bond_abandon(struct bond *bond)
{
	begin_end(bond, AGENT_KEEP);
	bond->abandoned = true;
	if (bond->broken)
		bond->let_go = true;
	kit_abandon(bond->kit);
}

void bond_hurry(struct bond *bond, int64_t deadline_ns)
{
	if (!bond->abandoned)
		kit_stop(bond->kit, deadline_ns);
}

void bond_give_up(struct bond *bond, const char *why)
{
	if (!bond->let_go && bond->abandoned)
		on_let_go(bond, why);
	else if (!bond->let_go)
		agent_give_up(bond->talk, why);
	kit_kill(bond->kit);
}

void bond_destroy(struct bond *bond)
{
	if (!bond)
		return;
	agent_talk_destroy(bond->talk);
	kit_destroy(bond->kit);
	free(bond->room);
	free(bond->bot);
	free(bond->stored);
	free(bond->id);
	free(bond->broken);
	free(bond);
}
