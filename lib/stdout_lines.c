#include "lib/stdout_lines.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

/* An empty queue frees more room than this. */
#define ROOM_KEPT ((size_t)64 << 10)

static bool is_stream(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 &&
		(S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode));
}

struct stdout_lines *stdout_lines_create(uv_loop_t *loop, int fd, bool blocking,
	stdout_lines_clear_fn *clear, void *arg, struct err *err)
{
	struct stdout_lines *output;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0) {
		err_sys(err, "stdout");
		return NULL;
	}
	output = mem_zeroed(sizeof *output);
	output->fd = fd;
	output->flags = flags;
	output->clear = clear;
	output->arg = arg;
	buf_init(&output->queue, STDOUT_LINES_MAX);
	output->blocking = blocking || !is_stream(fd) ||
		uv_poll_init(loop, &output->poll, fd) != 0;
	if (output->blocking)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	output->poll.data = output;
	return output;
}

static void empty(struct stdout_lines *output)
{
	buf_clear(&output->queue);
	if (output->queue.room > ROOM_KEPT) {
		buf_done(&output->queue);
		buf_init(&output->queue, STDOUT_LINES_MAX);
	}
}

/* Writes as much as fits. */
static void push(struct stdout_lines *output)
{
	size_t done = 0;

	while (done < output->queue.len) {
		ssize_t len = write(output->fd, output->queue.data + done,
			output->queue.len - done);

		if (len >= 0) {
			done += (size_t)len;
		} else if (errno == EAGAIN) {
			buf_drop(&output->queue, done);
			return;
		} else if (errno != EINTR) {
			output->gone = true;
			break;
		}
	}
	empty(output);
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void update_watch(struct stdout_lines *output)
{
	if (output->blocking)
		return;
	if (output->queue.len > 0 || output->awaited)
		uv_poll_start(&output->poll, UV_WRITABLE, on_writable);
	else
		uv_poll_stop(&output->poll);
}

static void on_writable(uv_poll_t *poll, int status, UNUSED int events)
{
	struct stdout_lines *output = poll->data;
	bool awaited = output->awaited;

	if (status < 0) {
		output->gone = true;
		empty(output);
	} else {
		push(output);
	}
	if (output->queue.len > 0)
		return;
	output->awaited = false;
	update_watch(output);
	if (awaited)
		output->clear(output->arg);
}

void stdout_lines_add(struct stdout_lines *output, const char *data, size_t len)
{
	bool idle = output->queue.len == 0;
	UNUSED bool added;

	if (output->gone)
		return;
	added = buf_add(&output->queue, data, len);
	assert(added);
	if (idle)
		push(output);
	update_watch(output);
}

void stdout_lines_line(struct stdout_lines *output, const char *line)
{
	SCOPED(mem_free) char *whole = mem_textf("%s\n", line);

	stdout_lines_add(output, whole, strlen(whole));
}

void stdout_lines_await_clear(struct stdout_lines *output)
{
	assert(!output->blocking);
	output->awaited = true;
	update_watch(output);
}

void stdout_lines_shut(struct stdout_lines *output)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	output->gone = true;
	output->awaited = false;
	empty(output);
	update_watch(output);
	dup2(null, output->fd);
	close(null);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void stdout_lines_destroy(struct stdout_lines *output)
{
	if (!output)
		return;
	buf_done(&output->queue);
	fcntl(output->fd, F_SETFL, output->flags);
	if (output->blocking)
		free(output);
	else
		uv_close((uv_handle_t *)&output->poll, on_closed);
}
