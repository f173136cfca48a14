#include "service/stop_order.h"

#include "lib/clock.h"

bool stop_order_merge(struct stop_order *order, const struct stop_order *more)
{
	bool faster = more->mode > order->mode;
	bool earlier = more->deadline_ns &&
		(!order->deadline_ns || more->deadline_ns < order->deadline_ns);

	if (order->mode == STOP_NONE) {
		order->release = more->release;
		order->jitter_ns = more->jitter_ns;
	}
	if (faster) {
		order->mode = more->mode;
		order->why = more->why;
	}
	if (earlier)
		order->deadline_ns = more->deadline_ns;
	return faster || earlier;
}

void stop_order_shorten(
	const struct stop_order *order, int64_t *eof_ns, int64_t *term_ns)
{
	int64_t left_ns = (order->deadline_ns - clock_now()) / 10 * 9;
	int64_t whole_ns = *eof_ns + *term_ns;

	if (left_ns < 0)
		left_ns = 0;
	if (order->deadline_ns == 0 || whole_ns <= left_ns)
		return;
	*eof_ns = (int64_t)((double)left_ns * ((double)*eof_ns / (double)whole_ns));
	*term_ns = left_ns - *eof_ns;
}
