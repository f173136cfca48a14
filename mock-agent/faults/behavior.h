/*
 * behavior - how the mock agent API behaves: all its misbehaviour, as data.
 *
 * The same object in the mock's --behavior file, on its control path and in a
 * scenario's "agent" member. The table is public, so the harness checks a scenario
 * with it before anything is started.
 *
 *   {
 *     "connect":    {"latency": "20ms"},
 *     "first_byte": {"latency": "100ms"},
 *     "chunk":      {"latency": "10ms"},
 *     "chunks":     4,
 *     "tools":      1,
 *     "disconnect": {"latency": "4s"},
 *     "rules": [ {"session": 2, "disconnect": {"fault": "hang"}} ]
 *   }
 *
 * Without behavior it is a perfect API: everything is answered at once.
 *
 * A fault strikes when the phase's latency is over, instead of what was asked for: the
 * request that it strikes has no effect, unless it is an archive or a delete that
 * "takes_effect" and loses its answer alone. An interrupt that no fault strikes is answered
 * at once, and its latency runs between the answer and the idle event. In
 * first_byte and chunk, which have no request of their own, a fault strikes the event
 * and every open stream of the session; the turn goes on and the event is listed later,
 * but for these: hang and blackhole leave the turn standing (an interrupt ends a
 * hanging one), error ends it with session.error. In status_lag only hang makes sense: the
 * stored status stays "running".
 */
#ifndef MOCK_AGENT_FAULTS_BEHAVIOR_H
#define MOCK_AGENT_FAULTS_BEHAVIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"
#include "lib/latency.h"

enum fault {
	FAULT_NONE,
	FAULT_HANG,       /* no answer to this request, ever */
	FAULT_RESET,      /* TCP RST instead of the answer */
	FAULT_BLACKHOLE,  /* from here on nothing of this session is answered or sent */
	FAULT_HALF_CLOSE, /* our direction of the connection is shut, no answer */
	FAULT_ERROR,      /* an HTTP error: phase.status */
	FAULT_TRUNCATE, /* half the answer (of a stream: half a frame), then the end */
	FAULT_MALFORM,  /* an answer that is no JSON (of a stream: no SSE, no JSON) */
	FAULT_REFUSE,   /* connections are refused (ECONNREFUSED) from here on; of
			 * the one that strikes it is a reset */
};

/* Archives and deletes of one session or of several, that come together. */
enum concurrent_disconnects {
	CONCURRENT_DISCONNECTS_PARALLEL, /* each takes its own time */
	CONCURRENT_DISCONNECTS_SERIAL, /* one's latency begins when the one before is answered */
	CONCURRENT_DISCONNECTS_REJECT, /* 429 while one is under way */
};

/* One phase of a session's life. */
struct phase_behavior {
	struct latency latency; /* before it is answered, or before its event */
	int fault;              /* enum fault */
	int64_t status;         /* of FAULT_ERROR: 400 to 599 */
	int64_t retry_after_ns; /* of FAULT_ERROR: its Retry-After; 0: none */
	int64_t times;     /* the fault strikes this often per session; 0: always */
	bool takes_effect; /* of archive and delete: the fault strikes their answer */
};

struct session_behavior {
	struct phase_behavior connect; /* POST /v1/sessions */
	struct phase_behavior
		stream; /* GET .../events/stream, until the headers are sent */
	struct phase_behavior
		first_byte; /* from a user.message to the agent's first event */
	struct phase_behavior chunk; /* before each further event of the reply */
	int64_t chunks;              /* agent.message events of a reply */
	int64_t tools; /* custom tool uses per turn, round the declared tools */
	struct phase_behavior interrupt; /* from user.interrupt to the idle event */
	struct phase_behavior
		status_lag; /* from the idle event to the stored status's flip */
	/* What was said of archive and delete together is part of the next two. */
	struct phase_behavior disconnect;
	struct phase_behavior archive;
	struct phase_behavior del;      /* "delete" */
	struct phase_behavior messages; /* POST /v1/messages */
	int concurrent_disconnects;     /* enum concurrent_disconnects */
	struct latency hold;   /* the stream stays open this long after the end */
	int64_t heartbeat_ns;  /* between "ping" events; 0: none */
	bool terminated_event; /* session.status_terminated on archive */
};

/* Behavior for everybody, and for chosen sessions. */
struct behavior_rule {
	struct session_behavior behavior; /* first: the tables share its offsets */
	int64_t session;                  /* the label, as a number */
};

#define BEHAVIOR_RULES_MAX 1024

struct agent_behavior {
	struct session_behavior all; /* first, too */
	struct behavior_rule *rules; /* owned, in the order of their sessions */
	unsigned rule_count;
	cJSON *said; /* owned: everything that was read, one over the other */
};

extern const struct field session_behavior_fields[]; /* of struct session_behavior */
extern const struct field
	agent_behavior_fields[]; /* of struct agent_behavior, rules too */

void agent_behavior_preset(struct agent_behavior *behavior);

/* Reads node over the book. A rule starts from what `all` says after this reading;
 * "rules" replaces the rules there were, its absence keeps them. On failure the book
 * is as it was. */
bool agent_behavior_read(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void agent_behavior_done(struct agent_behavior *behavior); /* accepts a zeroed one */

/* Reports whether agent_behavior_read() accepts node. */
bool agent_behavior_check(
	const struct json_doc *doc, const cJSON *node, struct err *err) MUST_CHECK;

/* Gives the caller the JSON Schema of what agent_behavior_check() accepts. */
cJSON *agent_behavior_schema(void) MUST_CHECK;

/* What holds now, presets included, in a form that agent_behavior_read() takes. Gives
 * the caller a tree to cJSON_Delete(). */
cJSON *agent_behavior_json(const struct agent_behavior *behavior) MUST_CHECK;

/* All there is to say, for --help. */
void agent_behavior_help(struct buf *text);

/* Whose behavior hold for the session with this label. Borrowed. */
const struct session_behavior *agent_behavior_for(
	const struct agent_behavior *behavior, int64_t session);

/* What happens when a session is archived (or else deleted). Borrowed. */
const struct phase_behavior *session_behavior_end(
	const struct session_behavior *behavior, bool archive);

const char *fault_name(int fault);

#endif
