/*
 * chain_search - the links of a chain while it is found: from the end of PID 1 backwards,
 * each reaches from its own beginning to the one that was found before.
 */
#ifndef HARNESS_PICTURE_CHAIN_SEARCH_H
#define HARNESS_PICTURE_CHAIN_SEARCH_H

#include "harness/judge/view.h"
#include "harness/picture/chain.h"
#include "harness/picture/stop_steps.h"

struct chain_search {
	struct chain *chain;
	const struct view *view;
	const struct stop_steps *steps;
	int64_t cursor_ns; /* everything from here on has its link */
	bool killed;       /* PID 1 was, while it waited */
};

/* Takes name and what. A link without a length is none. */
void chain_add_link(struct chain_search *search, enum chain_kind kind, char *name,
	char *what, int64_t from_ns);
void chain_add_process(struct chain_search *search, const struct process *process,
	const char *what, int64_t from_ns);
/* from_ns 0: there was no such phase. */
void chain_add_phase(struct chain_search *search, const char *what, int64_t from_ns);
void chain_item_done(struct chain_item *item);

/* Is the time from there to the cursor so short that nothing else was waited for? */
bool chain_is_near(const struct chain_search *search, int64_t ns);

/* What was not yet so at the cursor was no end of a wait: then 0. */
int64_t chain_by_now(const struct chain_search *search, int64_t ns);

/* Behind from_ns, and not behind to_ns. */
bool chain_is_between(int64_t ns, int64_t from_ns, int64_t to_ns);

const struct process_steps *chain_steps_of(
	const struct chain_search *search, const struct process *process);

/* Adds the request that ended right before the cursor, the last one. */
void chain_follow_request(struct chain_search *search);

/* "session 3", "client 1"; the caller's. */
char *chain_request_name(const struct load_request *request) MUST_CHECK;

/* Adds why a process was there until the cursor. */
void chain_explain_process(struct chain_search *search, const struct process *process);

/* Adds what a service that logs its phases waited for. */
void chain_explain_service(struct chain_search *search);

#endif
