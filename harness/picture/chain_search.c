#include "harness/picture/chain_search.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"

void chain_item_done(struct chain_item *item)
{
	mem_free(&item->name);
	mem_free(&item->what);
}

/* The row of things that were waited for one after the other is one link of a long
 * chain. */
static bool joins(const struct chain *chain, const struct chain_item *item)
{
	const struct chain_item *last;

	if (chain->count < CHAIN_MAX)
		return false;
	last = &chain->list[chain->count - 1];
	return last->kind == item->kind && strcmp(last->what, item->what) == 0;
}

void chain_add_link(struct chain_search *search, enum chain_kind kind, char *name,
	char *what, int64_t from_ns)
{
	struct chain *chain = search->chain;
	int64_t zero_ns = search->steps->zero_ns;
	struct chain_item item = {
		.kind = kind,
		.name = name,
		.what = what,
		.from_ns = (from_ns > zero_ns ? from_ns : zero_ns) - zero_ns,
		.to_ns = search->cursor_ns - zero_ns,
		.count = 1,
	};

	if (item.from_ns >= item.to_ns) {
		chain_item_done(&item);
		return;
	}
	search->cursor_ns = item.from_ns + zero_ns;
	if (joins(chain, &item)) {
		chain->list[chain->count - 1].from_ns = item.from_ns;
		chain->list[chain->count - 1].count++;
		chain_item_done(&item);
		return;
	}
	chain->list = mem_grown(chain->list, chain->count + 1, sizeof *chain->list);
	chain->list[chain->count++] = item;
}

void chain_add_process(struct chain_search *search, const struct process *process,
	const char *what, int64_t from_ns)
{
	chain_add_link(search, CHAIN_PROCESS, stop_steps_name(search->view, process),
		mem_text(what), from_ns);
}

void chain_add_phase(struct chain_search *search, const char *what, int64_t from_ns)
{
	if (from_ns)
		chain_add_link(search, CHAIN_PHASE, mem_text("the service"),
			mem_text(what), from_ns);
}

bool chain_is_near(const struct chain_search *search, int64_t ns)
{
	int64_t near_ns = (search->steps->end_ns - search->steps->zero_ns) / 100;

	return search->cursor_ns - ns <= (near_ns > CLOCK_MS ? near_ns : CLOCK_MS);
}

int64_t chain_by_now(const struct chain_search *search, int64_t ns)
{
	return ns <= search->cursor_ns ? ns : 0;
}

bool chain_is_between(int64_t ns, int64_t from_ns, int64_t to_ns)
{
	return ns > from_ns && ns <= to_ns;
}

const struct process_steps *chain_steps_of(
	const struct chain_search *search, const struct process *process)
{
	return &search->steps->of[process - search->view->processes.list];
}

char *chain_request_name(const struct load_request *request)
{
	return request->session ? mem_textf("session %u", request->session)
				: mem_textf("client %u", request->client);
}

void chain_follow_request(struct chain_search *search)
{
	const struct evidence *evidence = search->view->evidence;
	const struct load_request *last = NULL;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->kind != REQUEST_IDLE &&
			chain_is_between(request->ended_ns, search->steps->zero_ns,
				search->cursor_ns) &&
			chain_is_near(search, request->ended_ns) &&
			(!last || request->ended_ns > last->ended_ns))
			last = request;
	}
	if (last)
		chain_add_link(search, CHAIN_REQUEST, chain_request_name(last),
			mem_text("a request in flight"), last->sent_ns);
}
