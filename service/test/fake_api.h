/*
 * fake_api - an agent API for the tests of its client: it keeps sessions and their
 * events, and does what the test says about everything else.
 *
 * A message is answered with a whole turn unless `quiet`; then the test tells the
 * events itself. Faults strike the next requests whose "METHOD /path" contains
 * fault_at.
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
	API_FAULT_STATUS,          /* an answer with fault_status */
	API_FAULT_BODY,            /* 200 with fault_body */
	API_FAULT_RESET,           /* RST instead of an answer */
	API_FAULT_EFFECTIVE_RESET, /* the same, but what was asked for is done */
	API_FAULT_HANG,            /* no answer */
};

struct fake_session {
	char id[16];
	const char *status;
	bool deleted;
	cJSON *events; /* oldest first */
	struct web_exchange *stream;
	struct web_exchange *held; /* a stream that was asked for and is not open */
	unsigned lag; /* endings that are refused as "running" after the turn */
};

struct api {
	uv_loop_t *loop;
	struct web *web;
	struct fake_session *sessions;
	unsigned session_count;
	unsigned last_event;
	struct buf journal; /* "METHOD /path;" for each request, then its event types */
	struct buf last_body;
	bool authorized; /* every request had the key, the version and the beta */

	const char *agent, *environment; /* the only ones that there are */
	bool quiet;
	bool hold_streams;   /* until api_open_stream() */
	bool silent_streams; /* events are listed only */
	bool lying;          /* "running" for ever, whatever happened */
	const char *fault_at;
	enum api_fault fault;
	unsigned fault_times, fault_status, fault_retry_ms;
	const char *fault_body;
};

#define API_KEY "sk-secret-1234567890"

/* An event of the session: listed, and told on its stream. `more` is "" or members
 * with a comma in front. Its id is sevt_N. */
void api_tell(struct api *api, struct fake_session *session, const char *type,
	const char *more);

void api_tell_text(struct api *api, struct fake_session *session, const char *text);

void api_tell_idle(struct api *api, struct fake_session *session, const char *reason);

void api_open_stream(struct fake_session *session);

/* A whole turn that answers what was said (an event with content). */
void api_turn(struct api *api, struct fake_session *session, const cJSON *said);

/* How often this stands in the journal. */
unsigned api_count(const struct api *api, const char *what);

/* Listens at any free port. Keeps loop. */
bool api_init(struct api *api, uv_loop_t *loop, struct err *err) MUST_CHECK;

void api_done(struct api *api);

#endif
