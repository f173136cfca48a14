#include "harness/engine/kernel_trace.h"

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

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PAGES 256 /* of each ring: some ten thousand records between two reads */

/* Signals that no stop is made of; a real-time signal counts unless one thread got it. */
#define STOP_SIGNALS                                                                   \
	"sig!=17 && sig!=14 && sig!=23 && sig!=26 && sig!=27 && sig!=29 && "           \
	"(sig<32 || code!=-6)"

/* The states that a close(2) makes of an established TCP connection and of one whose peer
 * has closed it: TCP_FIN_WAIT1, TCP_LAST_ACK. */
#define CLOSES     "protocol==6 && (newstate==4 || newstate==9)"
#define AFTER_PEER 9

/* By enum kernel_trace_what. The first of a processor has its ring. */
static const struct tracepoint {
	const char *name;
	const char *filter;    /* NULL: all */
	const char *fields[4]; /* by enum field, of which it uses some */
	bool wakes;            /* read at once: the sender may end soon */
} tracepoints[KERNEL_TRACE_WHATS] = {
	[KERNEL_TRACE_SENT] = {"signal/signal_generate", STOP_SIGNALS,
		{" sig;", " code;", " pid;", " result;"}, true},
	[KERNEL_TRACE_HANDLED] = {"signal/signal_deliver", STOP_SIGNALS,
		{" sig;", " sa_handler;", " sa_flags;"}, false},
	[KERNEL_TRACE_DYING] = {"sched/sched_process_exit", NULL, {NULL}, false},
	[KERNEL_TRACE_WAITS] = {"sched/sched_process_wait", NULL, {NULL}, false},
	[KERNEL_TRACE_CLOSES] = {"sock/inet_sock_set_state", CLOSES,
		{" sport;", " dport;", " newstate;"}, false},
	[KERNEL_TRACE_RESET] = {"tcp/tcp_receive_reset", NULL, {" sport;", " dport;"},
		false},
};

/* Where the fields of each tracepoint are in a record, from its format file. */
struct layout {
	int id;
	int offset[4];
};

/* What one processor reports. */
struct ring {
	struct kernel_trace *trace;
	int fd[KERNEL_TRACE_WHATS];
	struct perf_event_mmap_page *page; /* and the data behind it */
	uv_poll_t poll;
};

struct kernel_trace {
	struct layout layouts[KERNEL_TRACE_WHATS];
	struct ring *rings; /* one per processor */
	unsigned count;
	unsigned polled; /* rings whose poll handle is open or closing */
	int64_t gap_ns;  /* when a loss was last read of; 0: none was */
	kernel_trace_fn *traced;
	void *arg;
};

/* --- tracefs --- */

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

static bool read_layout(
	struct layout *layout, int tracefs, const struct tracepoint *tracepoint)
{
	char path[96], id[32], format[4096];

	snprintf(path, sizeof path, "events/%s/id", tracepoint->name);
	if (!read_at(tracefs, path, id, sizeof id))
		return false;
	snprintf(path, sizeof path, "events/%s/format", tracepoint->name);
	if (!read_at(tracefs, path, format, sizeof format))
		return false;
	layout->id = atoi(id);
	for (size_t i = 0; i < COUNT(tracepoint->fields); i++) {
		layout->offset[i] = tracepoint->fields[i]
			? offset_of(format, tracepoint->fields[i])
			: 0;
		if (layout->offset[i] < 0)
			return false;
	}
	return true;
}

static bool read_layouts(struct kernel_trace *trace, struct err *err)
{
	int tracefs = open_tracefs();
	bool ok = true;

	if (tracefs < 0)
		return err_sys(err, "tracefs");
	for (int i = 0; ok && i < KERNEL_TRACE_WHATS; i++) {
		ok = read_layout(&trace->layouts[i], tracefs, &tracepoints[i]);
		if (!ok)
			err_set(err, "tracefs: events/%s", tracepoints[i].name);
	}
	close(tracefs);
	return ok;
}

/* --- rings --- */

static bool open_event(struct ring *ring, int what, int processor, struct err *err)
{
	const struct tracepoint *tracepoint = &tracepoints[what];
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attr,
		.config = (uint64_t)ring->trace->layouts[what].id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.wakeup_events = tracepoint->wakes,
		.disabled = 1,
	};
	int *fd = &ring->fd[what];

	*fd = (int)syscall(
		SYS_perf_event_open, &attr, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, "perf_event_open");
	if (what == 0) {
		void *memory = mmap(NULL, (PAGES + 1) * page_size(),
			PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);

		if (memory == MAP_FAILED)
			return err_sys(err, "mmap of a perf ring");
		ring->page = memory;
	} else if (ioctl(*fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd[0]) != 0) {
		return err_sys(err, "one perf ring for all tracepoints");
	}
	if ((tracepoint->filter &&
		    ioctl(*fd, PERF_EVENT_IOC_SET_FILTER, tracepoint->filter) != 0) ||
		ioctl(*fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
		return err_sys(err, "perf filter of %s", tracepoint->name);
	return true;
}

static void close_ring(struct ring *ring)
{
	if (ring->page)
		munmap(ring->page, (PAGES + 1) * page_size());
	for (int i = 0; i < KERNEL_TRACE_WHATS; i++) {
		if (ring->fd[i] >= 0)
			close(ring->fd[i]);
	}
}

static bool open_ring(struct kernel_trace *trace, int processor, struct err *err)
{
	struct ring *ring = &trace->rings[trace->count++];

	ring->trace = trace;
	for (int i = 0; i < KERNEL_TRACE_WHATS; i++)
		ring->fd[i] = -1;
	for (int i = 0; i < KERNEL_TRACE_WHATS; i++) {
		if (open_event(ring, i, processor, err))
			continue;
		/* A processor that is offline has no ring. */
		if (ring->fd[0] < 0 && errno == ENODEV) {
			trace->count--;
			return true;
		}
		return false;
	}
	return true;
}

static void free_trace(struct kernel_trace *trace)
{
	for (unsigned i = 0; i < trace->count; i++)
		close_ring(&trace->rings[i]);
	free(trace->rings);
	free(trace);
}

static struct kernel_trace *open_rings(struct err *err)
{
	struct kernel_trace *trace = mem_zeroed(sizeof *trace);
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	bool ok = read_layouts(trace, err);

	trace->rings = mem_zeroed(sizeof *trace->rings * (size_t)processors);
	for (int i = 0; ok && i < processors; i++)
		ok = open_ring(trace, i, err);
	if (ok)
		return trace;
	free_trace(trace);
	return NULL;
}

/* --- records --- */

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

static int what_of(const struct kernel_trace *trace, const struct sample *sample)
{
	uint16_t id; /* common_type, the first field of every tracepoint */
	int what = 0;

	memcpy(&id, sample->raw, sizeof id);
	while (what < KERNEL_TRACE_WHATS && trace->layouts[what].id != id)
		what++;
	return what;
}

static int32_t int_at(const struct sample *sample, int offset)
{
	int32_t value;

	memcpy(&value, sample->raw + offset, sizeof value);
	return value;
}

static uint64_t long_at(const struct sample *sample, int offset)
{
	uint64_t value;

	memcpy(&value, sample->raw + offset, sizeof value);
	return value;
}

static void parse_sent(struct kernel_trace_record *record, const struct sample *sample,
	const struct layout *layout)
{
	int code = int_at(sample, layout->offset[1]);

	record->signal = int_at(sample, layout->offset[0]);
	record->target = int_at(sample, layout->offset[2]);
	record->to_thread = code == SI_TKILL;
	record->from_kernel = code > 0; /* a fault has SEGV_MAPERR, ... */
	record->ignored = int_at(sample, layout->offset[3]) == 1;
}

/* False: the default action. (The kernel shows a fatal one as SIGKILL, whatever signal
 * it was of; the wait status has it.) */
static bool parse_handled(struct kernel_trace_record *record,
	const struct sample *sample, const struct layout *layout)
{
	record->signal = int_at(sample, layout->offset[0]);
	record->restarts = (long_at(sample, layout->offset[2]) & SA_RESTART) != 0;
	return long_at(sample, layout->offset[1]) != (uint64_t)(uintptr_t)SIG_DFL;
}

static void parse_connection(struct kernel_trace_record *record,
	const struct sample *sample, const struct layout *layout)
{
	uint16_t port, peer_port;

	memcpy(&port, sample->raw + layout->offset[0], sizeof port);
	memcpy(&peer_port, sample->raw + layout->offset[1], sizeof peer_port);
	record->port = port;
	record->peer_port = peer_port;
	record->after_peer = record->what == KERNEL_TRACE_CLOSES &&
		int_at(sample, layout->offset[2]) == AFTER_PEER;
}

/* False for what is none of ours. */
static bool parse_sample(const struct kernel_trace *trace, const struct sample *sample,
	struct kernel_trace_record *record)
{
	int what = what_of(trace, sample);

	if (what == KERNEL_TRACE_WHATS)
		return false;
	*record = (struct kernel_trace_record){
		.what = (enum kernel_trace_what)what,
		.ns = (int64_t)sample->time,
		.pid = (pid_t)sample->pid,
		.main_thread = sample->pid == sample->tid,
	};
	if (what == KERNEL_TRACE_SENT)
		parse_sent(record, sample, &trace->layouts[what]);
	else if (what == KERNEL_TRACE_CLOSES || what == KERNEL_TRACE_RESET)
		parse_connection(record, sample, &trace->layouts[what]);
	else if (what == KERNEL_TRACE_HANDLED)
		return parse_handled(record, sample, &trace->layouts[what]);
	return true;
}

static void read_ring(struct ring *ring)
{
	struct kernel_trace *trace = ring->trace;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;

	while (tail < head) {
		struct sample sample = {0};
		struct kernel_trace_record record;

		copy_out(ring, tail, &sample.header, sizeof sample.header);
		copy_out(ring, tail, &sample,
			sample.header.size < sizeof sample ? sample.header.size
							   : sizeof sample);
		tail += sample.header.size;
		__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
		if (sample.header.type == PERF_RECORD_LOST)
			trace->gap_ns = clock_now();
		else if (sample.header.type == PERF_RECORD_SAMPLE &&
			parse_sample(trace, &sample, &record))
			trace->traced(trace->arg, &record);
	}
}

static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	read_ring(poll->data);
}

struct kernel_trace *kernel_trace_open(
	uv_loop_t *loop, kernel_trace_fn *traced, void *arg, struct err *err)
{
	struct kernel_trace *trace = open_rings(err);

	if (!trace)
		return NULL;
	trace->traced = traced;
	trace->arg = arg;
	for (; trace->polled < trace->count; trace->polled++) {
		struct ring *ring = &trace->rings[trace->polled];
		int failed = uv_poll_init(loop, &ring->poll, ring->fd[0]);

		if (failed) {
			err_set(err, "poll of a perf ring: %s", uv_strerror(failed));
			kernel_trace_close(trace);
			return NULL;
		}
		ring->poll.data = ring;
		uv_poll_start(&ring->poll, UV_READABLE, on_readable);
		uv_unref((uv_handle_t *)&ring->poll);
	}
	return trace;
}

void kernel_trace_read(struct kernel_trace *trace)
{
	for (unsigned i = 0; i < trace->count; i++)
		read_ring(&trace->rings[i]);
}

bool kernel_trace_has_gap(const struct kernel_trace *trace, int64_t since_ns)
{
	return trace->gap_ns && trace->gap_ns >= since_ns;
}

static void on_closed(uv_handle_t *handle)
{
	struct kernel_trace *trace = ((struct ring *)handle->data)->trace;

	if (--trace->polled == 0)
		free_trace(trace);
}

void kernel_trace_close(struct kernel_trace *trace)
{
	if (trace && trace->polled == 0)
		free_trace(trace);
	else
		for (unsigned i = trace ? trace->polled : 0; i-- > 0;)
			uv_close((uv_handle_t *)&trace->rings[i].poll, on_closed);
}
