#include "lib/child.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct child_stream {
	uv_pipe_t pipe;
	child_output_fn *output;
};

/* A handle whose data is set is open or closing, and counted. */
struct child {
	struct reaper *reaper;
	struct reaper_child entry; /* keeps the pid after the process was reaped */
	uv_process_t process;
	uv_pipe_t in;
	struct child_stream out, err;
	uv_timer_t ladder;
	unsigned handles;
	enum child_step step,
		reported; /* the last one taken, and the last of on_step */
	int64_t term_at_ns, kill_at_ns;
	bool running;
	bool released; /* child_destroy() was called: no callback any more */
	child_step_fn *on_step;
	child_exit_fn *on_exit;
	void *arg;
};

/* Bytes queued for stdin. */
struct child_input {
	uv_write_t request;
	char data[];
};

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	if (--child->handles == 0 && child->released)
		free(child);
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

static void signal_group(const struct child *child, int number)
{
	kill(-child->entry.pid, number);
}

/* on_step may destroy the child. */
static void report_steps(struct child *child)
{
	while (child->reported < child->step && !child->released) {
		child->reported++;
		if (child->on_step)
			child->on_step(child->arg, child->reported);
	}
}

static void end_stream(struct child *child, struct child_stream *stream)
{
	if (!is_open((uv_handle_t *)&stream->pipe))
		return;
	close_handle((uv_handle_t *)&stream->pipe);
	if (!child->released)
		stream->output(child->arg, "", 0);
}

/* Reads what is in the pipe at this moment and no more: a grandchild may write on, or
 * keep the pipe open for ever. */
static void drain_stream(struct child *child, struct child_stream *stream)
{
	const uv_buf_t scratch = reaper_scratch(child->reaper);
	int waiting = 0;
	uv_os_fd_t fd;

	if (!is_open((uv_handle_t *)&stream->pipe))
		return;
	if (uv_fileno((uv_handle_t *)&stream->pipe, &fd) == 0)
		ioctl(fd, FIONREAD, &waiting);
	while (waiting > 0 && !child->released) {
		size_t wanted = (size_t)waiting;
		ssize_t len = read(
			fd, scratch.base, wanted < scratch.len ? wanted : scratch.len);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		waiting -= (int)len;
		stream->output(child->arg, scratch.base, (size_t)len);
	}
	end_stream(child, stream);
}

static void on_alloc(uv_handle_t *handle, size_t suggested UNUSED, uv_buf_t *room)
{
	const struct child *child = handle->data;

	*room = reaper_scratch(child->reaper);
}

static void on_read(uv_stream_t *pipe, ssize_t len, const uv_buf_t *read)
{
	struct child *child = pipe->data;
	struct child_stream *stream =
		pipe == (uv_stream_t *)&child->out.pipe ? &child->out : &child->err;

	if (len > 0)
		stream->output(child->arg, read->base, (size_t)len);
	else if (len < 0)
		end_stream(child, stream);
}

/* libuv has just reaped the leader. While a process is left in the group, the kernel does
 * not reuse the group's number; otherwise there is no such group (the kernel hands out
 * numbers in turn, so this one does not come again so soon). */
static void on_process_exit(uv_process_t *process, int64_t code, int number)
{
	struct child *child = process->data;

	signal_group(child, SIGKILL);
	child->running = false;
	close_handle((uv_handle_t *)process);
	close_handle((uv_handle_t *)&child->in);
	if (!child->released)
		uv_timer_stop(&child->ladder);
	drain_stream(child, &child->out);
	drain_stream(child, &child->err);
	reaper_remove(child->reaper, &child->entry);
	report_steps(child);
	if (!child->released && child->on_exit)
		child->on_exit(child->arg, W_EXITCODE((int)code, number));
}

static void on_ladder(uv_timer_t *timer)
{
	struct child *child = timer->data;
	int64_t next_ns;

	if (child->step == CHILD_EOF && clock_now() >= child->term_at_ns) {
		signal_group(child, SIGTERM);
		child->step = CHILD_TERM;
	}
	if (child->step == CHILD_TERM && clock_now() >= child->kill_at_ns) {
		signal_group(child, SIGKILL);
		child->step = CHILD_KILL;
	}
	if (child->step != CHILD_KILL) {
		next_ns = child->step == CHILD_EOF ? child->term_at_ns
						   : child->kill_at_ns;
		uv_timer_start(timer, on_ladder, clock_ms_up(next_ns - clock_now()), 0);
	}
	report_steps(child);
}

/* libuv counts from the time when its turn began, so on_ladder() may run too early: it
 * checks the clock and sets the timer again. */
void child_stop(struct child *child, int64_t eof_ns, int64_t term_ns)
{
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
		if (is_open((uv_handle_t *)&child->in) &&
			uv_stream_get_write_queue_size((uv_stream_t *)&child->in) == 0)
			close_handle((uv_handle_t *)&child->in);
	}
	uv_timer_start(&child->ladder, on_ladder, 0, 0);
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
	uv_stream_t *in = (uv_stream_t *)&child->in;
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

/* Kernels before 5.11 have no CLOSE_RANGE_CLOEXEC, and some sandboxes forbid it. */
static bool hide_descriptors_one_by_one(struct err *err)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!folder)
		return err_sys(err, "hide descriptors: open /proc/self/fd");
	while ((entry = readdir(folder))) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && end != entry->d_name && fd > STDERR_FILENO)
			fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(folder);
	return true;
}

/* Libraries open sockets without CLOEXEC; the peer of an inherited one would not see that
 * the program closed it. */
static bool hide_descriptors(struct err *err)
{
	return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 ||
		hide_descriptors_one_by_one(err);
}

/* The child's end (*theirs) blocks, the other does not. *theirs stays open here until the
 * child has its copy. */
static bool open_pipe(struct child *child, uv_pipe_t *pipe, bool to_child, int *theirs,
	struct err *err)
{
	uv_file fds[2];
	int failed = uv_pipe(
		fds, to_child ? 0 : UV_NONBLOCK_PIPE, to_child ? UV_NONBLOCK_PIPE : 0);

	if (failed)
		return err_set(err, "pipe: %s", uv_strerror(failed));
	*theirs = fds[to_child ? 0 : 1];
	uv_pipe_init(reaper_loop(child->reaper), pipe, 0);
	adopt_handle(child, (uv_handle_t *)pipe);
	failed = uv_pipe_open(pipe, fds[to_child ? 1 : 0]);
	if (failed) {
		close(fds[to_child ? 1 : 0]);
		return err_set(err, "pipe: %s", uv_strerror(failed));
	}
	return true;
}

static bool open_pipes(struct child *child, const struct child_spec *spec,
	int theirs[3], struct err *err)
{
	if (spec->with_stdin && !open_pipe(child, &child->in, true, &theirs[0], err))
		return false;
	if (spec->on_stdout &&
		!open_pipe(child, &child->out.pipe, false, &theirs[1], err))
		return false;
	return !spec->on_stderr ||
		open_pipe(child, &child->err.pipe, false, &theirs[2], err);
}

/* libuv empties the signal mask and resets the dispositions. Its options lack the
 * const. */
static bool run_program(struct child *child, const struct child_spec *spec,
	const int theirs[3], struct err *err)
{
	uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
	uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = spec->argv[0],
		.args = (char **)(uintptr_t)spec->argv,
		.env = (char **)(uintptr_t)spec->env,
		.cwd = spec->folder,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};
	int failed;

	for (int fd = 0; fd < 3; fd++) {
		if (fd == STDIN_FILENO && theirs[fd] < 0)
			continue;
		stdio[fd].flags = UV_INHERIT_FD;
		stdio[fd].data.fd = theirs[fd] < 0 ? fd : theirs[fd];
	}
	failed = uv_spawn(reaper_loop(child->reaper), &child->process, &options);
	adopt_handle(child, (uv_handle_t *)&child->process);
	if (failed)
		return err_set(err, "start %s%s%s: %s", spec->argv[0],
			spec->folder ? " in " : "", spec->folder ? spec->folder : "",
			uv_strerror(failed));
	child->running = true;
	child->entry.pid = child->process.pid;
	reaper_add(child->reaper, &child->entry);
	return true;
}

static void begin_reading(struct child *child)
{
	if (is_open((uv_handle_t *)&child->out.pipe))
		uv_read_start((uv_stream_t *)&child->out.pipe, on_alloc, on_read);
	if (is_open((uv_handle_t *)&child->err.pipe))
		uv_read_start((uv_stream_t *)&child->err.pipe, on_alloc, on_read);
}

struct child *child_spawn(
	struct reaper *reaper, const struct child_spec *spec, struct err *err)
{
	struct child *child = mem_zeroed(sizeof *child);
	int theirs[3] = {-1, -1, -1};
	bool ok;

	assert(spec->argv[0]);
	child->reaper = reaper;
	child->out.output = spec->on_stdout;
	child->err.output = spec->on_stderr;
	child->on_step = spec->on_step;
	child->on_exit = spec->on_exit;
	child->arg = spec->arg;
	child->term_at_ns = child->kill_at_ns = INT64_MAX;
	uv_timer_init(reaper_loop(reaper), &child->ladder);
	adopt_handle(child, (uv_handle_t *)&child->ladder);
	ok = open_pipes(child, spec, theirs, err) && hide_descriptors(err) &&
		run_program(child, spec, theirs, err);
	for (int fd = 0; fd < 3; fd++) {
		if (theirs[fd] >= 0)
			close(theirs[fd]);
	}
	if (!ok) {
		child_destroy(child);
		return NULL;
	}
	begin_reading(child);
	return child;
}

pid_t child_pid(const struct child *child)
{
	return child->entry.pid;
}

bool child_running(const struct child *child)
{
	return child->running;
}

const char *child_step_name(enum child_step step)
{
	switch (step) {
	case CHILD_RUNNING:
		return "running";
	case CHILD_EOF:
		return "eof";
	case CHILD_TERM:
		return "term";
	case CHILD_KILL:
		return "kill";
	}
	return NULL;
}

enum child_step child_step(const struct child *child)
{
	return child->step;
}

/* The process handle of a running child stays open until libuv has reaped it. */
void child_destroy(struct child *child)
{
	if (!child)
		return;
	assert(!child->released);
	child->released = true;
	child->entry.released = true;
	if (child->running) {
		signal_group(child, SIGKILL);
		child->step = CHILD_KILL;
	} else {
		close_handle((uv_handle_t *)&child->process);
	}
	close_handle((uv_handle_t *)&child->ladder);
	close_handle((uv_handle_t *)&child->in);
	close_handle((uv_handle_t *)&child->out.pipe);
	close_handle((uv_handle_t *)&child->err.pipe);
}
