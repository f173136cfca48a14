#include "service/stop_order.h"

bool stop_order_merge(struct stop_order *order, const struct stop_order *more)
{
	bool faster = more->mode > order->mode;
	bool earlier = more->deadline_ns &&
		(!order->deadline_ns || more->deadline_ns < order->deadline_ns);

	if (order->mode == STOP_NONE)
		order->release = more->release;
	if (faster) {
		order->mode = more->mode;
		order->why = more->why;
	}
	if (earlier)
		order->deadline_ns = more->deadline_ns;
	return faster || earlier;
}
