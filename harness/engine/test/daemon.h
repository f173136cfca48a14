/*
 * daemon - a scripted Docker daemon on a loopback port.
 *
 * It has one container, which runs until the scripted stop ends it. DOCKER_HOST names it
 * while it is open.
 */
#ifndef HARNESS_ENGINE_TEST_DAEMON_H
#define HARNESS_ENGINE_TEST_DAEMON_H

#include <stddef.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/web.h"

struct daemon;
typedef void daemon_stop_fn(struct daemon *daemon, struct web_exchange *exchange);

struct daemon {
	struct web *web;
	char *host_before;
	char last_path[256];
	struct buf
		stops; /* a line for each: "/v1.41/containers/ID/stop t=10 signal=-" */
	struct buf tags; /* a line for each: "/images/NAME:HASH/tag NAME:latest" */

	/* The script. */
	const char *about;       /* the answer to /version */
	const char *state;       /* of the ended container; NULL: it runs */
	const char *host_config; /* of the container; NULL: it says none */
	bool removes_it;         /* once it has ended there is no such container */
	const char *create_answer;
	unsigned create_status;
	daemon_stop_fn *on_stop;
	daemon_stop_fn *on_kill; /* NULL: nothing happens */
	const char *import_answer;
	const char *whole_log; /* frames of a log that is not followed */
	size_t whole_log_len;

	/* Exchanges under way, or NULL. */
	struct web_exchange *events, *follow, *wait;
};

void daemon_open(struct daemon *daemon, uv_loop_t *loop);
void daemon_close(struct daemon *daemon);

/* detail: the signal of "kill", the exit code of "die"; may be NULL. Nanoseconds are
 * digits. */
void daemon_send_event(struct daemon *daemon, const char *action, const char *detail,
	const char *nanoseconds);
/* Stream 1 is stdout, 2 stderr. */
void daemon_add_frame(struct buf *frames, char stream, const char *text);
void daemon_end_container(struct daemon *daemon, const char *state);
void daemon_reply(struct web_exchange *exchange, unsigned status, const char *json);

#endif
