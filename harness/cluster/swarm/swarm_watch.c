#include "harness/cluster/swarm/swarm_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster/swarm/swarm_nodes.h"
#include "harness/cluster/swarm/swarm_tasks.h"
#include "harness/cluster/task_list.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define FAST_NS      (100 * CLOCK_MS)
#define SLOW_NS      (1 * CLOCK_S)
#define NODES_NS     (1 * CLOCK_S)
#define CALM_NS      (2 * CLOCK_S) /* without a change, until rounds are slow */
#define CALL_NS      (5 * CLOCK_S)
#define BACK_OFF_NS  (2 * CLOCK_S) /* at most */
#define SHARE        4 /* a round that took t is followed by a pause of at least t * this */
#define BODY_CEILING ((size_t)64 << 20)

enum question {
	ASK_NODES,
	ASK_TASKS,
	ASK_SERVICE,
};

struct swarm_watch {
	struct swarm *swarm;
	struct loop_timer *timer;
	struct fetch_call *call; /* NULL: none is under way */
	enum question question;
	int64_t round_ns;   /* the round under way began */
	int64_t seen_ns;    /* the last whole one did */
	int64_t nodes_ns;   /* that asked for nodes did */
	int64_t changed_ns; /* something has changed last */
	int64_t back_off_ns;
	bool changed; /* in this round */
	unsigned mesh_port;
	enum swarm_update update;
};

static void ask(struct swarm_watch *watch, enum question question);

static void tell(struct swarm_watch *watch)
{
	const struct cluster *cluster = &watch->swarm->cluster;

	if (cluster->changed)
		cluster->changed(cluster->arg);
}

/* --- the end of a round --- */

static int64_t pause_ns(const struct swarm_watch *watch, int64_t now_ns)
{
	bool calm = now_ns - watch->changed_ns > CALM_NS &&
		now_ns - watch->swarm->acted_ns > CALM_NS &&
		cluster_has_settled(&watch->swarm->cluster);
	int64_t fair_ns = (now_ns - watch->round_ns) * SHARE;
	int64_t wanted_ns = calm ? SLOW_NS : FAST_NS;

	return fair_ns > wanted_ns ? fair_ns : wanted_ns;
}

static void finish_round(struct swarm_watch *watch)
{
	struct cluster *cluster = &watch->swarm->cluster;
	int64_t now_ns = clock_now();

	watch->seen_ns = watch->round_ns;
	watch->back_off_ns = 0;
	if (cluster->unobserved[0]) {
		cluster->unobserved[0] = '\0';
		watch->changed = true;
	}
	if (watch->changed)
		watch->changed_ns = now_ns;
	loop_timer_set(watch->timer, pause_ns(watch, now_ns));
	if (watch->changed)
		tell(watch);
}

static void fail_round(struct swarm_watch *watch, const struct err *err)
{
	struct cluster *cluster = &watch->swarm->cluster;
	bool known = cluster->unobserved[0];

	snprintf(cluster->unobserved, sizeof cluster->unobserved, "%.200s", err->text);
	watch->back_off_ns = watch->back_off_ns ? watch->back_off_ns * 2 : FAST_NS;
	if (watch->back_off_ns > BACK_OFF_NS)
		watch->back_off_ns = BACK_OFF_NS;
	loop_timer_set(watch->timer, watch->back_off_ns);
	if (!known)
		tell(watch);
}

/* --- answers --- */

static void on_service(struct swarm_watch *watch, const cJSON *service)
{
	struct cluster *cluster = &watch->swarm->cluster;
	const cJSON *spec = json_get(service, "Spec");
	const char *message = swarm_service_update_message(service);
	enum swarm_update update = swarm_service_update(service);
	/* What was read before the last action's answer may be of the time before it. */
	bool is_new = watch->round_ns > watch->swarm->acted_ns;

	watch->changed = watch->changed || update != watch->update;
	watch->update = update;
	watch->mesh_port = swarm_service_mesh_port(service);
	if (swarm_service_is_global(spec))
		cluster->replicas = task_list_count(cluster).wanted;
	if (is_new && update == SWARM_UPDATE_GIVEN_UP)
		snprintf(cluster->gave_up, sizeof cluster->gave_up, "%.200s",
			message ? message : "the update was paused");
}

static void on_service_gone(struct swarm_watch *watch)
{
	struct swarm *swarm = watch->swarm;

	if (!swarm->removed)
		snprintf(swarm->cluster.gave_up, sizeof swarm->cluster.gave_up,
			"service %s was removed by somebody else",
			swarm->cluster.service);
	swarm->removed = true;
	watch->changed = true;
	finish_round(watch);
}

static void on_answer(struct swarm_watch *watch, const cJSON *json)
{
	struct cluster *cluster = &watch->swarm->cluster;

	switch (watch->question) {
	case ASK_NODES:
		watch->nodes_ns = watch->round_ns;
		watch->changed = swarm_nodes_note(cluster, json) || watch->changed;
		ask(watch, ASK_TASKS);
		return;
	case ASK_TASKS:
		watch->changed = swarm_tasks_read(cluster, json, watch->mesh_port,
					 clock_now()) ||
			watch->changed;
		if (watch->swarm->removed)
			finish_round(watch);
		else
			ask(watch, ASK_SERVICE);
		return;
	case ASK_SERVICE:
		on_service(watch, json);
		finish_round(watch);
		return;
	}
}

static void on_done(void *arg, const struct fetch_result *result)
{
	struct swarm_watch *watch = arg;
	SCOPED(json_free) cJSON *json = NULL;
	struct err err = {0};

	watch->call = NULL;
	/* A filter by a service that is gone is an error, too. */
	if (watch->question != ASK_NODES && result->status == 404) {
		on_service_gone(watch);
		return;
	}
	if (!docker_api_went_well(result, &err)) {
		fail_round(watch, &err);
		return;
	}
	json = json_parse(buf_text(result->body), result->body->len);
	if (watch->question == ASK_SERVICE ? cJSON_IsObject(json)
					   : cJSON_IsArray(json)) {
		on_answer(watch, json);
		return;
	}
	err_set(&err, "an answer of %zu bytes from %s is not what the API has",
		result->body->len, watch->swarm->api->address);
	fail_round(watch, &err);
}

/* --- questions --- */

/* By the service's id; once it is gone a filter by that is an error, and its tasks are
 * asked for by theirs. The caller's. */
static char *task_filter(const struct swarm *swarm)
{
	const struct cluster *cluster = &swarm->cluster;
	SCOPED(buf_done) struct buf text = {0};

	buf_adds(&text, swarm->removed ? "{\"id\":[" : "{\"service\":[");
	if (!swarm->removed)
		buf_addf(&text, "\"%s\"", swarm->service_id);
	for (unsigned i = 0, n = 0; swarm->removed && i < cluster->task_count; i++)
		if (cluster->tasks[i].state != TASK_GONE)
			buf_addf(&text, "%s\"%s\"", n++ ? "," : "",
				cluster->tasks[i].id);
	buf_adds(&text, "]}");
	return docker_api_escape(buf_text(&text));
}

/* The caller's. */
static char *path_of(const struct swarm_watch *watch, enum question question)
{
	SCOPED(mem_free) char *filter = NULL;

	switch (question) {
	case ASK_NODES:
		return mem_text("/nodes");
	case ASK_TASKS:
		filter = task_filter(watch->swarm);
		return mem_textf("/tasks?filters=%s", filter);
	case ASK_SERVICE:
		return mem_textf("/services/%s", watch->swarm->service_id);
	}
	return NULL;
}

static bool has_task_left(const struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (cluster->tasks[i].state != TASK_GONE)
			return true;
	return false;
}

static void ask(struct swarm_watch *watch, enum question question)
{
	const struct fetch_request request = {
		.timeout_ns = CALL_NS,
		.body_ceiling = BODY_CEILING,
		.done = on_done,
		.arg = watch,
	};
	SCOPED(mem_free) char *path = path_of(watch, question);
	struct err err;

	/* A filter without ids would be one for all tasks of the swarm. */
	if (question == ASK_TASKS && watch->swarm->removed &&
		!has_task_left(&watch->swarm->cluster)) {
		finish_round(watch);
		return;
	}
	watch->question = question;
	watch->call = docker_api_begin(watch->swarm->api, &request, path, &err);
	if (!watch->call)
		fail_round(watch, &err);
}

static void on_timer(void *arg)
{
	struct swarm_watch *watch = arg;

	if (watch->call)
		return;
	watch->round_ns = clock_now();
	watch->changed = false;
	ask(watch,
		watch->round_ns - watch->nodes_ns >= NODES_NS ? ASK_NODES : ASK_TASKS);
}

/* --- the watch --- */

struct swarm_watch *swarm_watch_create(struct swarm *swarm)
{
	struct swarm_watch *watch = mem_zeroed(sizeof *watch);

	watch->swarm = swarm;
	watch->timer = loop_timer_create(swarm->cluster.loop, on_timer, watch);
	loop_timer_set(watch->timer, 0);
	return watch;
}

void swarm_watch_destroy(struct swarm_watch *watch)
{
	if (!watch)
		return;
	if (watch->call)
		fetch_cancel(watch->call);
	loop_timer_destroy(watch->timer);
	free(watch);
}

void swarm_watch_hurry(struct swarm_watch *watch)
{
	if (!watch->call)
		loop_timer_set(watch->timer, 0);
}

int64_t swarm_watch_seen_ns(const struct swarm_watch *watch)
{
	return watch->seen_ns;
}

enum swarm_update swarm_watch_update(const struct swarm_watch *watch)
{
	return watch->update;
}
