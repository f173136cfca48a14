/*
 * fake_api - an agent API for the tests of its client.
 *
 * It has sessions with events. A message starts and ends a whole turn unless `quiet` is
 * set: then the test adds the events itself. The next fault_times requests whose
 * "METHOD /path" contains fault_path fail.
 */
#ifndef SERVICE_TEST_FAKE_API_H
#define SERVICE_TEST_FAKE_API_H

#include <stdbool.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/err.h"
#include "lib/web.h"

enum api_fault {
	API_FAULT_STATUS,          /* a response with fault_status */
	API_FAULT_BODY,            /* 200 with fault_body */
	API_FAULT_RESET,           /* RST instead of a response */
	API_FAULT_EFFECTIVE_RESET, /* the same, but the request takes effect */
	API_FAULT_HANG,            /* no response */
};

struct fake_session {
	char id[16];
	const char *status;
	bool deleted;
	cJSON *events; /* oldest first */
	struct web_exchange *stream;
	struct web_exchange *held; /* a requested stream that is not open yet */
	unsigned lag; /* so many requests to end it are refused as "running" */
};

struct fake_api {
	uv_loop_t *loop;
	struct web *web;
	struct fake_session *sessions;
	unsigned session_count;
	unsigned last_event;
	struct buf journal; /* "METHOD /path;" for each request, then its event types */
	struct buf last_body;
	bool authorized; /* every request had the key, the version and the beta */

	const char *agent, *environment; /* the only ids */
	bool quiet;
	bool hold_streams;   /* until api_open_stream() */
	bool silent_streams; /* events are only in the list */
	bool always_running; /* no session can be archived or deleted */
	const char *fault_path;
	enum api_fault fault;
	unsigned fault_times, fault_status, fault_retry_ms;
	const char *fault_body;
};

#define API_KEY     "sk-secret-1234567890"
#define API_BARRIER "/v1/barrier" /* answered with {}, and not in the journal */

/* Adds an event to the session's list, and sends it on its stream. `more` is "" or members
 * with a comma in front. Its id is sevt_N. */
void api_add_event(struct fake_api *api, struct fake_session *session, const char *type,
	const char *more);

void api_add_text(struct fake_api *api, struct fake_session *session, const char *text);

void api_add_idle(
	struct fake_api *api, struct fake_session *session, const char *reason);

void api_open_stream(struct fake_session *session);

/* Adds the events of a whole turn in reply to message, an event with content. */
void api_turn(struct fake_api *api, struct fake_session *session, const cJSON *message);

/* How often the journal contains `what`. */
unsigned api_count(const struct fake_api *api, const char *what);

/* Listens on a free port. Keeps loop. */
bool api_init(struct fake_api *api, uv_loop_t *loop, struct err *err) MUST_CHECK;

void api_done(struct fake_api *api);

#endif
