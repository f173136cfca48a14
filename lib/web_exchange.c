#include "lib/web_exchange.h"

#include <stdlib.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct web_exchange *web_exchange_begin(struct web_exchanges *all,
	struct web_connection *client, const struct web_protocol *protocol)
{
	struct web_exchange *exchange = mem_zeroed(sizeof *exchange);

	exchange->all = all;
	exchange->client = client;
	exchange->protocol = protocol;
	buf_init(&exchange->body, all->body_ceiling);
	buf_init(&exchange->stream, 2 * WEB_UNSENT_MAX);
	DL_APPEND(all->list, exchange);
	all->arriving++;
	return exchange;
}

void web_exchange_hand_over(struct web_exchange *exchange)
{
	struct web_exchanges *all = exchange->all;

	all->arriving--;
	all->open++;
	exchange->handed = true;
	web_exchange_enter(exchange, WEB_EXCHANGE_HANDED);
	all->handle(all->arg, exchange);
}

void web_exchange_refuse_body(
	struct web_exchange *exchange, struct buf *head, struct buf *body)
{
	struct web_exchanges *all = exchange->all;

	if (all->refusal)
		all->refusal(all->arg, exchange, head, body);
	else
		buf_addf(body, "{\"error\":\"the body is larger than %zu bytes\"}",
			all->body_ceiling);
	if (all->refused)
		all->refused(all->arg, 413);
}

/* It looks after each run of microhttpd, which has no part in HTTP/2. */
static void tell_drain(const struct web_exchanges *exchanges)
{
	if (exchanges->closing)
		web_pump_wake(exchanges->pump);
}

void web_exchange_enter(struct web_exchange *exchange, enum web_exchange_state state)
{
	exchange->state = state;
	if (state == WEB_EXCHANGE_ANSWERED || state == WEB_EXCHANGE_CUT)
		exchange->answered_ns = clock_now();
	if (state != WEB_EXCHANGE_HANDED && state != WEB_EXCHANGE_SHUT)
		exchange->protocol->wake(exchange);
	tell_drain(exchange->all);
}

void web_exchange_fail(struct web_exchange *exchange, enum web_end end)
{
	if (exchange->state == WEB_EXCHANGE_FAILED)
		return;
	exchange->end = end;
	web_exchange_enter(exchange, WEB_EXCHANGE_FAILED);
}

void web_exchange_cut(struct web_exchange *exchange, enum web_end end)
{
	exchange->protocol->sever(exchange, false);
	web_exchange_fail(exchange, end);
}

size_t web_exchange_unsent(const struct web_exchange *exchange)
{
	return exchange->stream.len - exchange->streamed;
}

void web_exchange_end(struct web_exchange *exchange, enum web_end end)
{
	struct web_exchanges *all = exchange->all;

	all->activity++;
	tell_drain(all);
	DL_DELETE(all->list, exchange);
	if (!exchange->handed) {
		all->arriving--;
	} else {
		all->open--;
		if (all->over)
			all->over(all->arg, exchange, end);
	}
	buf_done(&exchange->body);
	buf_done(&exchange->head);
	buf_done(&exchange->query);
	free(exchange->decoded);
	buf_done(&exchange->headers);
	buf_done(&exchange->stream);
	free(exchange);
}

void web_exchanges_break(struct web_exchanges *exchanges)
{
	struct web_exchange *exchange;

	for (exchange = exchanges->list; exchange; exchange = exchange->next)
		if (exchange->state != WEB_EXCHANGE_ARRIVING)
			web_exchange_fail(exchange, WEB_BROKEN);
}

/* The end of an answer, too, has to be taken. */
static bool waits_for_client(const struct web_exchange *exchange)
{
	return exchange->state == WEB_EXCHANGE_ANSWERED ||
		exchange->state == WEB_EXCHANGE_CUT ||
		exchange->state == WEB_EXCHANGE_FAILED;
}

int64_t web_exchanges_cut_unsent(
	struct web_exchanges *exchanges, int64_t since_ns, int64_t patience_ns)
{
	int64_t now_ns = clock_now(), next_ns = 0;
	struct web_exchange *exchange;

	for (exchange = exchanges->list; exchange; exchange = exchange->next) {
		int64_t due_ns = exchange->answered_ns;

		if (!waits_for_client(exchange))
			continue;
		due_ns = (due_ns > since_ns ? due_ns : since_ns) + patience_ns;
		if (due_ns <= now_ns)
			web_exchange_cut(exchange, WEB_BROKEN);
		else if (next_ns == 0 || due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

const char *web_header(const struct web_exchange *exchange, const char *name)
{
	return exchange->protocol->header(exchange, name);
}

void web_each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg)
{
	exchange->protocol->each_header(exchange, each, arg);
}

const char *web_query(const struct web_exchange *exchange, const char *name, unsigned i)
{
	return exchange->protocol->query(exchange, name, i);
}

const char *web_target(const struct web_exchange *exchange)
{
	return exchange->protocol->target(exchange);
}
