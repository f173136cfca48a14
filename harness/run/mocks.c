#include "harness/run/mocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine/wait.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PORT_INSIDE 8089 /* in a container, where every port is free */
#define UP_NS       (10 * CLOCK_S)
#define STOP_NS     (2 * CLOCK_S)

struct mocks {
	struct mocks_options options;
	char *agent_url;   /* as the service reaches it */
	char *control_url; /* as we do */
	struct family *family;
	struct child *child;     /* beside the harness */
	struct subject *subject; /* or in a container */
	struct fetch *fetch;
	bool exited;
	struct buf said; /* its stderr: why it could not start */
};

static void on_stderr(void *arg, const char *data, size_t len)
{
	struct mocks *mocks = arg;

	buf_add(&mocks->said, data, len);
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct mocks *mocks = arg;

	(void)ns;
	buf_add(&mocks->said, line, len);
	buf_adds(&mocks->said, "\n");
}

static void on_child_exit(void *arg, int status)
{
	struct mocks *mocks = arg;

	(void)status;
	mocks->exited = true;
}

static bool is_listening_or_gone(const void *arg)
{
	const struct mocks *mocks = arg;

	return mocks->exited ||
		evidence_count(mocks->options.evidence, "agent.listening") > 0 ||
		(mocks->subject && !subject_running(mocks->subject));
}

static bool is_gone(const void *arg)
{
	return ((const struct mocks *)arg)->exited;
}

static bool is_stopped(const void *arg)
{
	return subject_stopped(((const struct mocks *)arg)->subject);
}

static int64_t listening_port(const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->event_count; i++) {
		if (strcmp(evidence->events[i].name, "agent.listening") == 0)
			return json_int(evidence->events[i].json, "port", 0);
	}
	return 0;
}

static bool write_manners(
	const struct scenario *scenario, const char *path, struct err *err)
{
	FILE *file = fopen(path, "we");
	const char *json = scenario->agent_json ? scenario->agent_json : "{}";
	bool ok = file && fputs(json, file) >= 0;

	if (file)
		ok = fclose(file) == 0 && ok;
	return ok || err_sys(err, "write %s", path);
}

static bool spawn_beside(struct mocks *mocks, const char *manners, struct err *err)
{
	const struct mocks_options *options = &mocks->options;
	SCOPED(mem_free) char *program = mem_textf("%s/mock-agent", options->programs);
	SCOPED(mem_free) char *seed =
		mem_textf("--seed=%llu", (unsigned long long)options->seed);
	SCOPED(mem_free) char *ledger = mem_textf("--ledger=%s", options->ledger);
	const char *argv[] = {
		program, "--port=0", "--manners", manners, seed, ledger, NULL};
	const struct child_spec spec = {
		.argv = argv,
		.on_stdout = on_stderr,
		.on_stderr = on_stderr,
		.on_exit = on_child_exit,
		.arg = mocks,
	};

	mocks->family = family_create(options->loop, NULL, NULL, err);
	mocks->child = mocks->family ? child_spawn(mocks->family, &spec, err) : NULL;
	return mocks->child != NULL;
}

static bool bring_up_inside(struct mocks *mocks, const char *manners, struct err *err)
{
	const struct mocks_options *options = &mocks->options;
	SCOPED(mem_free) char *port = mem_textf("--port=%d", PORT_INSIDE);
	SCOPED(mem_free) char *seed =
		mem_textf("--seed=%llu", (unsigned long long)options->seed);
	SCOPED(mem_free) char *ledger = mem_textf("--ledger=%s", options->ledger);
	const char *argv[] = {"mock-agent", "--host=0.0.0.0", port, "--manners",
		manners, seed, ledger, NULL};
	const struct unit unit = {
		.name = "mock-agent",
		.argv = argv,
		.run_folder = options->folder,
		.network = options->network,
		.stop_signal = "SIGTERM",
		.grace_ns = STOP_NS,
		.log = on_log,
		.arg = mocks,
	};

	mocks->subject = engine_up(options->engine, &unit, err);
	return mocks->subject != NULL;
}

static bool wait_listening(struct mocks *mocks, struct err *err)
{
	const struct mocks_options *options = &mocks->options;
	int64_t port;

	wait_until(options->loop, is_listening_or_gone, mocks, clock_now() + UP_NS,
		options->interrupted);
	port = listening_port(options->evidence);
	if (port == 0)
		return err_set(
			err, "it did not start to listen: %s", buf_text(&mocks->said));
	if (mocks->subject) {
		mocks->agent_url = mem_textf("http://mock-agent:%lld", (long long)port);
		mocks->control_url = mem_textf("http://%s:%lld",
			subject_address(mocks->subject), (long long)port);
	} else {
		mocks->agent_url = mem_textf("http://127.0.0.1:%lld", (long long)port);
		mocks->control_url = mem_text(mocks->agent_url);
	}
	return true;
}

struct mocks *mocks_up(const struct mocks_options *options,
	const struct scenario *scenario, struct err *err)
{
	struct mocks *mocks = mem_zeroed(sizeof *mocks);
	SCOPED(mem_free) char *manners = mem_textf("%s/agent.json", options->folder);
	bool ok;

	mocks->options = *options;
	buf_init(&mocks->said, 64 << 10);
	ok = write_manners(scenario, manners, err) &&
		(options->network ? bring_up_inside(mocks, manners, err)
				  : spawn_beside(mocks, manners, err)) &&
		wait_listening(mocks, err);
	if (!ok) {
		err_while(err, "mock-agent");
		mocks_down(mocks);
		return NULL;
	}
	return mocks;
}

const char *mocks_agent_url(const struct mocks *mocks)
{
	return mocks->agent_url;
}

/* The answer to one control request. */
struct answer {
	bool over;
	long status;
	char text[256];
};

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct answer *answer = arg;

	answer->over = true;
	answer->status = result->status;
	snprintf(answer->text, sizeof answer->text, "%.250s",
		result->end == FETCH_ANSWERED ? buf_text(result->body) : result->why);
}

static bool is_over(const void *arg)
{
	return ((const struct answer *)arg)->over;
}

bool mocks_slow_turns(struct mocks *mocks, int64_t turn_ns, struct err *err)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	SCOPED(mem_free) char *url =
		mem_textf("%s/control/manners", mocks->control_url);
	SCOPED(mem_free) char *body = mem_textf(
		"{\"first_byte\": {\"latency\": \"%lldns\"}}", (long long)turn_ns);
	struct answer answer = {0};
	const struct fetch_request request = {
		.method = "PUT",
		.url = url,
		.headers = json,
		.body = body,
		.body_len = strlen(body),
		.timeout_ns = UP_NS,
		.done = on_answer,
		.arg = &answer,
	};
	struct fetch_call *call;

	if (!mocks->fetch)
		mocks->fetch = fetch_create(mocks->options.loop, 1, err);
	if (!mocks->fetch)
		return false;
	call = fetch_start(mocks->fetch, &request, err);
	if (!call)
		return false;
	if (wait_until(mocks->options.loop, is_over, &answer, clock_now() + 2 * UP_NS,
		    mocks->options.interrupted) != WAIT_SO) {
		fetch_cancel(call);
		return err_set(err, "mock-agent did not take its new manners");
	}
	if (answer.status != 200)
		return err_set(
			err, "mock-agent refused its new manners: %s", answer.text);
	return true;
}

bool mocks_running(const struct mocks *mocks)
{
	return mocks->subject ? subject_running(mocks->subject) : !mocks->exited;
}

void mocks_down(struct mocks *mocks)
{
	struct err ignored;

	if (!mocks)
		return;
	fetch_destroy(mocks->fetch);
	if (mocks->child && !mocks->exited) {
		child_stop(mocks->child, 0, STOP_NS);
		wait_until(mocks->options.loop, is_gone, mocks,
			clock_now() + 2 * STOP_NS, NULL);
	}
	if (mocks->subject && subject_stop(mocks->subject, &ignored))
		wait_until(mocks->options.loop, is_stopped, mocks,
			clock_now() + 2 * STOP_NS, NULL);
	child_destroy(mocks->child);
	family_destroy(mocks->family);
	subject_down(mocks->subject);
	free(mocks->agent_url);
	free(mocks->control_url);
	buf_done(&mocks->said);
	free(mocks);
}
