#include "harness/run/readiness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine/snapshot.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/wait.h"

#define ASK_NS     (2 * CLOCK_MS)
#define GOODBYE_NS (200 * CLOCK_MS) /* for a server that ignores our half-close */

/* Processes have settled after this many snapshots that show the same. */
#define SETTLED_SNAPSHOTS 5
#define SNAPSHOT_NS       (50 * CLOCK_MS)
#define SETTLED_WITHIN_NS (2 * CLOCK_S)

/* One wait for readiness. Each kind has its way to make `ready` true. */
struct readiness_probe {
	const struct readiness_options *options;
	enum ready_kind kind; /* READY_DEFAULT: its processes have settled */
	struct loop_timer *again, *goodbye;
	bool awaits_line; /* of the log, and nothing else: `again` is not set */
	uint64_t lines;   /* of the log, when it was asked last */
	bool owns_port;   /* the subject has the port that was asked */
	bool ready, unsettled;
	bool hopeless;  /* it will never be; `last` says why */
	char last[256]; /* how the last question was answered */
	int64_t began_ns;
	int64_t asked_ns; /* when a server last had us as a client; 0: never */

	struct fetch *fetch;
	struct fetch_call *call;

	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_shutdown_t shutdown;
	char block[256]; /* what a server says first, which is not used */
	bool tcp_open;

	uint64_t seen; /* hash of the processes in the last snapshot; 0: one was busy */
	unsigned alike; /* snapshots in a row that showed them */

	unsigned searched; /* lines of the log */
};

/* The scenario's way, or the default of its kind of service. */
static enum ready_kind kind_of(const struct readiness_options *options)
{
	enum ready_kind kind = options->scenario->service.ready.kind;

	if (kind != READY_DEFAULT)
		return kind;
	return scenario_is_ours(options->scenario) ? READY_HTTP
		: options->port                    ? READY_TCP
						   : READY_DEFAULT;
}

static int64_t port_of(const struct readiness_options *options)
{
	const struct ready *ready = &options->scenario->service.ready;
	const struct event *event;

	if (ready->kind == READY_TCP && ready->port)
		return ready->port;
	if (options->port)
		return options->port;
	event = evidence_find_event(
		options->evidence, EVENT_SERVICE, "service.listening", 0);
	return event ? event_int(event, "port", 0) : 0;
}

/* The line that makes it ready and the one with its port may come by two pipes,
 * in any order. */
static bool is_ready_or_gone(const struct readiness_probe *probe)
{
	const struct readiness_options *options = probe->options;

	return probe->hopeless ||
		(probe->ready &&
			(!scenario_is_ours(options->scenario) || port_of(options))) ||
		!options->subject->running;
}

PRINTF(2, 3)
static void note(struct readiness_probe *probe, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(probe->last, sizeof probe->last, format, args);
	va_end(args);
}

/* --- http --- */

static void on_http(void *arg, const struct fetch_result *result)
{
	struct readiness_probe *probe = arg;

	probe->call = NULL;
	probe->ready = result->end == FETCH_ANSWERED && result->status / 100 == 2;
	if (probe->ready)
		return;
	if (result->end == FETCH_ANSWERED)
		note(probe, "HTTP %ld", result->status);
	else
		note(probe, "%s", result->why);
	loop_timer_set(probe->again, ASK_NS);
}

static void ask_http(struct readiness_probe *probe)
{
	const struct readiness_options *options = probe->options;
	const struct ready *ready = &options->scenario->service.ready;
	SCOPED(mem_free)
	char *url = mem_textf("http://%s:%lld%s", options->subject->address,
		(long long)port_of(options), ready->text ? ready->text : "/ready");
	struct err err = {0};

	probe->asked_ns = clock_now();
	probe->call = fetch_start(probe->fetch,
		&(struct fetch_request){
			.url = url,
			.timeout_ns = ready->within_ns,
			.done = on_http,
			.arg = probe,
			.fresh = true,
		},
		&err);
	if (!probe->call)
		note(probe, "%s", err.text);
}

/* --- tcp --- */

static void on_tcp_closed(uv_handle_t *handle)
{
	struct readiness_probe *probe = handle->data;

	probe->tcp_open = false;
	if (!probe->ready)
		loop_timer_set(probe->again, ASK_NS);
}

static void close_tcp(struct readiness_probe *probe)
{
	loop_timer_stop(probe->goodbye);
	if (!uv_is_closing((uv_handle_t *)&probe->tcp))
		uv_close((uv_handle_t *)&probe->tcp, on_tcp_closed);
}

static void on_goodbye(void *arg)
{
	struct readiness_probe *probe = arg;

	probe->ready = true;
	close_tcp(probe);
}

static void on_alloc(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *block)
{
	struct readiness_probe *probe = handle->data;

	*block = uv_buf_init(probe->block, sizeof probe->block);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *block UNUSED)
{
	if (len < 0)
		on_goodbye(tcp->data);
}

/* Ready when the server has closed as well: until then it may fork for this client. */
static void on_connected(uv_connect_t *connect, int status)
{
	struct readiness_probe *probe = connect->data;
	uv_stream_t *tcp = (uv_stream_t *)&probe->tcp;

	if (uv_is_closing((uv_handle_t *)tcp))
		return;
	if (status != 0) {
		note(probe, "%s", uv_strerror(status));
		close_tcp(probe);
	} else if (uv_shutdown(&probe->shutdown, tcp, NULL) != 0 ||
		uv_read_start(tcp, on_alloc, on_read) != 0) {
		on_goodbye(probe);
	} else {
		loop_timer_set(probe->goodbye, GOODBYE_NS);
	}
}

static void ask_tcp(struct readiness_probe *probe)
{
	const struct readiness_options *options = probe->options;
	struct sockaddr_in address;

	uv_ip4_addr(options->subject->address, (int)port_of(options), &address);
	uv_tcp_init(options->loop, &probe->tcp);
	probe->tcp.data = probe;
	probe->tcp_open = true;
	probe->asked_ns = clock_now();
	probe->connect.data = probe;
	if (uv_tcp_connect(&probe->connect, &probe->tcp,
		    (const struct sockaddr *)&address, on_connected) != 0)
		close_tcp(probe);
}

/* Another program's server must not get a request, nor its answer be judged. */
static bool owns_port(struct readiness_probe *probe)
{
	const struct readiness_options *options = probe->options;
	struct err err = {0};

	probe->owns_port =
		subject_owns_port(options->subject, (int)port_of(options), &err);
	probe->hopeless = !probe->owns_port;
	if (probe->hopeless)
		note(probe, "%s", err.text);
	return probe->owns_port;
}

static void ask_port(struct readiness_probe *probe)
{
	probe->awaits_line = port_of(probe->options) == 0;
	if (probe->awaits_line) {
		note(probe,
			"its port is not known: no service.port, and no "
			"service.listening in its log");
	} else if (!owns_port(probe)) {
		return;
	} else if (probe->kind == READY_HTTP) {
		ask_http(probe);
	} else {
		ask_tcp(probe);
	}
}

/* --- log, signal, settled --- */

/* In the lines that have come since. */
static void search_log(struct readiness_probe *probe)
{
	const struct evidence *evidence = probe->options->evidence;
	const char *text = probe->options->scenario->service.ready.text;

	probe->awaits_line = true;
	for (; probe->searched < evidence->log_count && !probe->ready;
		probe->searched++)
		probe->ready = strstr(evidence->log[probe->searched].text, text);
	note(probe, "no such line among %u", evidence->log_count);
}

static void look_at_signals(struct readiness_probe *probe)
{
	const struct subject *subject = probe->options->subject;
	int number = subject->facts.stop_signal;
	struct snapshot snapshot = {0};
	struct err err = {0};

	if (!snapshot_take(&snapshot, subject->pid, false, NULL, &err))
		note(probe, "%s", err.text);
	else if (proc_receives(&snapshot.procs[0], number))
		probe->ready = true;
	else
		note(probe, "PID 1 neither catches, blocks nor waits for %s",
			signal_name(number, (char[SIGNAL_TEXT_SIZE]){0}));
	snapshot_done(&snapshot);
}

static void look_at_health(struct readiness_probe *probe)
{
	const struct subject *subject = probe->options->subject;

	probe->ready = subject->healthy;
	probe->hopeless = !subject->has_healthcheck;
	note(probe,
		probe->hopeless ? "ready.healthy: the container has no health check"
				: "its health check has not found it healthy");
}

/* A hash of the processes and of what each runs; 0 while one of them is not asleep, or
 * is still the engine's own process in front of the program. */
static uint64_t hash_sleepers(const struct snapshot *snapshot)
{
	uint64_t hash = HASH_BASIS;

	for (unsigned i = 0; i < snapshot->count; i++) {
		const struct proc *proc = &snapshot->procs[i];

		if ((proc->state != 'S' && proc->state != 'Z') ||
			strncmp(proc->name, "runc", 4) == 0)
			return 0;
		hash = hash_bytes(hash, &proc->pid, sizeof proc->pid);
		hash = hash_bytes(hash, &proc->threads, sizeof proc->threads);
		hash = hash_text(hash, proc->command);
	}
	return hash;
}

static void look_whether_settled(struct readiness_probe *probe)
{
	const struct subject *subject = probe->options->subject;
	struct snapshot snapshot = {0};
	uint64_t seen = 0;
	struct err err = {0};

	if (snapshot_take(&snapshot, subject->pid, false, NULL, &err))
		seen = hash_sleepers(&snapshot);
	snapshot_done(&snapshot);
	probe->alike = seen && seen == probe->seen ? probe->alike + 1 : 1;
	probe->seen = seen;
	probe->ready = seen && probe->alike == SETTLED_SNAPSHOTS;
	probe->unsettled =
		!probe->ready && clock_now() - probe->began_ns >= SETTLED_WITHIN_NS;
	probe->ready = probe->ready || probe->unsettled;
	note(probe, "its processes have not settled");
}

static void ask(void *arg)
{
	struct readiness_probe *probe = arg;

	switch (probe->kind) {
	case READY_HTTP:
	case READY_TCP:
		ask_port(probe);
		return;
	case READY_LOG:
		search_log(probe);
		break;
	case READY_SIGNAL:
		look_at_signals(probe);
		break;
	case READY_HEALTHY:
		look_at_health(probe);
		break;
	case READY_DEFAULT:
		look_whether_settled(probe);
		break;
	}
	if (!probe->ready && !probe->awaits_line)
		loop_timer_set(probe->again,
			probe->kind == READY_DEFAULT ? SNAPSHOT_NS : ASK_NS);
}

/* A line of the log alone can make it ready, or tell its port. */
static void look_at_lines(struct readiness_probe *probe)
{
	const struct evidence *evidence = probe->options->evidence;
	uint64_t lines = evidence->log_count + (uint64_t)evidence->log_dropped;

	if (lines == probe->lines || !probe->awaits_line || probe->ready)
		return;
	probe->lines = lines;
	ask(probe);
}

struct readiness_wait {
	struct readiness_probe *probe;
};

static bool is_over(const void *arg)
{
	struct readiness_probe *probe = ((const struct readiness_wait *)arg)->probe;

	look_at_lines(probe);
	return is_ready_or_gone(probe);
}

static bool is_closed(const void *arg)
{
	return !((const struct readiness_probe *)arg)->tcp_open;
}

static void stop_asking(struct readiness_probe *probe)
{
	uv_loop_t *loop = probe->options->loop;

	if (probe->call)
		fetch_cancel(probe->call);
	if (probe->tcp_open)
		close_tcp(probe);
	wait_until(loop, is_closed, probe, INT64_MAX, NULL);
	loop_timer_destroy(probe->again);
	loop_timer_destroy(probe->goodbye);
	fetch_destroy(probe->fetch);
}

static bool has_no_new_child(const void *arg)
{
	const struct readiness_probe *probe = arg;
	const struct proc_record *records;
	unsigned count;

	if (!subject_descendants(probe->options->subject, &records, &count))
		return true;
	for (unsigned i = 0; i < count; i++) {
		if (records[i].born_ns >= probe->asked_ns && !records[i].ended_ns)
			return false;
	}
	return true;
}

/* A server that forks for each client has forked for this one. The stop must not find
 * that child, which may still be exiting. Our own service does not fork for clients. */
static void await_child_of_client(const struct readiness_probe *probe)
{
	const struct readiness_options *options = probe->options;

	if (probe->asked_ns && !scenario_is_ours(options->scenario))
		wait_until(options->loop, has_no_new_child, probe,
			clock_now() + GOODBYE_NS, options->interrupted);
}

enum readiness_end readiness_await(
	const struct readiness_options *options, char **base, struct err *err)
{
	struct readiness_probe probe = {
		.options = options,
		.kind = kind_of(options),
		.began_ns = clock_now(),
	};
	int64_t deadline_ns =
		probe.began_ns + options->scenario->service.ready.within_ns;
	enum wait_end end = WAIT_DEADLINE;

	*base = NULL;
	probe.again = loop_timer_create(options->loop, ask, &probe);
	probe.goodbye = loop_timer_create(options->loop, on_goodbye, &probe);
	probe.fetch = fetch_create(options->loop, 1, err);
	if (probe.fetch) {
		ask(&probe);
		end = wait_until(options->loop, is_over,
			&(struct readiness_wait){&probe}, deadline_ns,
			options->interrupted);
	}
	stop_asking(&probe);
	if (end == WAIT_SO && probe.ready)
		await_child_of_client(&probe);
	if (end == WAIT_INTERRUPTED)
		return READINESS_INTERRUPTED;
	if (!probe.hopeless) {
		if (!options->subject->running)
			return READINESS_EXITED;
		if (end == WAIT_DEADLINE) {
			err_set(err, "not ready in time: %s", probe.last);
			return READINESS_NOT_IN_TIME;
		}
		if (port_of(options) == 0)
			return probe.unsettled ? READINESS_UNSETTLED : READINESS_YES;
	}
	if (probe.hopeless || (!probe.owns_port && !owns_port(&probe))) {
		err_set(err, "%s", probe.last);
		return READINESS_NEVER;
	}
	*base = mem_textf("http://%s:%lld", options->subject->address,
		(long long)port_of(options));
	return READINESS_YES;
}
