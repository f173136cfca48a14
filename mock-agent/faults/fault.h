/*
 * fault - performs the faults of injections: on the response to a request, on an event
 * of an open stream, and on a running turn.
 */
#ifndef MOCK_AGENT_FAULTS_FAULT_H
#define MOCK_AGENT_FAULTS_FAULT_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/web.h"
#include "mock-agent/faults/fault_schedule.h"

/* The form of a response, which decides what a faulty one is. */
struct response_form {
	const char *type; /* of its content */
	/* Up to a cut before what the client needs from it, and text that is neither
	 * SSE nor JSON. */
	const char *half, *malformed;
	/* Append an error as the whole response, and as a frame of an open stream, which
	 * had `sequence` frames, if its form counts them. */
	void (*error)(struct buf *body, unsigned status, const char *message,
		const char *request_id);
	void (*error_frame)(struct buf *frame, unsigned status, const char *message,
		unsigned sequence);
};

/* Of the session API: JSON, and the events of a session. */
extern const struct response_form response_form_session, response_form_events;

/* What a gateway says that has lost its server: text for response_form.malformed. */
#define RESPONSE_NOT_JSON "<html><body>Bad Gateway</body></html>\n"

struct response {
	struct web_exchange *exchange;
	const struct response_form *form;
	const char *request_id;
	unsigned sequence;
};

/* Adds the headers retry-after and retry-after-ms, both rounded up. */
void fault_add_retry_after(struct web_exchange *exchange, int64_t ns);

/* Logs "agent.fault". session_id may be NULL. */
void fault_log(const struct fault_schedule *schedule, const char *session_id,
	const struct injection *injection);

/* Performs the injection's fault instead of the whole response, or instead of frame,
 * an event of the response's open stream, which is sent if there is no fault. False:
 * nothing may follow. */
bool fault_on_response(struct fault_schedule *schedule,
	const struct injection *injection, const struct response *response,
	const struct buf *frame);

enum fault_turn {
	FAULT_TURN_CONTINUES, /* the fault is one of its streams */
	FAULT_TURN_STOPS,     /* no event follows */
	FAULT_TURN_FAILS,     /* with session.error */
};

/* Performs the part of the injection's fault that concerns the turn. */
enum fault_turn fault_on_turn(
	struct fault_schedule *schedule, const struct injection *injection) MUST_CHECK;

#endif
