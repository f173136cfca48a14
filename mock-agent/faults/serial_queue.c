#include "mock-agent/faults/serial_queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"

struct serial_queue_entry {
	void *visitor;
	serial_queue_admit_fn *admit;
	struct serial_queue_entry *prev, *next;
};

void serial_queue_enter(
	struct serial_queue *queue, void *visitor, serial_queue_admit_fn *admit)
{
	struct serial_queue_entry *entry = mem_zeroed(sizeof *entry);

	entry->visitor = visitor;
	entry->admit = admit;
	DL_APPEND(queue->entries, entry);
	if (queue->entries == entry)
		admit(visitor);
}

void serial_queue_leave(struct serial_queue *queue, const void *visitor)
{
	struct serial_queue_entry *entry;
	bool was_admitted;

	DL_SEARCH_SCALAR(queue->entries, entry, visitor, visitor);
	if (!entry)
		return;
	was_admitted = entry == queue->entries;
	DL_DELETE(queue->entries, entry);
	free(entry);
	if (was_admitted && queue->entries)
		queue->entries->admit(queue->entries->visitor);
}
