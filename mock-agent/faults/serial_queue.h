/*
 * serial_queue - lets requests through one at a time, in the order of their arrival.
 */
#ifndef MOCK_AGENT_FAULTS_SERIAL_QUEUE_H
#define MOCK_AGENT_FAULTS_SERIAL_QUEUE_H

#include <stdbool.h>

#include "mock-agent/api/api_request.h"

struct serial_queue;

struct serial_queue *serial_queue_create(void);
void serial_queue_destroy(struct serial_queue *end_queue); /* of nobody; accepts NULL */

bool serial_queue_is_taken(const struct serial_queue *end_queue);

/* Calls pass(request) when everybody before it has left: now, if nobody is there. */
void serial_queue_enter(struct serial_queue *end_queue, struct api_request *request,
	api_request_fn *pass);

/* It is through, or does not want to any more. One that never entered may leave, too. */
void serial_queue_leave(
	struct serial_queue *end_queue, const struct api_request *request);

#endif
