/*
 * haproxy_socket - haproxy's runtime API: commands over the unix socket of its statistics.
 *
 * Commands are sent in the order in which they were given, those that wait together in one
 * connection, which haproxy closes behind its answers.
 */
#ifndef HARNESS_ROLLOUT_HAPROXY_SOCKET_H
#define HARNESS_ROLLOUT_HAPROXY_SOCKET_H

#include <stdbool.h>
#include <uv.h>

#include "lib/cc.h"

struct haproxy_socket;

/* The answers to the commands that were sent together, as one text, borrowed; NULL: it
 * could not be asked. From the loop. */
typedef void haproxy_answer_fn(void *arg, const char *text);

/* Keeps loop; copies path. */
struct haproxy_socket *haproxy_socket_create(
	uv_loop_t *loop, const char *path, haproxy_answer_fn *answer, void *arg);
/* The handles close in the loop's next turns. Accepts NULL. */
void haproxy_socket_destroy(struct haproxy_socket *socket);

void haproxy_socket_send(struct haproxy_socket *socket, const char *format, ...)
	PRINTF(2, 3);

/* Nothing waits to be sent or answered. */
bool haproxy_socket_is_quiet(const struct haproxy_socket *socket);

#endif
