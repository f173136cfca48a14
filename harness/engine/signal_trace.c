#include "harness/engine/signal_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"

#define PAGES 8 /* of each ring: hundreds of signals to one process fit */

/* Offsets of the tracepoint's fields, from its format file. */
struct layout {
	int ids[2]; /* by enum signal_trace_what */
	int signal, code, result;
};

struct ring {
	struct signal_trace *trace;
	enum signal_trace_what what;
	int fd;
	struct perf_event_mmap_page *page; /* and the data behind it */
	uv_poll_t poll;
};

struct signal_trace {
	struct layout layout;
	struct ring *rings; /* one per processor and tracepoint */
	unsigned count;
	unsigned polled; /* rings whose poll handle is open or closing */
	signal_trace_fn *sent;
	void *arg;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Gives a descriptor of tracefs, which is mounted nowhere. */
static int open_tracefs(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", 1u /* FSOPEN_CLOEXEC */);
	int mount = -1;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, 6u /* FSCONFIG_CMD_CREATE */, NULL, NULL,
		    0) == 0)
		mount = (int)syscall(SYS_fsmount, context, 1u /* FSMOUNT_CLOEXEC */, 0);
	close(context);
	return mount;
}

static bool read_at(int folder, const char *path, char *text, size_t size)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return true;
}

/* "field:int sig;	offset:8;	size:4;" */
static int offset_of(const char *format, const char *field)
{
	const char *at = strstr(format, field);
	const char *offset = at ? strstr(at, "offset:") : NULL;

	return offset ? atoi(offset + strlen("offset:")) : -1;
}

static bool read_layout(struct layout *layout, struct err *err)
{
	char signal_id[32], exit_id[32], format[4096];
	int tracefs = open_tracefs();
	bool ok;

	if (tracefs < 0)
		return err_sys(err, "tracefs");
	ok = read_at(tracefs, "events/signal/signal_generate/id", signal_id,
		     sizeof signal_id) &&
		read_at(tracefs, "events/sched/sched_process_exit/id", exit_id,
			sizeof exit_id) &&
		read_at(tracefs, "events/signal/signal_generate/format", format,
			sizeof format);
	if (!ok)
		err_sys(err, "tracefs events/signal and sched");
	close(tracefs);
	if (!ok)
		return false;
	layout->ids[SIGNAL_TRACE_SIGNAL] = atoi(signal_id);
	layout->ids[SIGNAL_TRACE_DYING] = atoi(exit_id);
	layout->signal = offset_of(format, "int sig;");
	layout->code = offset_of(format, "int code;");
	layout->result = offset_of(format, "int result;");
	return (layout->signal > 0 && layout->code > 0 && layout->result > 0) ||
		err_set(err, "signal_generate has no sig, code or result");
}

static bool open_ring(struct ring *ring, const struct layout *layout, int processor,
	pid_t target, struct err *err)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attr,
		.config = (uint64_t)layout->ids[ring->what],
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.wakeup_events = 1,
		.disabled = 1,
	};
	char filter[48];
	void *memory;

	ring->fd = (int)syscall(
		SYS_perf_event_open, &attr, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return err_sys(err, "perf_event_open");
	memory = mmap(NULL, (PAGES + 1) * page_size(), PROT_READ | PROT_WRITE,
		MAP_SHARED, ring->fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "mmap of a perf ring");
	ring->page = memory;
	/* A SIGCHLD comes for each child: too many, and not needed. */
	snprintf(filter, sizeof filter,
		ring->what == SIGNAL_TRACE_SIGNAL ? "pid==%d && sig!=%d" : "pid==%d",
		(int)target, SIGCHLD);
	if (ioctl(ring->fd, PERF_EVENT_IOC_SET_FILTER, filter) != 0 ||
		ioctl(ring->fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
		return err_sys(err, "perf filter %s", filter);
	return true;
}

static void free_trace(struct signal_trace *trace)
{
	for (unsigned i = 0; i < trace->count; i++) {
		if (trace->rings[i].page)
			munmap(trace->rings[i].page, (PAGES + 1) * page_size());
		if (trace->rings[i].fd >= 0)
			close(trace->rings[i].fd);
	}
	free(trace->rings);
	free(trace);
}

static struct signal_trace *open_rings(pid_t target, struct err *err)
{
	struct signal_trace *trace = mem_zeroed(sizeof *trace);
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	bool ok = read_layout(&trace->layout, err);

	trace->rings = mem_zeroed(sizeof *trace->rings * (size_t)processors * 2);
	for (int i = 0; ok && i < processors * 2; i++) {
		struct ring *ring = &trace->rings[trace->count++];

		ring->trace = trace;
		ring->what = i % 2 == 0 ? SIGNAL_TRACE_SIGNAL : SIGNAL_TRACE_DYING;
		ok = open_ring(ring, &trace->layout, i / 2, target, err);
		/* A processor that is offline has no ring. */
		if (!ok && ring->fd < 0 && errno == ENODEV) {
			trace->count--;
			ok = true;
		}
	}
	if (ok)
		return trace;
	free_trace(trace);
	return NULL;
}

/* A record may wrap around the ring's end. */
static void copy_out(const struct ring *ring, uint64_t at, void *to, size_t len)
{
	const char *data = (const char *)ring->page + page_size();
	size_t size = PAGES * page_size();

	for (size_t i = 0; i < len; i++)
		((char *)to)[i] = data[(at + i) % size];
}

/* PERF_SAMPLE_TID, TIME and RAW, in this order. */
struct sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t raw_size;
	char raw[256];
};

static bool parse_sample(const struct ring *ring, const struct sample *sample,
	struct signal_trace_record *record)
{
	const struct signal_trace *trace = ring->trace;
	int32_t signal, code, result;

	if (sample->header.type != PERF_RECORD_SAMPLE)
		return false;
	*record = (struct signal_trace_record){
		.what = ring->what, .ns = (int64_t)sample->time};
	if (ring->what != SIGNAL_TRACE_SIGNAL)
		return true;
	memcpy(&signal, sample->raw + trace->layout.signal, sizeof signal);
	memcpy(&code, sample->raw + trace->layout.code, sizeof code);
	memcpy(&result, sample->raw + trace->layout.result, sizeof result);
	record->signal = signal;
	record->sender = (pid_t)sample->pid;
	record->from_kernel = code == SI_KERNEL;
	record->ignored = result == 1;
	return true;
}

static void read_ring(struct ring *ring)
{
	const struct signal_trace *trace = ring->trace;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;

	while (tail < head) {
		struct sample sample = {0};
		struct signal_trace_record record;

		copy_out(ring, tail, &sample.header, sizeof sample.header);
		copy_out(ring, tail, &sample,
			sample.header.size < sizeof sample ? sample.header.size
							   : sizeof sample);
		tail += sample.header.size;
		__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
		if (trace->sent && parse_sample(ring, &sample, &record))
			trace->sent(trace->arg, &record);
	}
}

static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	read_ring(poll->data);
}

struct signal_trace *signal_trace_open(uv_loop_t *loop, pid_t target,
	signal_trace_fn *sent, void *arg, struct err *err)
{
	struct signal_trace *trace = open_rings(target, err);

	if (!trace)
		return NULL;
	trace->sent = sent;
	trace->arg = arg;
	for (; trace->polled < trace->count; trace->polled++) {
		struct ring *ring = &trace->rings[trace->polled];
		int failed = uv_poll_init(loop, &ring->poll, ring->fd);

		if (failed) {
			err_set(err, "poll of a perf ring: %s", uv_strerror(failed));
			signal_trace_close(trace);
			return NULL;
		}
		ring->poll.data = ring;
		uv_poll_start(&ring->poll, UV_READABLE, on_readable);
		uv_unref((uv_handle_t *)&ring->poll);
	}
	return trace;
}

void signal_trace_read(struct signal_trace *trace)
{
	for (unsigned i = 0; i < trace->count; i++)
		read_ring(&trace->rings[i]);
}

static void on_closed(uv_handle_t *handle)
{
	struct signal_trace *trace = ((struct ring *)handle->data)->trace;

	if (--trace->polled == 0)
		free_trace(trace);
}

void signal_trace_close(struct signal_trace *trace)
{
	if (trace && trace->polled == 0)
		free_trace(trace);
	else
		for (unsigned i = trace ? trace->polled : 0; i-- > 0;)
			uv_close((uv_handle_t *)&trace->rings[i].poll, on_closed);
}
