#include "harness/witness/stop_ring.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/json.h"
#include "lib/mem.h"

static void drop_oldest(struct stop_ring *ring)
{
	struct kept_stop *stop = ring->oldest;

	DL_DELETE(ring->oldest, stop);
	ring->count--;
	ring->bytes -= stop->len;
	cJSON_Delete(stop->labels);
	free(stop->line);
	free(stop);
}

/* The newest one stays, whatever its size. */
static void drop_past(struct stop_ring *ring, int64_t now_ns)
{
	while (ring->count > 0 && now_ns - ring->oldest->ns > STOP_RING_NS)
		drop_oldest(ring);
	while (ring->count > 1 &&
		(ring->count > STOP_RING_MAX || ring->bytes > STOP_RING_BYTES))
		drop_oldest(ring);
}

static char *line_of(cJSON *json, uint64_t seq)
{
	SCOPED(json_free) cJSON *whole = cJSON_CreateObject();
	SCOPED(mem_free) char *text = NULL;

	json_add_int(json, "seq", (int64_t)seq);
	cJSON_AddItemToObject(whole, "stop", json);
	text = json_print_inert(whole, false);
	return mem_textf("%s\n", text);
}

const struct kept_stop *stop_ring_add(
	struct stop_ring *ring, cJSON *json, const cJSON *labels, int64_t now_ns)
{
	struct kept_stop *stop = mem_zeroed(sizeof *stop);

	stop->seq = ++ring->seq;
	stop->ns = now_ns;
	stop->line = line_of(json, stop->seq);
	stop->len = strlen(stop->line);
	stop->labels = cJSON_Duplicate(labels, true);
	DL_APPEND(ring->oldest, stop);
	ring->count++;
	ring->bytes += stop->len;
	drop_past(ring, now_ns);
	return stop;
}

const struct kept_stop *stop_ring_after(
	struct stop_ring *ring, uint64_t seq, int64_t now_ns)
{
	const struct kept_stop *stop;

	drop_past(ring, now_ns);
	DL_FOREACH(ring->oldest, stop) {
		if (stop->seq > seq)
			return stop;
	}
	return NULL;
}

void stop_ring_done(struct stop_ring *ring)
{
	while (ring->count > 0)
		drop_oldest(ring);
	*ring = (struct stop_ring){.seq = ring->seq};
}
