#include "mock-mcp/http/delayed.h"

#include <stdlib.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "mock-mcp/http/exchange_owner.h"

struct delayed {
	struct exchange_owner owner;
	struct http *http;
	struct web_exchange *exchange;
	struct loop_timer *timer;
	delayed_fn *due, *left;
};

static void destroy(struct delayed *delayed)
{
	loop_timer_destroy(delayed->timer);
	free(delayed);
}

static void on_due(void *arg)
{
	struct delayed *delayed = arg;

	delayed->exchange->data = NULL;
	delayed->due(delayed->http, delayed->exchange);
	destroy(delayed);
}

static void on_over(struct exchange_owner *owner, UNUSED enum web_end end)
{
	struct delayed *delayed = (struct delayed *)owner;

	if (delayed->left)
		delayed->left(delayed->http, delayed->exchange);
	destroy(delayed);
}

void delayed_begin(struct http *http, struct web_exchange *exchange, int64_t ns,
	delayed_fn *due, delayed_fn *left)
{
	struct delayed *delayed = mem_zeroed(sizeof *delayed);

	*delayed = (struct delayed){
		.owner = {on_over},
		.http = http,
		.exchange = exchange,
		.due = due,
		.left = left,
	};
	exchange->data = delayed;
	delayed->timer = loop_timer_create(http->loop, on_due, delayed);
	loop_timer_set(delayed->timer, ns);
}
