/*
 * serial_queue - admits visitors one at a time, in the order of their arrival.
 */
#ifndef MOCK_AGENT_FAULTS_SERIAL_QUEUE_H
#define MOCK_AGENT_FAULTS_SERIAL_QUEUE_H

struct serial_queue_entry;

/* A zeroed queue is empty and needs no end. */
struct serial_queue {
	struct serial_queue_entry *entries; /* the first is admitted, the others wait */
};

typedef void serial_queue_admit_fn(void *visitor);

/* Calls admit(visitor) when all visitors before it have left: at once if there is none.
 * Keeps visitor until it leaves. */
void serial_queue_enter(
	struct serial_queue *queue, void *visitor, serial_queue_admit_fn *admit);

/* Removes visitor, admitted or waiting. Does nothing for one that is not in the queue. */
void serial_queue_leave(struct serial_queue *queue, const void *visitor);

#endif
