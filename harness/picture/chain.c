#include "harness/picture/chain.h"

#include <stdlib.h>
#include <string.h>

#include "harness/picture/chain_search.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

const char *const chain_kind_names[CHAIN_KINDS + 1] = {
	[CHAIN_PROCESS] = "process",
	[CHAIN_SESSION] = "session",
	[CHAIN_TURN] = "turn",
	[CHAIN_REQUEST] = "request",
	[CHAIN_PHASE] = "phase",
	[CHAIN_KILL] = "kill",
};

static void reverse(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count / 2; i++) {
		struct chain_item item = chain->list[i];

		chain->list[i] = chain->list[chain->count - 1 - i];
		chain->list[chain->count - 1 - i] = item;
	}
}

static bool counts_any(const struct chain_item *item UNUSED, const void *arg UNUSED)
{
	return true;
}

/* All links like this one that count. */
static struct chain_row row_of(const struct chain *chain, const struct chain_item *like,
	chain_counts_fn *counts, const void *arg)
{
	struct chain_row row = {.first = like};

	for (unsigned i = 0; i < chain->count; i++) {
		const struct chain_item *item = &chain->list[i];

		if (item->kind != like->kind || strcmp(item->what, like->what) != 0 ||
			!counts(item, arg))
			continue;
		row.ns += item->to_ns - item->from_ns;
		row.count += item->count;
	}
	return row;
}

struct chain_row chain_longest(
	const struct chain *chain, chain_counts_fn *counts, const void *arg)
{
	struct chain_row longest = {0};

	for (unsigned i = 0; i < chain->count; i++) {
		struct chain_row row;

		if (!counts(&chain->list[i], arg))
			continue;
		row = row_of(chain, &chain->list[i], counts, arg);
		if (row.ns > longest.ns)
			longest = row;
	}
	return longest;
}

static void find_longest(struct chain *chain)
{
	struct chain_row row = chain_longest(chain, counts_any, NULL);

	if (!row.first)
		return;
	chain->held_up_by = *row.first;
	chain->held_up_by.name = mem_text(row.first->name);
	chain->held_up_by.what = mem_text(row.first->what);
	chain->held_up_by.to_ns = row.first->from_ns + row.ns;
	chain->held_up_by.count = row.count;
}

void chain_find(
	struct chain *chain, const struct view *view, const struct stop_steps *steps)
{
	struct chain_search search = {
		.chain = chain,
		.view = view,
		.steps = steps,
		.cursor_ns = steps->end_ns,
		.killed = view->killed ||
			(view->facts->kill_ns && view->signalled &&
				view->facts->kill_ns < steps->end_ns),
	};

	*chain = (struct chain){0};
	if (view->stop_ns < 0)
		return;
	if (search.killed)
		chain_add_link(&search, CHAIN_KILL,
			stop_steps_name(view, view->processes.list),
			mem_text("from SIGKILL to its end"), view->facts->kill_ns);
	if (view->shutdown)
		chain_explain_service(&search);
	else
		chain_explain_process(&search, view->processes.list);
	reverse(chain);
	find_longest(chain);
}

void chain_done(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		chain_item_done(&chain->list[i]);
	free(chain->list);
	chain_item_done(&chain->held_up_by);
	*chain = (struct chain){0};
}

static cJSON *item_json(const struct chain_item *item)
{
	cJSON *json = json_fill(NULL, "{'kind': %s}", chain_kind_names[item->kind]);

	json_add_text(json, "name", item->name);
	json_add_text(json, "what", item->what);
	json_add_int(json, "from_ns", item->from_ns);
	json_add_int(json, "to_ns", item->to_ns);
	json_add_int(json, "count", item->count);
	return json;
}

void chain_add_json(const struct chain *chain, cJSON *round)
{
	cJSON *list = cJSON_AddArrayToObject(round, "chain");
	const struct chain_item *longest = &chain->held_up_by;
	cJSON *json;

	for (unsigned i = 0; i < chain->count; i++)
		cJSON_AddItemToArray(list, item_json(&chain->list[i]));
	if (longest->count == 0) {
		cJSON_AddNullToObject(round, "held_up_by");
		return;
	}
	json = item_json(longest);
	cJSON_DeleteItemFromObjectCaseSensitive(json, "from_ns");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "to_ns");
	json_add_int(json, "ns", longest->to_ns - longest->from_ns);
	cJSON_AddItemToObject(round, "held_up_by", json);
}
