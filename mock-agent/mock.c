#include "mock-agent/mock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-agent/api.h"
#include "mock-agent/catalog.h"
#include "mock-agent/labels.h"
#include "mock-agent/sessions.h"
#include "mock-agent/turnstile.h"

#define BODY_CEILING                                                                   \
	((size_t)8 << 20) /* the Claude CLI sends conversations of 100 kB */
#define SIDE_CONNECTIONS 64
#define IDLE_NS          (300 * CLOCK_S)

/* What was said since the start is forgotten. */
static void begin_book(struct mock *mock)
{
	const struct json_doc *manners = mock->options.manners;
	struct err err;
	bool ok;

	manners_book_done(&mock->book);
	manners_book_preset(&mock->book);
	ok = manners_book_read(&mock->book, manners, manners->root, &err);
	assert(ok);
	(void)ok;
}

static struct door *create_door(
	struct mock *mock, uint16_t port, unsigned connections, struct err *err)
{
	const struct web_options options = {
		.host = mock->options.host,
		.port = port,
		.connections = connections,
		.idle_ns = IDLE_NS,
		.body_ceiling = BODY_CEILING,
		.handle = api_handle,
		.over = api_over,
		.arg = mock,
	};

	return door_create(mock->loop, &options, err);
}

static bool open_doors(struct mock *mock, struct err *err)
{
	const struct mock_options *options = &mock->options;

	mock->door = create_door(mock, options->port, options->connections, err);
	if (!mock->door)
		return false;
	if (options->control_port < 0)
		return true;
	mock->side_door = create_door(
		mock, (uint16_t)options->control_port, SIDE_CONNECTIONS, err);
	return mock->side_door || err_while(err, "control port");
}

struct mock *mock_create(
	uv_loop_t *loop, const struct mock_options *options, struct err *err)
{
	struct mock *mock = mem_zeroed(sizeof *mock);

	mock->loop = loop;
	mock->options = *options;
	mock->moods = moods_create(&mock->book, options->seed);
	mock->labels = labels_create();
	mock->agents = catalog_create(CATALOG_AGENTS);
	mock->environments = catalog_create(CATALOG_ENVIRONMENTS);
	mock->sessions = sessions_create();
	mock->turnstile = turnstile_create();
	begin_book(mock);
	if (!open_doors(mock, err)) {
		mock_destroy(mock);
		return NULL;
	}
	return mock;
}

bool mock_reset(struct mock *mock, uint64_t seed, struct err *err)
{
	sessions_clear(mock->sessions);
	begin_book(mock);
	labels_clear(mock->labels);
	moods_restart(mock->moods, seed);
	return door_open(mock->door, err);
}

void mock_destroy(struct mock *mock)
{
	if (!mock)
		return;
	door_destroy(mock->door);
	door_destroy(mock->side_door);
	sessions_destroy(mock->sessions);
	turnstile_destroy(mock->turnstile);
	catalog_destroy(mock->agents);
	catalog_destroy(mock->environments);
	labels_destroy(mock->labels);
	moods_destroy(mock->moods);
	manners_book_done(&mock->book);
	free(mock);
}
