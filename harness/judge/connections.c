#include "harness/judge/connections.h"

#include <stdio.h>

/* A request comes in a few segments. What comes in more of them, and is never answered,
 * may be of a protocol without answers (a log, figures). */
#define REQUEST_SEGMENTS 16

enum fate { FATE_ANSWERED, FATE_LOST, FATE_UNKNOWN };

/* (The peer's FIN counts as one byte.) */
static bool has_unread(const struct connection_end *end)
{
	return end->after.unread > 1;
}

static enum fate fate_of_silent(const struct connection_end *end, struct buf *why)
{
	const struct connection_close *close = &end->close;

	if (close->reset || close->after_peer) {
		buf_adds(why, "its client closed it first");
		return FATE_UNKNOWN;
	}
	if (has_unread(end)) {
		buf_addf(why, "closed with %u bytes of the request unread",
			end->after.unread);
		return FATE_LOST;
	}
	if (end->after.sent == 0 && close->closed &&
		end->after.segments <= REQUEST_SEGMENTS) {
		buf_addf(why, "closed %swithout a byte of an answer",
			close->by_exit ? "by the end of its process, " : "");
		return FATE_LOST;
	}
	buf_adds(why, "nothing was sent on it after the signal");
	return FATE_UNKNOWN;
}

static enum fate fate_of_answer(const struct connection_end *end, struct buf *why)
{
	const struct connection_close *close = &end->close;

	if (!connection_end_is_whole(end))
		buf_addf(why, "%s, before it had all",
			close->reset ? "its client reset it" : "it ended");
	else if (!close->closed)
		buf_adds(why, "who closed it was not traced");
	else if (close->by_exit &&
		(!close->after_peer || end->before.state == TCP_TABLE_CLOSE_WAIT))
		buf_adds(why,
			"the end of its process closed it, maybe before all was sent");
	else
		return FATE_ANSWERED;
	return FATE_UNKNOWN;
}

static enum fate fate_of_open(const struct connection_end *end, struct buf *why)
{
	if (end->after.unsent > 1 && end->cut_off) {
		buf_addf(why,
			"its network was taken away with %u bytes still to be sent",
			end->after.unsent);
		return FATE_LOST;
	}
	if (end->after.unsent > 1)
		buf_addf(
			why, "%u bytes were still to be sent to it", end->after.unsent);
	else
		buf_adds(why, "it was still open");
	return FATE_UNKNOWN;
}

static enum fate fate_of(const struct connection_end *end, struct buf *why)
{
	buf_addf(why, "%s: ", end->before.peer);
	if (end->unknown) {
		buf_adds(why, "the kernel did not tell of its end");
		return FATE_UNKNOWN;
	}
	if (!end->destroyed)
		return fate_of_open(end, why);
	return end->after.sent > end->before.sent || end->before.unsent > 0
		? fate_of_answer(end, why)
		: fate_of_silent(end, why);
}

void connections_find(struct connections *connections, const struct evidence *evidence)
{
	const struct snapshot *first =
		evidence->snapshot_count ? evidence->snapshots : NULL;

	*connections = (struct connections){0};
	if (first && first->under_way_count > 0 && evidence->connection_count == 0)
		connections->unknown = first->under_way_count;
	for (unsigned i = 0; i < evidence->connection_count; i++) {
		SCOPED(buf_done) struct buf why = {0};
		enum fate fate = fate_of(&evidence->connections[i], &why);

		connections->answered += fate == FATE_ANSWERED;
		if (fate == FATE_LOST && connections->lost++ == 0)
			snprintf(connections->first_lost,
				sizeof connections->first_lost, "%s", buf_text(&why));
		if (fate == FATE_UNKNOWN && connections->unknown++ == 0)
			snprintf(connections->first_unknown,
				sizeof connections->first_unknown, "%s",
				buf_text(&why));
	}
}
