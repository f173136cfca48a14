/*
 * behavior - how the mock agent API behaves: all its misbehavior, as data.
 *
 * The --behavior file, PUT /control/behavior and a scenario's "agent" member have the
 * same form:
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
 * Every key has a default, and the defaults make a perfect API without any delay.
 *
 * A phase's fault comes after its latency:
 *
 *   connect, stream, archive,   The fault replaces the response. The request has no
 *   delete, messages            effect, except an archive or delete with takes_effect,
 *                               where only the response is lost.
 *   interrupt                   The same with a fault. Without one the response is
 *                               immediate, and the latency runs until the idle event.
 *   first_byte, chunk           The fault replaces the event on every open stream. The
 *                               turn continues and the event is listed later, except:
 *                               hang and blackhole stop the turn (an interrupt still
 *                               ends a hanging one), error ends it with session.error.
 *   status_lag                  Only hang: the stored status stays "running".
 */
#ifndef MOCK_AGENT_FAULTS_BEHAVIOR_H
#define MOCK_AGENT_FAULTS_BEHAVIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/latency.h"
#include "mock-agent/faults/cli_behavior.h"
#include "mock-agent/faults/rate_limit.h"
#include "mock-agent/faults/tool_calls.h"

/* clang-format off */
#define AGENT_FAULTS(FAULT) \
	FAULT(NONE, "none", "no fault") \
	FAULT(HANG, "hang", "no response, ever") \
	FAULT(RESET, "reset", "a TCP RST instead of the response; of HTTP/2: RST_STREAM, of the one stream") \
	FAULT(BLACKHOLE, "blackhole", "nothing of this session is answered any more") \
	FAULT(HALF_CLOSE, "half_close", "our direction of the connection ends, no response; of HTTP/2: silence") \
	FAULT(ERROR, "error", "an HTTP error; in a turn a session.error") \
	FAULT(TRUNCATE, "truncate", "half a response or event, then the end") \
	FAULT(MALFORM, "malform", "a response or event that is not JSON") \
	FAULT(REFUSE, "refuse", "a reset, and no new connection is accepted from then on")

#define AGENT_PHASES(PHASE) \
	PHASE(CONNECT, "connect", "POST /v1/sessions") \
	PHASE(STREAM, "stream", "GET .../events/stream, until its headers are sent") \
	PHASE(FIRST_BYTE, "first_byte", "from a user.message to the first event") \
	PHASE(CHUNK, "chunk", "before each further event of the reply") \
	PHASE(INTERRUPT, "interrupt", "from user.interrupt to the idle event") \
	PHASE(STATUS_LAG, "status_lag", "from the idle event to the stored status's change") \
	PHASE(ARCHIVE, "archive", "POST .../archive") \
	PHASE(DELETE, "delete", "DELETE of a session") \
	PHASE(MESSAGES, "messages", "POST /v1/messages, chat/completions, responses")

enum fault {
#define FAULT_CONSTANT(constant, name, meaning) FAULT_##constant,
	AGENT_FAULTS(FAULT_CONSTANT)
#undef FAULT_CONSTANT
};

enum phase {
#define PHASE_CONSTANT(constant, name, meaning) PHASE_##constant,
	AGENT_PHASES(PHASE_CONSTANT)
#undef PHASE_CONSTANT
	PHASE_HOLD, /* from a session's end to the end of its streams: latency only */
	PHASES,     /* how many there are */
};
/* clang-format on */

/* How archives and deletes of any sessions that overlap are treated. */
enum concurrent_disconnects {
	CONCURRENT_DISCONNECTS_PARALLEL, /* independently of each other */
	CONCURRENT_DISCONNECTS_SERIAL, /* a latency starts after the response before it */
	CONCURRENT_DISCONNECTS_REJECT, /* 429 while one is in progress */
};

struct phase_behavior {
	struct latency latency;
	int fault;              /* enum fault */
	int64_t status;         /* FAULT_ERROR: 400 to 599 */
	int64_t retry_after_ns; /* FAULT_ERROR: its Retry-After; 0: none */
	int64_t times;          /* faults per session; 0: no limit */
	bool takes_effect;      /* archive and delete: only the response is lost */
};

struct session_behavior {
	struct phase_behavior phase[PHASES];
	struct phase_behavior disconnect; /* already part of archive and delete */
	int64_t chunks;                   /* agent.message events of a reply */
	struct tool_calls tools;          /* per turn */
	int concurrent_disconnects;       /* enum concurrent_disconnects */
	int64_t heartbeat_ns;             /* between "ping" events; 0: none */
	bool terminated_event;            /* session.status_terminated on archive */
	struct cli_behavior cli;          /* of mock-cli alone */
};

struct behavior_rule {
	struct session_behavior behavior; /* first: the tables share its offsets */
	int64_t session;                  /* the session's number */
};

#define BEHAVIOR_RULES_MAX 1024

struct agent_behavior {
	struct session_behavior all;
	struct rate_limit_behavior rate_limit; /* of all sessions together */
	struct behavior_rule *rules;           /* owned; by session number */
	unsigned rule_count;
	cJSON *json; /* owned; everything that was read, merged */
};

void agent_behavior_preset(struct agent_behavior *behavior);

/* Merges node over what was read before, as RFC 7396 does, with a latency and "tools" as
 * one value each, and without null. "rules" replaces all rules; a rule inherits from the rest of the
 * merged object. On failure behavior is unchanged. */
bool agent_behavior_read(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void agent_behavior_done(struct agent_behavior *behavior); /* accepts a zeroed one */

/* Reports whether agent_behavior_read() accepts node. */
bool agent_behavior_check(
	const struct json_doc *doc, const cJSON *node, struct err *err) MUST_CHECK;

/* Gives the caller the JSON Schema of what agent_behavior_check() accepts. */
cJSON *agent_behavior_schema(void) MUST_CHECK;

/* Appends all keys and their defaults, for --help. */
void agent_behavior_help(struct buf *text);

/* Borrowed from behavior, until its next reading. */
const struct session_behavior *agent_behavior_for(
	const struct agent_behavior *behavior, int64_t session);

const char *fault_name(int fault);
const char *phase_name(enum phase phase);

#endif
