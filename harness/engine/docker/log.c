#include "harness/engine/docker/log.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define LINE_CEILING ((size_t)256 << 10)
#define TAIL_MORE    1000u
#define LAST_LINE_NS (2 * CLOCK_S)
#define HEADER_LEN   8 /* stream, three zeros, length of what follows (big-endian) */

enum { STDOUT_LINES, STDERR_LINES, STREAMS };

struct docker_log {
	struct docker_api *api;
	char *container;
	bool tty, stamped;
	int64_t since_ns;        /* 0: from the first line */
	struct fetch_call *call; /* NULL: the log is complete */
	bool whole;              /* now read as a whole, after having been followed */
	unsigned char header[HEADER_LEN];
	size_t header_len;
	size_t frame_left; /* of the frame under way */
	struct lines streams[STREAMS];
	size_t seen[STREAMS]; /* bytes that were read */
	size_t skip[STREAMS]; /* of the bytes to come: already read */
	unsigned line_count;  /* that were read */
	int64_t last_wall_ns; /* the stamp of the last one; 0: it has none */
	subject_log_fn *line; /* NULL: nobody reads them */
	void *line_arg;
	docker_log_over_fn *over; /* NULL: nobody waits for it */
	void *over_arg;
	struct err why; /* the last call failed; "": it did not */
};

/* "2026-11-22T22:05:00.123456789Z listening on 3000". Gives what follows the stamp, or
 * the line when it has none. */
static char *take_stamp(char *line, int64_t *wall_ns)
{
	char *blank = strchr(line, ' ');
	struct err ignored;
	bool stamped;

	if (!blank)
		return line;
	*blank = '\0';
	stamped = clock_parse_rfc3339(wall_ns, line, &ignored);
	*blank = ' ';
	return stamped ? blank + 1 : line;
}

static void on_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct docker_log *log = arg;
	int64_t wall_ns = 0;
	char *text = log->stamped ? take_stamp(line, &wall_ns) : line;

	log->line_count++;
	log->last_wall_ns = wall_ns;
	if (log->line)
		log->line(log->line_arg, wall_ns ? clock_of_wall(wall_ns) : clock_now(),
			text, len - (size_t)(text - line));
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

/* Bytes that were read before are passed over. */
static void read_stream(
	struct docker_log *log, int stream, const char *data, size_t len)
{
	size_t old = len < log->skip[stream] ? len : log->skip[stream];

	lines_feed(&log->streams[stream], data + old, len - old);
	log->skip[stream] -= old;
	log->seen[stream] += len - old;
}

static size_t read_frame(struct docker_log *log, const char *data, size_t len)
{
	size_t taken = len < log->frame_left ? len : log->frame_left;

	read_stream(
		log, log->header[0] == 2 ? STDERR_LINES : STDOUT_LINES, data, taken);
	log->frame_left -= taken;
	return taken;
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct docker_log *log = arg;

	if (log->tty) {
		read_stream(log, STDOUT_LINES, data, len);
		return;
	}
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

/* The daemon would read all of a long log to find its end: TAIL_MORE lines more than
 * were read, of which since_ns leaves out what came before. */
static char *range(const struct docker_log *log)
{
	SCOPED(mem_free) char *since = docker_api_time(log->since_ns);

	return log->since_ns
		? mem_textf("&since=%s&tail=%u", since, log->line_count + TAIL_MORE)
		: mem_text("");
}

static bool ask(struct docker_log *log, const char *how, struct err *err)
{
	SCOPED(mem_free) char *lines = range(log);
	SCOPED(mem_free) char *path =
		mem_textf("/containers/%s/logs?stdout=1&stderr=1%s%s%s", log->container,
			log->stamped ? "&timestamps=1" : "", how, lines);

	log->header_len = 0;
	log->frame_left = 0;
	memcpy(log->skip, log->seen, sizeof log->skip);
	log->call = docker_api_begin(log->api,
		&(struct fetch_request){.data = on_data, .done = on_over, .arg = log},
		path, err);
	return log->call != NULL;
}

static void on_over(void *arg, const struct fetch_result *result)
{
	struct docker_log *log = arg;
	struct err ignored;

	log->call = NULL;
	if (docker_api_went_well(result, &log->why))
		log->why.text[0] = '\0';
	if (!log->whole) {
		log->whole = true;
		if (ask(log, "", &ignored))
			return;
	}
	for (size_t i = 0; i < STREAMS; i++)
		lines_end(&log->streams[i]);
	if (log->over)
		log->over(log->over_arg);
}

static struct docker_log *create(
	struct docker_api *api, const struct docker_log_spec *spec)
{
	struct docker_log *log = mem_zeroed(sizeof *log);

	for (size_t i = 0; i < STREAMS; i++)
		lines_init(&log->streams[i], LINE_CEILING, on_line, log);
	log->api = api;
	log->container = mem_text(spec->container);
	log->since_ns = spec->since_ns;
	log->tty = spec->tty;
	log->stamped = spec->stamped;
	log->line = spec->line;
	log->line_arg = spec->line_arg;
	log->over = spec->over;
	log->over_arg = spec->over_arg;
	return log;
}

struct docker_log *docker_log_open(
	struct docker_api *api, const struct docker_log_spec *spec, struct err *err)
{
	struct docker_log *log = create(api, spec);

	if (ask(log, "&follow=1", err))
		return log;
	docker_log_close(log);
	return NULL;
}

/* --- its last line so far --- */

static void on_last_line(
	void *arg, int64_t ns UNUSED, const char *line, size_t len UNUSED)
{
	char **last = arg;

	free(*last);
	*last = mem_text(line);
}

static bool is_over(const void *arg)
{
	return docker_log_is_over(arg);
}

bool docker_log_last(struct docker_api *api, const char *container, bool tty,
	char **line, int64_t *wall_ns, struct err *err)
{
	char *last = NULL;
	struct docker_log *log = create(api,
		&(struct docker_log_spec){
			.container = container,
			.tty = tty,
			.stamped = true,
			.line = on_last_line,
			.line_arg = &last,
		});
	bool ok = ask(log, "&tail=1", err);

	log->whole = true; /* nothing is followed */
	if (ok &&
		wait_until(api->loop, is_over, log, clock_now() + LAST_LINE_NS, NULL) !=
			WAIT_SO)
		ok = err_set(err, "no answer in time");
	else if (ok && log->why.text[0])
		ok = err_set(err, "%s", log->why.text);
	if (ok) {
		*line = last;
		*wall_ns = log->last_wall_ns;
	} else {
		free(last);
	}
	docker_log_close(log);
	return ok;
}

bool docker_log_is_over(const struct docker_log *log)
{
	return !log || !log->call;
}

const char *docker_log_failure(const struct docker_log *log)
{
	return log->why.text[0] && log->line_count == 0 ? log->why.text : NULL;
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
