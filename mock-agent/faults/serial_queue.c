#include "mock-agent/faults/serial_queue.h"

#include <assert.h>
#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"

struct queue_entry {
	struct api_request *request;
	api_request_fn *pass;
	struct queue_entry *prev, *next;
};

struct serial_queue {
	struct queue_entry *visits; /* the first one is in it, the others wait */
};

struct serial_queue *serial_queue_create(void)
{
	return mem_zeroed(sizeof(struct serial_queue));
}

void serial_queue_destroy(struct serial_queue *end_queue)
{
	assert(!end_queue || !end_queue->visits);
	free(end_queue);
}

bool serial_queue_is_taken(const struct serial_queue *end_queue)
{
	return end_queue->visits != NULL;
}

void serial_queue_enter(struct serial_queue *end_queue, struct api_request *request,
	api_request_fn *pass)
{
	struct queue_entry *visit = mem_zeroed(sizeof *visit);

	visit->request = request;
	visit->pass = pass;
	DL_APPEND(end_queue->visits, visit);
	if (end_queue->visits == visit)
		pass(request);
}

void serial_queue_leave(
	struct serial_queue *end_queue, const struct api_request *request)
{
	struct queue_entry *visit;
	bool was_in;

	DL_SEARCH_SCALAR(end_queue->visits, visit, request, request);
	if (!visit)
		return;
	was_in = visit == end_queue->visits;
	DL_DELETE(end_queue->visits, visit);
	free(visit);
	if (was_in && end_queue->visits)
		end_queue->visits->pass(end_queue->visits->request);
}
