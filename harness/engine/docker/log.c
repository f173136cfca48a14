#include "harness/engine/docker/log.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define LINE_CEILING ((size_t)256 << 10)
#define HEADER_LEN   8 /* stream, three zeros, length of what follows (big-endian) */

enum { STDOUT_LINES, STDERR_LINES, STREAMS };

struct docker_log {
	struct docker_api *api;
	char *container;
	struct fetch_call *call; /* NULL: the log is complete */
	bool whole;              /* now read as a whole, after having been followed */
	unsigned char header[HEADER_LEN];
	size_t header_len;
	size_t frame_left; /* of the frame under way */
	struct lines streams[STREAMS];
	size_t seen[STREAMS]; /* bytes that were read */
	size_t skip[STREAMS]; /* of the bytes to come: already read */
	subject_log_fn *line; /* NULL: nobody reads them */
	void *line_arg;
	docker_log_over_fn *over;
	void *over_arg;
};

static void on_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct docker_log *log = arg;

	if (log->line)
		log->line(log->line_arg, clock_now(), line, len);
}

/* Gives how many bytes of data belonged to the header. */
static size_t read_header(struct docker_log *log, const char *data, size_t len)
{
	size_t missing = HEADER_LEN - log->header_len;
	size_t taken = len < missing ? len : missing;

	memcpy(log->header + log->header_len, data, taken);
	log->header_len += taken;
	if (log->header_len == HEADER_LEN)
		log->frame_left = (size_t)log->header[4] << 24 |
			(size_t)log->header[5] << 16 | (size_t)log->header[6] << 8 |
			(size_t)log->header[7];
	return taken;
}

static size_t read_frame(struct docker_log *log, const char *data, size_t len)
{
	size_t taken = len < log->frame_left ? len : log->frame_left;
	int stream = log->header[0] == 2 ? STDERR_LINES : STDOUT_LINES;
	size_t old = taken < log->skip[stream] ? taken : log->skip[stream];

	lines_feed(&log->streams[stream], data + old, taken - old);
	log->skip[stream] -= old;
	log->seen[stream] += taken - old;
	log->frame_left -= taken;
	return taken;
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct docker_log *log = arg;

	while (len > 0) {
		size_t taken = log->header_len < HEADER_LEN
			? read_header(log, data, len)
			: read_frame(log, data, len);

		data += taken;
		len -= taken;
		if (log->header_len == HEADER_LEN && log->frame_left == 0)
			log->header_len = 0;
	}
}

static void on_over(void *arg, const struct fetch_result *result);

static bool ask(struct docker_log *log, const char *how, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf(
		"/containers/%s/logs?stdout=1&stderr=1%s", log->container, how);

	log->header_len = 0;
	log->frame_left = 0;
	memcpy(log->skip, log->seen, sizeof log->skip);
	log->call = docker_api_begin(log->api,
		&(struct fetch_request){.data = on_data, .done = on_over, .arg = log},
		path, err);
	return log->call != NULL;
}

static void on_over(void *arg, const struct fetch_result *result UNUSED)
{
	struct docker_log *log = arg;
	struct err ignored;

	log->call = NULL;
	if (!log->whole) {
		log->whole = true;
		if (ask(log, "", &ignored))
			return;
	}
	for (size_t i = 0; i < STREAMS; i++)
		lines_end(&log->streams[i]);
	log->over(log->over_arg);
}

struct docker_log *docker_log_open(struct docker_api *api, const char *container,
	subject_log_fn *line, void *line_arg, docker_log_over_fn *over, void *over_arg,
	struct err *err)
{
	struct docker_log *log = mem_zeroed(sizeof *log);

	for (size_t i = 0; i < STREAMS; i++)
		lines_init(&log->streams[i], LINE_CEILING, on_line, log);
	log->api = api;
	log->container = mem_text(container);
	log->line = line;
	log->line_arg = line_arg;
	log->over = over;
	log->over_arg = over_arg;
	if (ask(log, "&follow=1", err))
		return log;
	docker_log_close(log);
	return NULL;
}

bool docker_log_is_over(const struct docker_log *log)
{
	return log->call == NULL;
}

void docker_log_close(struct docker_log *log)
{
	if (!log)
		return;
	if (log->call)
		fetch_cancel(log->call);
	for (size_t i = 0; i < STREAMS; i++)
		lines_done(&log->streams[i]);
	free(log->container);
	free(log);
}
