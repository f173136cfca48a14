#include "mock-agent/turnstile.h"

#include <assert.h>
#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"

struct visit {
	struct request *request;
	request_fn *pass;
	struct visit *prev, *next;
};

struct turnstile {
	struct visit *visits; /* the first one is in it, the others wait */
};

struct turnstile *turnstile_create(void)
{
	return mem_zeroed(sizeof(struct turnstile));
}

void turnstile_destroy(struct turnstile *turnstile)
{
	assert(!turnstile || !turnstile->visits);
	free(turnstile);
}

bool turnstile_is_taken(const struct turnstile *turnstile)
{
	return turnstile->visits != NULL;
}

void turnstile_enter(
	struct turnstile *turnstile, struct request *request, request_fn *pass)
{
	struct visit *visit = mem_zeroed(sizeof *visit);

	visit->request = request;
	visit->pass = pass;
	DL_APPEND(turnstile->visits, visit);
	if (turnstile->visits == visit)
		pass(request);
}

void turnstile_leave(struct turnstile *turnstile, const struct request *request)
{
	struct visit *visit;
	bool was_in;

	DL_SEARCH_SCALAR(turnstile->visits, visit, request, request);
	if (!visit)
		return;
	was_in = visit == turnstile->visits;
	DL_DELETE(turnstile->visits, visit);
	free(visit);
	if (was_in && turnstile->visits)
		turnstile->visits->pass(turnstile->visits->request);
}
