#include "lib/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

const char *const child_step_names[] = {
	[CHILD_RUNNING] = "running",
	[CHILD_EOF] = "eof",
	[CHILD_TERM] = "term",
	[CHILD_KILL] = "kill",
};

/* A pipe whose data is set is open or closing, and counted. */
struct child {
	struct reaper *reaper;
	/* Keeps the pid after the process was reaped. `released`: child_destroy() was
	 * called, so no callback comes any more. */
	struct reaper_child entry;
	uv_pipe_t pipes[3]; /* by the child's descriptor, like output */
	child_output_fn *output[3];
	struct loop_timer *ladder;
	unsigned handles;         /* it stays while there are any */
	enum child_step step;     /* the last one taken */
	enum child_step reported; /* the last of on_step */
	int64_t term_at_ns, kill_at_ns;
	bool running;
	bool own_children, same_group;
	child_step_fn *on_step;
	child_exit_fn *on_exit;
	void *arg;
};

/* Bytes queued for stdin. */
struct child_input {
	uv_write_t request;
	char data[];
};

static void free_when_empty(struct child *child)
{
	if (child->handles == 0 && child->entry.released && !child->running)
		free(child);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	child->handles--;
	free_when_empty(child);
}

static void adopt_handle(struct child *child, uv_handle_t *handle)
{
	handle->data = child;
	child->handles++;
}

static bool is_open(const uv_handle_t *handle)
{
	return handle->data && !uv_is_closing(handle);
}

static void close_handle(uv_handle_t *handle)
{
	if (is_open(handle))
		uv_close(handle, on_closed);
}

/* SIGTERM may be for the process alone. */
static void send_signal(const struct child *child, int number)
{
	bool alone = child->same_group || (child->own_children && number == SIGTERM);

	kill(alone ? child->entry.pid : -child->entry.pid, number);
}

/* on_step may destroy the child. */
static void report_steps(struct child *child)
{
	while (child->reported < child->step && !child->entry.released) {
		child->reported++;
		if (child->on_step)
			child->on_step(child->arg, child->reported);
	}
}

static void end_stream(struct child *child, int fd)
{
	uv_handle_t *pipe = (uv_handle_t *)&child->pipes[fd];

	if (!is_open(pipe))
		return;
	close_handle(pipe);
	if (!child->entry.released)
		child->output[fd](child->arg, "", 0);
}

/* Reads what is in the pipe at this moment and no more: a grandchild may write on, or
 * keep the pipe open for ever. */
static void drain_stream(struct child *child, int fd)
{
	const uv_handle_t *pipe = (uv_handle_t *)&child->pipes[fd];
	const uv_buf_t scratch = reaper_scratch(child->reaper);
	int waiting = 0;
	uv_os_fd_t ours;

	if (is_open(pipe) && uv_fileno(pipe, &ours) == 0)
		ioctl(ours, FIONREAD, &waiting);
	while (waiting > 0 && !child->entry.released) {
		size_t wanted = (size_t)waiting;
		ssize_t len = read(ours, scratch.base,
			wanted < scratch.len ? wanted : scratch.len);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		waiting -= (int)len;
		child->output[fd](child->arg, scratch.base, (size_t)len);
	}
	end_stream(child, fd);
}

static void on_alloc(uv_handle_t *handle, size_t suggested UNUSED, uv_buf_t *room)
{
	*room = reaper_scratch(((const struct child *)handle->data)->reaper);
}

static void on_read(uv_stream_t *pipe, ssize_t len, const uv_buf_t *read)
{
	struct child *child = pipe->data;
	int fd = (int)((uv_pipe_t *)pipe - child->pipes);

	if (len > 0)
		child->output[fd](child->arg, read->base, (size_t)len);
	else if (len < 0)
		end_stream(child, fd);
}

/* The leader was just reaped. While a process is left in the group, the kernel does not
 * reuse the group's number; otherwise there is no such group (the kernel hands out numbers
 * in turn, so this one does not come again so soon). */
static void on_reaped(struct reaper_child *entry, int status)
{
	struct child *child =
		(struct child *)((char *)entry - offsetof(struct child, entry));

	if (!child->same_group)
		send_signal(child, SIGKILL);
	child->running = false;
	child->handles++; /* a callback may destroy it */
	if (!child->entry.released) {
		close_handle((uv_handle_t *)&child->pipes[STDIN_FILENO]);
		loop_timer_stop(child->ladder);
		drain_stream(child, STDOUT_FILENO);
		drain_stream(child, STDERR_FILENO);
		report_steps(child);
	}
	if (!child->entry.released && child->on_exit)
		child->on_exit(child->arg, status & ~WCOREFLAG);
	child->handles--;
	free_when_empty(child);
}

static void on_ladder(void *arg)
{
	struct child *child = arg;

	if (child->step == CHILD_EOF && clock_now() >= child->term_at_ns) {
		send_signal(child, SIGTERM);
		child->step = CHILD_TERM;
	}
	if (child->step == CHILD_TERM && clock_now() >= child->kill_at_ns) {
		send_signal(child, SIGKILL);
		child->step = CHILD_KILL;
	}
	if (child->step != CHILD_KILL)
		loop_timer_set(child->ladder,
			(child->step == CHILD_EOF ? child->term_at_ns
						  : child->kill_at_ns) -
				clock_now());
	report_steps(child);
}

void child_stop(struct child *child, int64_t eof_ns, int64_t term_ns)
{
	uv_stream_t *in = (uv_stream_t *)&child->pipes[STDIN_FILENO];
	int64_t term_at_ns, kill_at_ns;

	if (!child->running)
		return;
	if (__builtin_add_overflow(clock_now(), eof_ns > 0 ? eof_ns : 0, &term_at_ns))
		term_at_ns = INT64_MAX;
	if (__builtin_add_overflow(term_at_ns, term_ns > 0 ? term_ns : 0, &kill_at_ns))
		kill_at_ns = INT64_MAX;
	if (term_at_ns < child->term_at_ns)
		child->term_at_ns = term_at_ns;
	if (kill_at_ns < child->kill_at_ns)
		child->kill_at_ns = kill_at_ns;
	if (child->step == CHILD_RUNNING) {
		child->step = CHILD_EOF;
		if (in->data && uv_stream_get_write_queue_size(in) == 0)
			close_handle((uv_handle_t *)in);
	}
	loop_timer_set(child->ladder, 0);
}

/* A write that fails means that stdin has no reader any more. */
static void on_written(uv_write_t *request, int status)
{
	uv_stream_t *in = request->handle;
	const struct child *child = in->data;
	bool last = uv_stream_get_write_queue_size(in) == 0;

	if (status < 0 || (last && child->step != CHILD_RUNNING))
		close_handle((uv_handle_t *)in);
	free(request);
}

bool child_write(struct child *child, const void *data, size_t len)
{
	uv_stream_t *in = (uv_stream_t *)&child->pipes[STDIN_FILENO];
	struct child_input *input;
	uv_buf_t bytes;

	if (!is_open((uv_handle_t *)in) || child->step != CHILD_RUNNING)
		return false;
	if (len > CHILD_UNSENT_MAX ||
		uv_stream_get_write_queue_size(in) > CHILD_UNSENT_MAX - len)
		return false;
	if (len == 0)
		return true;
	input = mem_zeroed(sizeof *input + len);
	memcpy(input->data, data, len);
	bytes = uv_buf_init(input->data, (unsigned)len);
	if (uv_write(&input->request, in, &bytes, 1, on_written) != 0) {
		free(input);
		return false;
	}
	return true;
}

/* The child's end (*theirs) blocks, the other does not. *theirs stays open here until
 * the child has its copy. */
static bool open_pipe(struct child *child, int fd, int *theirs, struct err *err)
{
	bool to_child = fd == STDIN_FILENO;
	uv_file ends[2];
	int failed = uv_pipe(
		ends, to_child ? 0 : UV_NONBLOCK_PIPE, to_child ? UV_NONBLOCK_PIPE : 0);

	if (!failed) {
		*theirs = ends[!to_child];
		uv_pipe_init(reaper_loop(child->reaper), &child->pipes[fd], 0);
		adopt_handle(child, (uv_handle_t *)&child->pipes[fd]);
		failed = uv_pipe_open(&child->pipes[fd], ends[to_child]);
		if (failed)
			close(ends[to_child]);
	}
	return !failed || err_set(err, "pipe: %s", uv_strerror(failed));
}

static bool run_program(struct child *child, const struct child_spec *spec,
	const int theirs[3], struct err *err)
{
	const struct spawn spawn = {
		.argv = spec->argv,
		.env = spec->env,
		.folder = spec->folder,
		.files = {theirs[0], theirs[1], theirs[2]},
		.same_group = child->same_group,
		.dies_with_us = spec->dies_with_us,
	};
	int failed = reaper_start(child->reaper, &spawn, &child->entry);

	if (failed)
		return err_set(err, "start %s%s%s: %s", spec->argv[0],
			spec->folder ? " in " : "", spec->folder ? spec->folder : "",
			uv_strerror(-failed));
	child->running = true;
	return true;
}

struct child *child_spawn(
	struct reaper *reaper, const struct child_spec *spec, struct err *err)
{
	struct child *child = mem_zeroed(sizeof *child);
	const bool piped[] = {spec->with_stdin, spec->on_stdout, spec->on_stderr};
	int theirs[] = {-1, -1, -1};
	bool ok = true;

	assert(spec->argv[0]);
	child->reaper = reaper;
	child->entry.reaped = on_reaped;
	child->output[STDOUT_FILENO] = spec->on_stdout;
	child->output[STDERR_FILENO] = spec->on_stderr;
	child->on_step = spec->on_step;
	child->on_exit = spec->on_exit;
	child->arg = spec->arg;
	child->own_children = spec->own_children;
	child->same_group = spec->same_group;
	child->term_at_ns = child->kill_at_ns = INT64_MAX;
	child->ladder = loop_timer_create(reaper_loop(reaper), on_ladder, child);
	for (int fd = 0; ok && fd < 3; fd++)
		ok = !piped[fd] || open_pipe(child, fd, &theirs[fd], err);
	if (ok && !spec->with_stdin && spec->stdin_from > 0) {
		theirs[STDIN_FILENO] = fcntl(spec->stdin_from, F_DUPFD_CLOEXEC, 3);
		ok = theirs[STDIN_FILENO] >= 0 || err_sys(err, "stdin");
	}
	ok = ok && run_program(child, spec, theirs, err);
	for (int fd = 0; fd < 3; fd++) {
		if (theirs[fd] >= 0)
			close(theirs[fd]);
		if (ok && child->output[fd])
			uv_read_start(
				(uv_stream_t *)&child->pipes[fd], on_alloc, on_read);
	}
	if (ok)
		return child;
	child_destroy(child);
	return NULL;
}

pid_t child_pid(const struct child *child)
{
	return child->entry.pid;
}

bool child_running(const struct child *child)
{
	return child->running;
}

enum child_step child_step(const struct child *child)
{
	return child->step;
}

/* A running child is freed when it was reaped. */
void child_destroy(struct child *child)
{
	if (!child)
		return;
	assert(!child->entry.released);
	child->entry.released = true;
	if (child->running) {
		send_signal(child, SIGKILL);
		child->step = CHILD_KILL;
	}
	loop_timer_destroy(child->ladder);
	for (int fd = 0; fd < 3; fd++)
		close_handle((uv_handle_t *)&child->pipes[fd]);
	free_when_empty(child);
}
