#include "harness/run/readiness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine/snapshot.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/wait.h"

#define ASK_MS     2
#define PARTING_MS 200 /* for a server that does not mind our half of it being closed */

/* One wait for readiness. Each kind has its way to make `ready` true. */
struct readiness_probe {
	const struct readiness_options *options;
	int64_t port;
	char *url; /* READY_HTTP: what is asked; READY_TCP: "" */
	struct fetch *fetch;
	struct fetch_call *call;
	uv_timer_t again;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_shutdown_t shutdown;
	char block[256]; /* what a server says first, which nobody reads */
	bool timer_open, tcp_open;
	bool ready;
	int64_t asked_ns; /* when a server last had a client in us; 0: never */
	char last[256];   /* how the last question was answered */
};

static void ask(struct readiness_probe *asking);

static void ask_again(struct readiness_probe *asking);

static bool is_ready_or_gone(const void *arg)
{
	const struct readiness_probe *asking = arg;

	return asking->ready || !subject_running(asking->options->subject);
}

static int64_t port_of(const struct readiness_options *options)
{
	const struct event *event;

	if (options->scenario->service.ready.port)
		return options->scenario->service.ready.port;
	if (options->scenario->service.port)
		return options->scenario->service.port;
	event = evidence_service_event(options->evidence, "service.listening");
	return event ? json_int(event->json, "port", 0) : 0;
}

static void on_http(void *arg, const struct fetch_result *result)
{
	struct readiness_probe *asking = arg;

	asking->call = NULL;
	if (result->end == FETCH_ANSWERED && result->status / 100 == 2) {
		asking->ready = true;
		return;
	}
	if (result->end == FETCH_ANSWERED)
		snprintf(asking->last, sizeof asking->last, "HTTP %ld", result->status);
	else
		snprintf(asking->last, sizeof asking->last, "%.200s", result->why);
	ask_again(asking);
}

static void ask_http(struct readiness_probe *asking)
{
	const struct service_part *service = &asking->options->scenario->service;
	struct err err = {0};

	if (!asking->url)
		asking->url = mem_textf("http://%s:%lld%s",
			subject_address(asking->options->subject),
			(long long)asking->port,
			service->ready.text ? service->ready.text : "/ready");
	asking->asked_ns = clock_now();
	asking->call = fetch_start(asking->fetch,
		&(struct fetch_request){
			.url = asking->url,
			.timeout_ns = service->ready.within_ns,
			.done = on_http,
			.arg = asking,
			.fresh = true,
		},
		&err);
	if (!asking->call)
		snprintf(asking->last, sizeof asking->last, "%.200s", err.text);
}

static void on_tcp_closed(uv_handle_t *handle)
{
	struct readiness_probe *asking = handle->data;

	asking->tcp_open = false;
	ask_again(asking);
}

static void close_tcp(struct readiness_probe *asking)
{
	if (!uv_is_closing((uv_handle_t *)&asking->tcp))
		uv_close((uv_handle_t *)&asking->tcp, on_tcp_closed);
}

static void part(struct readiness_probe *asking)
{
	asking->ready = true;
	close_tcp(asking);
}

static void on_parting_over(uv_timer_t *timer)
{
	part(timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *block)
{
	struct readiness_probe *asking = handle->data;

	(void)wanted;
	*block = uv_buf_init(asking->block, sizeof asking->block);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *block)
{
	(void)block;
	if (len < 0)
		part(tcp->data);
}

/* Until the server has closed as well: it may be about to fork for us. */
static void say_goodbye(struct readiness_probe *asking)
{
	uv_stream_t *tcp = (uv_stream_t *)&asking->tcp;

	if (uv_shutdown(&asking->shutdown, tcp, NULL) != 0 ||
		uv_read_start(tcp, on_alloc, on_read) != 0)
		part(asking);
	else
		uv_timer_start(&asking->again, on_parting_over, PARTING_MS, 0);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct readiness_probe *asking = connect->data;

	if (uv_is_closing((uv_handle_t *)&asking->tcp))
		return;
	if (status == 0) {
		say_goodbye(asking);
		return;
	}
	snprintf(asking->last, sizeof asking->last, "%s", uv_strerror(status));
	close_tcp(asking);
}

static void ask_tcp(struct readiness_probe *asking)
{
	struct sockaddr_in address;

	uv_ip4_addr(
		subject_address(asking->options->subject), (int)asking->port, &address);
	uv_tcp_init(asking->options->loop, &asking->tcp);
	asking->tcp.data = asking;
	asking->tcp_open = true;
	asking->asked_ns = clock_now();
	asking->connect.data = asking;
	if (uv_tcp_connect(&asking->connect, &asking->tcp,
		    (const struct sockaddr *)&address, on_connected) != 0)
		close_tcp(asking);
}

static void look_at_log(struct readiness_probe *asking)
{
	const struct evidence *evidence = asking->options->evidence;
	const char *text = asking->options->scenario->service.ready.text;

	for (unsigned i = 0; i < evidence->log_count && !asking->ready; i++)
		asking->ready = strstr(evidence->log[i].text, text) != NULL;
	snprintf(asking->last, sizeof asking->last, "no such line among %u",
		evidence->log_count);
}

static void look_at_signals(struct readiness_probe *asking)
{
	const struct scenario *scenario = asking->options->scenario;
	const char *name = scenario->service.stop_signal ? scenario->service.stop_signal
							 : "SIGTERM";
	struct snapshot snapshot = {0};
	struct err err = {0};

	if (snapshot_take(&snapshot, subject_pid(asking->options->subject), &err))
		asking->ready = proc_hears(&snapshot.procs[0], signal_number(name));
	else
		snprintf(asking->last, sizeof asking->last, "%.200s", err.text);
	snapshot_done(&snapshot);
	if (!asking->ready && !asking->last[0])
		snprintf(asking->last, sizeof asking->last,
			"PID 1 neither catches, blocks nor waits for %s", name);
}

static enum ready_kind kind_of(const struct readiness_options *options)
{
	enum ready_kind kind = options->scenario->service.ready.kind;

	if (kind != READY_DEFAULT)
		return kind;
	return scenario_is_ours(options->scenario) ? READY_HTTP
		: options->scenario->service.port  ? READY_TCP
						   : READY_SIGNAL;
}

static void ask(struct readiness_probe *asking)
{
	enum ready_kind kind = kind_of(asking->options);

	if (kind == READY_HTTP || kind == READY_TCP) {
		asking->port = port_of(asking->options);
		if (asking->port == 0) {
			snprintf(asking->last, sizeof asking->last,
				"its port is not known: no service.port, and no "
				"service.listening in its log");
			ask_again(asking);
		} else if (kind == READY_HTTP) {
			ask_http(asking);
		} else {
			ask_tcp(asking);
		}
		return;
	}
	if (kind == READY_LOG)
		look_at_log(asking);
	else
		look_at_signals(asking);
	if (!asking->ready)
		ask_again(asking);
}

static void on_again(uv_timer_t *timer)
{
	ask(timer->data);
}

static void ask_again(struct readiness_probe *asking)
{
	if (asking->timer_open && !asking->ready)
		uv_timer_start(&asking->again, on_again, ASK_MS, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	((struct readiness_probe *)handle->data)->timer_open = false;
}

static bool is_closed(const void *arg)
{
	const struct readiness_probe *asking = arg;

	return !asking->timer_open && !asking->tcp_open;
}

static void stop_asking(struct readiness_probe *asking)
{
	if (asking->call)
		fetch_cancel(asking->call);
	if (asking->tcp_open)
		close_tcp(asking);
	uv_close((uv_handle_t *)&asking->again, on_timer_closed);
	wait_until(asking->options->loop, is_closed, asking, INT64_MAX, NULL);
	fetch_destroy(asking->fetch);
	free(asking->url);
}

static bool is_forgotten(const void *arg)
{
	const struct readiness_probe *asking = arg;
	const struct proc_record *events;
	unsigned count;

	if (!subject_descendants(asking->options->subject, &events, &count))
		return true;
	for (unsigned i = 0; i < count; i++) {
		if (events[i].born_ns >= asking->asked_ns && !events[i].ended_ns)
			return false;
	}
	return true;
}

/* A server that forks for each client has forked for us, and the stop must not find that
 * child, which may still be busy with exiting. Our own service does not fork for us. */
static void let_it_forget(const struct readiness_probe *asking)
{
	const struct readiness_options *options = asking->options;

	if (asking->asked_ns && !scenario_is_ours(options->scenario))
		wait_until(options->loop, is_forgotten, asking,
			clock_now() + PARTING_MS * CLOCK_MS, options->interrupted);
}

enum readiness_end readiness_await(
	const struct readiness_options *options, char **base, struct err *err)
{
	struct readiness_probe asking = {.options = options};
	int64_t deadline_ns = clock_now() + options->scenario->service.ready.within_ns;
	enum wait_end end = WAIT_DEADLINE;

	*base = NULL;
	uv_timer_init(options->loop, &asking.again);
	asking.again.data = &asking;
	asking.timer_open = true;
	asking.fetch = fetch_create(options->loop, 1, err);
	if (asking.fetch) {
		ask(&asking);
		end = wait_until(options->loop, is_ready_or_gone, &asking, deadline_ns,
			options->interrupted);
	}
	stop_asking(&asking);
	if (end == WAIT_SO && asking.ready)
		let_it_forget(&asking);
	if (end == WAIT_INTERRUPTED)
		return READINESS_INTERRUPTED;
	if (!subject_running(options->subject))
		return READINESS_EXITED;
	if (end == WAIT_DEADLINE) {
		err_set(err, "not ready in time: %s", asking.last);
		return READINESS_NOT_IN_TIME;
	}
	if (port_of(options) != 0)
		*base = mem_textf("http://%s:%lld", subject_address(options->subject),
			(long long)port_of(options));
	return READINESS_YES;
}
