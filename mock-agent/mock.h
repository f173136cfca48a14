/*
 * mock - the parts of the mock agent API, introduced to each other.
 */
#ifndef MOCK_AGENT_MOCK_H
#define MOCK_AGENT_MOCK_H

#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/json.h"
#include "mock-agent/door.h"
#include "mock-agent/manners.h"
#include "mock-agent/mood.h"

struct catalog;
struct labels;
struct sessions;
struct turnstile;

struct mock_options {
	const char *host;
	uint16_t port;        /* 0: any */
	int64_t control_port; /* a second way in that is never shut; -1: none, 0: any */
	unsigned connections;
	const char *key; /* NULL: every credential will do */
	/* at the start and after a reset: a book must have been read from them well */
	const struct json_doc *manners;
	uint64_t seed;
};

struct mock {
	uv_loop_t *loop;
	struct mock_options options;
	struct manners_book book; /* those that hold now */
	struct moods *moods;
	struct labels *labels;
	struct catalog *agents, *environments;
	struct sessions *sessions;
	struct turnstile *turnstile; /* of archives and deletes */
	struct door *door;
	struct door *side_door; /* NULL: none */
};

/* Listening. Keeps loop and what options point to. */
struct mock *mock_create(uv_loop_t *loop, const struct mock_options *options,
	struct err *err) MUST_CHECK;

/* As at its start, but with this seed: it listens, no session is left (their streams
 * are reset), no count, and the manners are those that it was started with. Agents and
 * environments stay, since clients keep their ids. False when the port was taken while
 * it refused. */
bool mock_reset(struct mock *mock, uint64_t seed, struct err *err) MUST_CHECK;

/* Its handles close in the loop's next turns. Accepts NULL. */
void mock_destroy(struct mock *mock);

#endif
