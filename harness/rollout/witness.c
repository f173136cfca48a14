#include "harness/rollout/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/rollout/witness_process.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/strlist.h"
#include "lib/wait.h"

#define LINE_MAX_BYTES ((size_t)16 << 20)
#define OPEN_NS        (20 * CLOCK_S) /* until it watches all that run */
#define ASK_NS         (5 * CLOCK_S)
#define AGAIN_NS       (200 * CLOCK_MS)
#define GIVE_UP_NS     (15 * CLOCK_S) /* after a connection broke */
#define SILENCE_NS     (15 * CLOCK_S) /* a heartbeat comes every 5 s */
#define ROUND_TRIPS    8

struct witness {
	struct witness_options options;
	witness_stop_fn *stopped;
	void *arg;
	struct witness_process *process; /* NULL: it is somebody else's */
	struct fetch *fetch;
	char *base;   /* "http://witness", "https://10.99.2.2:7443" */
	char *socket; /* NULL: TCP */
	struct fetch_tls tls;
	char *tls_files[3]; /* of tls, owned */

	/* The node, as it answered last. */
	struct fetch_call *asking;
	cJSON *node;
	struct buf failure; /* of the last call; "": it went well */
	char *instance;     /* whose numbers `seq` is of */
	uint64_t seq;       /* the last stop that is known */
	unsigned round_trips;
	int64_t offset_ns; /* its clock minus ours */
	int64_t error_ns;  /* to +- this */

	/* Its stream. */
	struct fetch_call *stream; /* NULL: none is open */
	struct lines lines;
	bool told; /* all that it watches has been told once */
	struct strlist watched;
	struct loop_timer *silence;
	struct loop_timer *again;
	struct loop_timer *pause; /* between two looks for one that starts */
	int64_t broken_ns;        /* since when there is none; 0: there is one */
	char trouble[256];
};

/* --- what it tells --- */

static unsigned place_of(const struct witness *witness, const char *container)
{
	unsigned i = 0;

	while (i < witness->watched.count &&
		strcmp(witness->watched.item[i], container) != 0)
		i++;
	return i;
}

static void note_watching(struct witness *witness, const cJSON *json)
{
	const char *container = json_text(json, "container");

	if (container && place_of(witness, container) == witness->watched.count)
		strlist_add(&witness->watched, "%s", container);
}

static void forget(struct witness *witness, const char *container)
{
	struct strlist *list = &witness->watched;
	unsigned i = place_of(witness, container);

	if (i == list->count)
		return;
	free(list->item[i]);
	memmove(list->item + i, list->item + i + 1,
		(list->count - i) * sizeof *list->item);
	list->count--;
}

static enum verdict verdict_named(const char *name)
{
	unsigned i = 0;

	while (name && i < VERDICTS && strcmp(verdict_names[i], name) != 0)
		i++;
	return name && i < VERDICTS ? (enum verdict)i : VERDICT_INCONCLUSIVE;
}

/* Of Swarm, or of Kubernetes. */
static const char *task_of(const cJSON *labels)
{
	const char *task = json_text(labels, "com.docker.swarm.task.id");

	return task ? task : json_text(labels, "io.kubernetes.pod.uid");
}

static int64_t our_time(
	const struct witness *witness, const cJSON *json, const char *key)
{
	int64_t ns = json_int(json, key, 0);

	return ns ? ns - witness->offset_ns : 0;
}

static void hand_over(struct witness *witness, cJSON *json)
{
	const cJSON *report = json_get(json, "report");
	const char *container = json_text(json, "container");
	struct task_stop stop = {
		.task = mem_text(task_of(json_get(json, "labels"))),
		.node = mem_text(witness_node(witness)),
		.container = mem_text(container),
		.source = TASK_STOP_WITNESS,
		.verdict = verdict_named(json_text(report, "verdict")),
		.reason = mem_text(json_text(report, "reason")),
		.exit_code = (int)json_int(report, "exit_code", -1),
		.signal_ns = our_time(witness, json, "signal_ns"),
		.exit_ns = our_time(witness, json, "exit_ns"),
		.error_ns = witness->error_ns + json_int(json, "error_ns", 0),
		.report = cJSON_DetachItemFromObjectCaseSensitive(json, "report"),
	};

	if (container)
		forget(witness, container);
	witness->stopped(witness->arg, &stop);
}

static void note_lost(struct witness *witness, const cJSON *json)
{
	int64_t from = json_int(json, "from", 0), to = json_int(json, "to", 0);

	snprintf(witness->trouble, sizeof witness->trouble,
		"it does not remember %lld of its stops any more",
		(long long)(to - from + 1));
}

static void note_seq(struct witness *witness, const cJSON *json)
{
	int64_t seq = json_int(json, "seq", 0);

	if (seq > (int64_t)witness->seq)
		witness->seq = (uint64_t)seq;
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct witness *witness = arg;
	SCOPED(json_free) cJSON *json = cut ? NULL : json_parse(line, len);
	cJSON *stop = cJSON_GetObjectItemCaseSensitive(json, "stop");

	note_seq(witness, stop);
	note_seq(witness, json_get(json, "heartbeat"));
	if (stop)
		hand_over(witness, stop);
	else if (json_get(json, "watching"))
		note_watching(witness, json_get(json, "watching"));
	else if (json_get(json, "lost"))
		note_lost(witness, json_get(json, "lost"));
	else if (json_get(json, "heartbeat"))
		witness->told = true;
}

/* --- calls --- */

static struct fetch_call *call(struct witness *witness, const char *path,
	const struct fetch_request *request, struct err *err)
{
	SCOPED(mem_free) char *url = mem_textf("%s%s", witness->base, path);
	struct fetch_request whole = *request;

	whole.url = url;
	whole.socket = witness->socket;
	whole.tls = witness->tls.ca ? &witness->tls : NULL;
	whole.arg = witness;
	return fetch_start(witness->fetch, &whole, err);
}

static void note_failure(struct witness *witness, const struct fetch_result *result)
{
	SCOPED(json_free)
	cJSON *json = json_parse(buf_text(result->body), result->body->len);
	const char *said = json_text(json, "error");

	buf_clear(&witness->failure);
	if (result->end != FETCH_ANSWERED)
		buf_adds(&witness->failure, result->why);
	else if (result->status != 200)
		buf_addf(&witness->failure, "HTTP %ld%s%s", result->status,
			said ? " " : "", said ? said : "");
}

/* The best of some round trips. On this very kernel the clock is ours. */
static void note_clock(struct witness *witness, const struct fetch_result *result)
{
	SCOPED(buf_done) struct buf boot = {0};
	const char *theirs = json_text(witness->node, "boot_id");
	int64_t error_ns = (result->ended_ns - result->began_ns) / 2;
	int64_t clock_ns = json_int(witness->node, "clock_ns", 0);

	if (theirs && fs_read_file(&boot, "/proc/sys/kernel/random/boot_id") &&
		strncmp(buf_text(&boot), theirs, strlen(theirs)) == 0 && theirs[0]) {
		witness->offset_ns = witness->error_ns = 0;
	} else if (witness->round_trips == 0 || error_ns < witness->error_ns) {
		witness->error_ns = error_ns;
		witness->offset_ns = clock_ns - result->began_ns - error_ns;
	}
	witness->round_trips++;
}

static void note_node(struct witness *witness, const struct fetch_result *result)
{
	note_failure(witness, result);
	if (witness->failure.len > 0)
		return;
	cJSON_Delete(witness->node);
	witness->node = json_parse(buf_text(result->body), result->body->len);
	if (!witness->node || !json_text(witness->node, "instance")) {
		buf_adds(&witness->failure, "it is no witness");
		return;
	}
	note_clock(witness, result);
}

/* --- the stream --- */

static void try_again(struct witness *witness)
{
	int64_t now_ns = clock_now();

	loop_timer_stop(witness->silence);
	witness->told = false;
	if (!witness->broken_ns)
		witness->broken_ns = now_ns;
	if (now_ns - witness->broken_ns < GIVE_UP_NS)
		loop_timer_set(witness->again, AGAIN_NS);
	else
		snprintf(witness->trouble, sizeof witness->trouble,
			"the connection to it broke: %.200s",
			buf_text(&witness->failure));
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct witness *witness = arg;

	witness->broken_ns = 0;
	loop_timer_set(witness->silence, SILENCE_NS);
	lines_feed(&witness->lines, data, len);
}

static void on_stream_over(void *arg, const struct fetch_result *result)
{
	struct witness *witness = arg;

	witness->stream = NULL;
	note_failure(witness, result);
	if (witness->failure.len == 0)
		buf_adds(&witness->failure, "it ended its answer");
	try_again(witness);
}

static bool begin_stream(struct witness *witness, struct err *err)
{
	SCOPED(mem_free) char *label =
		fetch_escape(witness->options.label ? witness->options.label : "");
	SCOPED(mem_free) char *path = mem_textf("/v1/stops?label=%s&since=%llu", label,
		(unsigned long long)witness->seq);

	lines_done(&witness->lines);
	lines_init(&witness->lines, LINE_MAX_BYTES, on_line, witness);
	strlist_done(&witness->watched);
	loop_timer_set(witness->silence, SILENCE_NS);
	witness->stream = call(witness, path,
		&(struct fetch_request){
			.data = on_data, .done = on_stream_over, .fresh = true},
		err);
	return witness->stream != NULL;
}

/* Numbers of another process mean other stops. */
static void meet_instance(struct witness *witness)
{
	const char *instance = json_text(witness->node, "instance");

	if (witness->instance && strcmp(witness->instance, instance) == 0)
		return;
	if (witness->instance) {
		snprintf(witness->trouble, sizeof witness->trouble,
			"it was started anew: stops in between are not known");
		witness->seq = 0;
	} else {
		witness->seq = (uint64_t)json_int(witness->node, "seq", 0);
	}
	free(witness->instance);
	witness->instance = mem_text(instance);
}

static void on_met_again(void *arg, const struct fetch_result *result)
{
	struct witness *witness = arg;
	struct err err;

	witness->asking = NULL;
	note_node(witness, result);
	if (witness->failure.len > 0) {
		try_again(witness);
		return;
	}
	meet_instance(witness);
	if (!begin_stream(witness, &err))
		try_again(witness);
}

static void on_again(void *arg)
{
	struct witness *witness = arg;
	struct err err;

	witness->asking = call(witness, "/v1/node",
		&(struct fetch_request){.timeout_ns = ASK_NS, .done = on_met_again},
		&err);
	if (!witness->asking)
		try_again(witness);
}

static void on_silence(void *arg)
{
	struct witness *witness = arg;

	if (witness->stream)
		fetch_cancel(witness->stream);
	witness->stream = NULL;
	buf_clear(&witness->failure);
	buf_adds(&witness->failure, "it was silent");
	try_again(witness);
}

/* --- open --- */

static void on_node(void *arg, const struct fetch_result *result)
{
	struct witness *witness = arg;

	witness->asking = NULL;
	note_node(witness, result);
}

static bool has_answered(const void *arg)
{
	return !((const struct witness *)arg)->asking;
}

static bool is_told(const void *arg)
{
	const struct witness *witness = arg;

	return witness->told || witness->trouble[0];
}

/* False: no answer, or another one; witness->failure says which. */
static bool ask_node(struct witness *witness)
{
	struct err err;

	witness->asking = call(witness, "/v1/node",
		&(struct fetch_request){.timeout_ns = ASK_NS, .done = on_node}, &err);
	if (!witness->asking) {
		buf_clear(&witness->failure);
		buf_adds(&witness->failure, err.text);
		return false;
	}
	wait_until(witness->options.loop, has_answered, witness,
		clock_now() + 2 * ASK_NS, witness->options.interrupted);
	if (witness->asking) {
		fetch_cancel(witness->asking);
		witness->asking = NULL;
		buf_clear(&witness->failure);
		buf_adds(&witness->failure, "interrupted");
	}
	return witness->failure.len == 0;
}

static bool is_due(const void *arg)
{
	const struct witness *witness = arg;

	return !loop_timer_is_set(witness->pause) ||
		!witness_process_runs(witness->process);
}

static void on_nothing(void *arg UNUSED)
{
}

/* One that was started here listens when it has attached to all that run. */
static bool await_process(struct witness *witness, struct err *err)
{
	int64_t until_ns = clock_now() + OPEN_NS;

	while (!ask_node(witness) && witness_process_runs(witness->process) &&
		clock_now() < until_ns) {
		loop_timer_set(witness->pause, AGAIN_NS / 4);
		if (wait_until(witness->options.loop, is_due, witness, until_ns,
			    witness->options.interrupted) == WAIT_INTERRUPTED)
			break;
	}
	return witness->failure.len == 0 ||
		err_set(err, "%s",
			witness_process_runs(witness->process)
				? buf_text(&witness->failure)
				: witness_process_words(witness->process));
}

static bool read_address(struct witness *witness, struct err *err)
{
	static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};
	const char *address = witness->options.address;
	const char *folder = witness->options.tls ? witness->options.tls
						  : getenv("DOCKER_CERT_PATH");

	if (strncmp(address, "unix:///", strlen("unix:///")) == 0) {
		witness->base = mem_text("http://witness");
		witness->socket = mem_text(address + strlen("unix://"));
		return true;
	}
	if (strncmp(address, "https://", strlen("https://")) != 0)
		return err_set(err, "expected unix:///PATH or https://HOST:PORT");
	if (!folder || !folder[0])
		return err_set(err,
			"https:// needs a folder with ca.pem, cert.pem and key.pem: --tls, or "
			"DOCKER_CERT_PATH");
	for (size_t i = 0; i < COUNT(names); i++)
		witness->tls_files[i] = mem_textf("%s/%s", folder, names[i]);
	witness->tls = (struct fetch_tls){
		witness->tls_files[0], witness->tls_files[1], witness->tls_files[2]};
	witness->base = mem_text(address);
	return true;
}

static bool reach(struct witness *witness, struct err *err)
{
	const struct witness_options *options = &witness->options;

	if (!options->daemon)
		return read_address(witness, err) &&
			(ask_node(witness) ||
				err_set(err, "%s", buf_text(&witness->failure)));
	witness->process = witness_process_start(options->loop, options->programs,
		options->folder, options->address, options->label, err);
	if (!witness->process)
		return false;
	witness->base = mem_text("http://witness");
	witness->socket = mem_text(witness_process_socket(witness->process));
	return await_process(witness, err);
}

static bool open_stream(struct witness *witness, struct err *err)
{
	while (witness->error_ns && witness->round_trips < ROUND_TRIPS) {
		if (!ask_node(witness))
			return err_set(err, "%s", buf_text(&witness->failure));
	}
	meet_instance(witness);
	if (!begin_stream(witness, err))
		return false;
	switch (wait_until(witness->options.loop, is_told, witness,
		clock_now() + OPEN_NS, witness->options.interrupted)) {
	case WAIT_SO:
		return !witness->trouble[0] || err_set(err, "%s", witness->trouble);
	case WAIT_INTERRUPTED:
		return err_set(err, "interrupted");
	case WAIT_DEADLINE:
		break;
	}
	return err_set(err, "it did not say what it watches");
}

struct witness *witness_open(const struct witness_options *options,
	witness_stop_fn *stopped, void *arg, struct err *err)
{
	struct witness *witness = mem_zeroed(sizeof *witness);

	witness->options = *options;
	witness->stopped = stopped;
	witness->arg = arg;
	buf_init(&witness->failure, 4096);
	lines_init(&witness->lines, LINE_MAX_BYTES, on_line, witness);
	witness->silence = loop_timer_create(options->loop, on_silence, witness);
	witness->again = loop_timer_create(options->loop, on_again, witness);
	witness->pause = loop_timer_create(options->loop, on_nothing, witness);
	witness->fetch = fetch_create(options->loop, 2, err);
	if (witness->fetch && reach(witness, err) && open_stream(witness, err))
		return witness;
	err_while(err, "the witness at %s", options->address);
	witness_close(witness);
	return NULL;
}

void witness_close(struct witness *witness)
{
	if (!witness)
		return;
	fetch_destroy(witness->fetch);
	loop_timer_destroy(witness->silence);
	loop_timer_destroy(witness->again);
	loop_timer_destroy(witness->pause);
	witness_process_end(witness->process);
	lines_done(&witness->lines);
	strlist_done(&witness->watched);
	buf_done(&witness->failure);
	cJSON_Delete(witness->node);
	for (size_t i = 0; i < COUNT(witness->tls_files); i++)
		free(witness->tls_files[i]);
	free(witness->instance);
	free(witness->base);
	free(witness->socket);
	free(witness);
}

const char *witness_node(const struct witness *witness)
{
	return json_text(witness->node, "name");
}

bool witness_watches(const struct witness *witness, const char *container)
{
	return place_of(witness, container) < witness->watched.count;
}

const char *witness_trouble(const struct witness *witness)
{
	return witness->trouble[0] ? witness->trouble : NULL;
}
