#include "harness/engine/cri/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define LINE_CEILING ((size_t)256 << 10)
#define TAIL         ((off_t)(64 << 10)) /* in which the last line is looked for */
#define WATCHED      (IN_MODIFY | IN_CLOSE_WRITE)

enum { STDOUT_PARTS, STDERR_PARTS, STREAMS };

struct cri_log {
	char *path;
	int fd;
	int notify; /* inotify(7) */
	int watch;  /* of the file that is read now */
	uv_poll_t poll;
	bool over;                 /* the runtime has closed it */
	bool quiet;                /* lines are kept in last and not told */
	struct lines lines;        /* of the file */
	struct buf parts[STREAMS]; /* of a line under way */
	int64_t parts_ns[STREAMS]; /* of the last one */
	char *last;                /* NULL: there is none */
	int64_t last_ns;
	subject_log_fn *line;
	void *line_arg;
	cri_log_over_fn *told;
	void *told_arg;
};

/* --- lines --- */

/* Its parts are there. Of a terminal the line ends with CR LF. */
static void end_line(struct cri_log *log, int stream)
{
	struct buf *parts = &log->parts[stream];
	int64_t ns = log->parts_ns[stream];

	if (parts->len > 0 && parts->data[parts->len - 1] == '\r')
		buf_cut(parts, parts->len - 1);
	if (log->quiet) {
		free(log->last);
		log->last = mem_text(buf_text(parts));
		log->last_ns = ns;
	} else if (log->line) {
		log->line(log->line_arg, ns, buf_text(parts), parts->len);
	}
	buf_clear(parts);
}

/* The clocks are read one after the other: a line of this instant may seem to come. */
static int64_t stamp_of(const char *text)
{
	int64_t now_ns = clock_now(), wall_ns, ns;
	struct err ignored;

	if (!clock_parse_rfc3339(&wall_ns, text, &ignored))
		return now_ns;
	ns = clock_of_wall(wall_ns);
	return ns < now_ns ? ns : now_ns;
}

/* "STAMP stdout F TEXT". Other lines are none of a runtime. */
static void on_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct cri_log *log = arg;
	char *rest = line;
	const char *stamp = strsep(&rest, " ");
	const char *stream = strsep(&rest, " ");
	const char *tag = strsep(&rest, " ");
	int of;

	if (!rest)
		return;
	of = strcmp(stream, "stderr") == 0 ? STDERR_PARTS : STDOUT_PARTS;
	log->parts_ns[of] = stamp_of(stamp);
	buf_add(&log->parts[of], rest, len - (size_t)(rest - line));
	if (tag[0] != 'P')
		end_line(log, of);
}

/* Of the last line of a stream that does not end it, the runtime writes a part. */
static void end_lines(struct cri_log *log)
{
	lines_end(&log->lines);
	for (int i = 0; i < STREAMS; i++) {
		if (log->parts[i].len > 0)
			end_line(log, i);
	}
}

/* --- the file --- */

static void read_more(struct cri_log *log)
{
	char block[16 << 10];
	ssize_t len;

	while ((len = read(log->fd, block, sizeof block)) > 0)
		lines_feed(&log->lines, block, (size_t)len);
}

static bool open_file(struct cri_log *log, bool create, struct err *err)
{
	log->fd = open(log->path, O_RDONLY | O_CLOEXEC | (create ? O_CREAT : 0), 0640);
	if (log->fd < 0)
		return err_sys(err, "%s", log->path);
	log->watch = inotify_add_watch(log->notify, log->path, WATCHED);
	return log->watch >= 0 || err_sys(err, "watch %s", log->path);
}

/* A log that is rotated is renamed, and a new file has its name. */
static bool open_next(struct cri_log *log)
{
	struct stat ours, there;
	struct err ignored;

	if (fstat(log->fd, &ours) != 0 || stat(log->path, &there) != 0 ||
		(ours.st_dev == there.st_dev && ours.st_ino == there.st_ino))
		return false;
	close(log->fd);
	inotify_rm_watch(log->notify, log->watch);
	if (!open_file(log, false, &ignored))
		return false;
	read_more(log);
	return true;
}

static void on_change(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct cri_log *log = poll->data;
	_Alignas(struct inotify_event) char block[4096];
	bool closed = false;
	ssize_t len;

	while ((len = read(log->notify, block, sizeof block)) > 0) {
		const struct inotify_event *event;

		for (const char *at = block; at < block + len;
			at += sizeof *event + event->len) {
			event = (const void *)at;
			closed = closed ||
				(event->wd == log->watch &&
					event->mask & IN_CLOSE_WRITE);
		}
	}
	read_more(log);
	if (!closed || open_next(log))
		return;
	log->over = true;
	end_lines(log);
	if (log->told)
		log->told(log->told_arg);
}

/* A part of a line at the front of the tail is no line: it has no stamp. */
static void read_last(struct cri_log *log)
{
	off_t end = lseek(log->fd, 0, SEEK_END);

	lseek(log->fd, end > TAIL ? end - TAIL : 0, SEEK_SET);
	log->quiet = true;
	read_more(log);
	log->quiet = false;
	if (log->last && log->line)
		log->line(log->line_arg, log->last_ns, log->last, strlen(log->last));
}

static void on_closed(uv_handle_t *handle)
{
	struct cri_log *log = handle->data;

	close(log->notify);
	free(log);
}

struct cri_log *cri_log_open(
	uv_loop_t *loop, const struct cri_log_spec *spec, struct err *err)
{
	struct cri_log *log;
	int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (notify < 0) {
		err_sys(err, "inotify");
		return NULL;
	}
	log = mem_zeroed(sizeof *log);
	log->path = mem_text(spec->path);
	log->notify = notify;
	log->line = spec->line;
	log->line_arg = spec->line_arg;
	log->told = spec->over;
	log->told_arg = spec->over_arg;
	lines_init(&log->lines, LINE_CEILING, on_line, log);
	for (size_t i = 0; i < STREAMS; i++)
		buf_init(&log->parts[i], LINE_CEILING);
	uv_poll_init(loop, &log->poll, notify);
	log->poll.data = log;
	if (!open_file(log, spec->create, err)) {
		cri_log_close(log);
		return NULL;
	}
	if (spec->last)
		read_last(log);
	uv_poll_start(&log->poll, UV_READABLE, on_change);
	return log;
}

bool cri_log_is_over(const struct cri_log *log)
{
	return !log || log->over;
}

void cri_log_close(struct cri_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	lines_done(&log->lines);
	for (size_t i = 0; i < STREAMS; i++)
		buf_done(&log->parts[i]);
	free(log->last);
	free(log->path);
	uv_close((uv_handle_t *)&log->poll, on_closed);
}
