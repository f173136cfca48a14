#include "kube-fake/kubelet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "kube-fake/events.h"
#include "kube-fake/pod_server.h"
#include "kube-fake/pod_status.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define FLOOR_NS     (2 * CLOCK_S) /* minimumGracePeriodInSeconds */
#define DEAD_LOOK_NS (100 * CLOCK_MS)

enum pod_step {
	POD_BIND,
	POD_START,
	POD_READY,
	POD_RUN, /* nothing is due */
	POD_PRESTOP,
	POD_TERM,
	POD_END,
};

struct pod_run {
	struct kubelet *kubelet;
	struct pod_run *prev, *next;
	char *namespace, *name, *uid;
	enum pod_step step; /* that is done when the timer fires */
	struct loop_timer *timer;
	int64_t term_ns;           /* how long the program has from SIGTERM on */
	int64_t exit_code;         /* with which it will end */
	bool runs;                 /* its containers have started */
	struct pod_server *server; /* NULL: it cannot be asked */
};

struct kubelet {
	struct kube_fake *fake;
	struct pod_run *runs;
	unsigned addresses; /* of pods so far */
};

struct kubelet *kubelet_create(struct kube_fake *fake)
{
	struct kubelet *kubelet = mem_zeroed(sizeof *kubelet);

	kubelet->fake = fake;
	return kubelet;
}

static void run_free(struct pod_run *run)
{
	DL_DELETE(run->kubelet->runs, run);
	loop_timer_destroy(run->timer);
	pod_server_destroy(run->server);
	free(run->namespace);
	free(run->name);
	free(run->uid);
	free(run);
}

void kubelet_destroy(struct kubelet *kubelet)
{
	while (kubelet && kubelet->runs)
		run_free(kubelet->runs);
	free(kubelet);
}

/* --- nodes --- */

static const char *const *dead_or_not(bool dead)
{
	static const char *const alive[] = {"True", "KubeletReady"};
	static const char *const gone[] = {"Unknown", "NodeStatusUnknown"};

	return dead ? gone : alive;
}

static cJSON *node_conditions(bool dead)
{
	const char *const *words = dead_or_not(dead);
	cJSON *list = cJSON_CreateArray();
	char now[STORE_TIME_SIZE];

	store_time(0, now);
	cJSON_AddItemToArray(list,
		json_fill(NULL,
			"{'type': 'Ready', 'status': %s, 'reason': %s, 'message': '', "
			"'lastHeartbeatTime': %s, 'lastTransitionTime': %s}",
			words[0], words[1], now, now));
	return list;
}

static bool is_dead(const struct kubelet *kubelet, const char *node)
{
	const char *dead = kubelet->fake->behavior.dead_node;

	return dead && node && !strcmp(dead, node);
}

static void add_node(struct kubelet *kubelet, unsigned number)
{
	SCOPED(mem_free) char *name = mem_textf("node-%u", number);
	SCOPED(mem_free) char *address = mem_textf("10.99.0.%u", number);
	SCOPED(mem_free) char *range = mem_textf("10.244.%u.0/24", number);
	cJSON *node = json_fill(NULL,
		"{'metadata': {'name': %s, 'labels': {'kubernetes.io/hostname': %s, "
		"'kubernetes.io/os': 'linux'}}, 'spec': {'podCIDR': %s, 'podCIDRs': [%s]}, "
		"'status': {'addresses': [{'type': 'InternalIP', 'address': %s}, {'type': "
		"'Hostname', 'address': %s}], 'capacity': {'pods': '110'}, 'allocatable': "
		"{'pods': '110'}, 'nodeInfo': {'architecture': 'amd64', 'bootID': '', "
		"'containerRuntimeVersion': 'containerd://0.0.0+simulated', "
		"'kernelVersion': '', 'kubeProxyVersion': '', 'kubeletVersion': "
		"'" FAKE_VERSION "', 'machineID': '', 'operatingSystem': 'linux', "
		"'osImage': 'none (simulated)', 'systemUUID': ''}}}",
		name, name, range, range, address, name);

	cJSON_AddItemToObject(cJSON_GetObjectItemCaseSensitive(node, "status"),
		"conditions", node_conditions(false));
	store_add(kubelet->fake->store, &resources[RESOURCE_NODES], node);
}

void kubelet_add_nodes(struct kubelet *kubelet, unsigned count)
{
	for (unsigned number = 1; number <= count; number++)
		add_node(kubelet, number);
}

void kubelet_look_at_nodes(struct kubelet *kubelet)
{
	struct store *store = kubelet->fake->store;
	struct object *node = NULL;

	while ((node = store_next(store, &resources[RESOURCE_NODES], node))) {
		bool dead = is_dead(kubelet, node->name);
		const char *ready =
			json_text(json_at(node->json, "status.conditions.0"), "status");
		cJSON *draft;

		if (!strcmp(ready, dead_or_not(dead)[0]))
			continue;
		draft = object_draft(node);
		cJSON_ReplaceItemInObjectCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(draft, "status"), "conditions",
			node_conditions(dead));
		store_replace(store, node, draft);
	}
}

static unsigned pods_on(const struct store *store, const char *node)
{
	const struct object *pod = NULL;
	unsigned count = 0;

	while ((pod = store_next(store, &resources[RESOURCE_PODS], pod))) {
		const char *on = json_text(json_get(pod->json, "spec"), "nodeName");

		count += on && !strcmp(on, node);
	}
	return count;
}

/* The node with the fewest pods. NULL: each is cordoned or dead. */
static const struct object *choose_node(const struct kubelet *kubelet)
{
	const struct store *store = kubelet->fake->store;
	const struct object *node = NULL, *chosen = NULL;
	unsigned least = 0;

	while ((node = store_next(store, &resources[RESOURCE_NODES], node))) {
		unsigned count = pods_on(store, node->name);

		if (json_bool(json_get(node->json, "spec"), "unschedulable", false) ||
			is_dead(kubelet, node->name) || (chosen && count >= least))
			continue;
		chosen = node;
		least = count;
	}
	return chosen;
}

/* --- the steps of a pod --- */

static void plan(struct pod_run *run, enum pod_step step, int64_t after_ns)
{
	run->step = step;
	loop_timer_set(run->timer, after_ns);
}

static void bind_to_node(struct pod_run *run, struct object *pod)
{
	const struct object *node = choose_node(run->kubelet);
	cJSON *draft;

	if (!node) {
		plan(run, POD_BIND, DEAD_LOOK_NS);
		return;
	}
	draft = object_draft(pod);
	pod_status_bound(draft, node->name,
		json_text(json_at(node->json, "status.addresses.0"), "address"));
	plan(run, POD_START, run->kubelet->fake->behavior.start_ns);
	store_replace(run->kubelet->fake->store, pod, draft);
}

static void start(struct pod_run *run, struct object *pod)
{
	unsigned number = ++run->kubelet->addresses;
	bool serves = run->kubelet->fake->behavior.serves;
	SCOPED(mem_free)
	char *address = mem_textf("%s.%u.%u", serves ? "127.244" : "10.244",
		number / 250 % 250, number % 250 + 1);
	cJSON *draft = object_draft(pod);

	pod_status_running(draft, address);
	run->runs = true;
	if (serves)
		run->server =
			pod_server_create(run->kubelet->fake->loop, draft, address);
	plan(run, POD_READY, run->kubelet->fake->behavior.ready_ns);
	store_replace(run->kubelet->fake->store, pod, draft);
}

static void become_ready(struct pod_run *run, struct object *pod)
{
	cJSON *draft = object_draft(pod);

	pod_status_ready(draft, true);
	run->step = POD_RUN;
	store_replace(run->kubelet->fake->store, pod, draft);
}

/* How long its preStop hook takes; 0: it has none. */
static int64_t prestop_ns(const struct pod_run *run, const struct object *pod)
{
	const cJSON *hook = json_at(pod->json, "spec.containers.0.lifecycle.preStop");
	const cJSON *sleep = json_get(hook, "sleep");

	if (!hook)
		return 0;
	return sleep ? json_int(sleep, "seconds", 0) * CLOCK_S
		     : run->kubelet->fake->behavior.prestop_ns;
}

/* The hook runs within the grace; what is left of it is the program's. */
static void run_prestop(struct pod_run *run, struct object *pod)
{
	struct store *store = run->kubelet->fake->store;
	int64_t grace_ns = CLOCK_S *
		json_int(json_get(pod->json, "metadata"), "deletionGracePeriodSeconds",
			30);
	int64_t hook_ns = prestop_ns(run, pod);

	events_add(store, pod->json, "Normal", "Killing", "Stopping container %s",
		json_text(json_at(pod->json, "spec.containers.0"), "name"));
	if (hook_ns > 0 && run->kubelet->fake->behavior.prestop_fails)
		events_add(store, pod->json, "Warning", "FailedPreStopHook",
			"PreStopHook failed");
	if (hook_ns > grace_ns)
		hook_ns = grace_ns;
	run->term_ns = grace_ns - hook_ns > FLOOR_NS ? grace_ns - hook_ns : FLOOR_NS;
	plan(run, POD_TERM, hook_ns);
}

static void terminate(struct pod_run *run)
{
	const struct kube_behavior *behavior = &run->kubelet->fake->behavior;
	int64_t drain_ns = run->server ? pod_server_term(run->server) : 0;
	int64_t stop_ns = behavior->stop_ns + drain_ns;
	bool in_time = stop_ns < run->term_ns;

	run->exit_code = in_time ? behavior->exit_code : 137;
	plan(run, POD_END, in_time ? stop_ns : run->term_ns);
}

static void end(struct pod_run *run, struct object *pod)
{
	struct store *store = run->kubelet->fake->store;
	cJSON *draft = object_draft(pod);

	pod_server_destroy(run->server);
	run->server = NULL;
	pod_status_terminated(draft, run->exit_code);
	run->step = POD_RUN;
	if (store_replace(store, pod, draft))
		store_delete(store, pod, 0);
}

static void on_timer(void *arg)
{
	struct pod_run *run = arg;
	struct store *store = run->kubelet->fake->store;
	struct object *pod =
		store_find(store, &resources[RESOURCE_PODS], run->namespace, run->name);

	if (!pod)
		return;
	if (is_dead(run->kubelet, json_text(json_get(pod->json, "spec"), "nodeName"))) {
		loop_timer_set(run->timer, DEAD_LOOK_NS);
		return;
	}
	switch (run->step) {
	case POD_BIND:
		bind_to_node(run, pod);
		return;
	case POD_START:
		start(run, pod);
		return;
	case POD_READY:
		become_ready(run, pod);
		return;
	case POD_RUN:
		return;
	case POD_PRESTOP:
		if (run->runs)
			run_prestop(run, pod);
		else
			store_delete(store, pod, 0);
		return;
	case POD_TERM:
		terminate(run);
		return;
	case POD_END:
		end(run, pod);
		return;
	}
}

/* --- changes --- */

static struct pod_run *find_run(const struct kubelet *kubelet, const char *uid)
{
	struct pod_run *run;

	DL_FOREACH(kubelet->runs, run)
		if (!strcmp(run->uid, uid))
			return run;
	return NULL;
}

static struct pod_run *add_run(struct kubelet *kubelet, const cJSON *meta)
{
	struct pod_run *run = mem_zeroed(sizeof *run);

	run->kubelet = kubelet;
	run->namespace = mem_text(json_text(meta, "namespace"));
	run->name = mem_text(json_text(meta, "name"));
	run->uid = mem_text(json_text(meta, "uid"));
	run->timer = loop_timer_create(kubelet->fake->loop, on_timer, run);
	DL_APPEND(kubelet->runs, run);
	return run;
}

void kubelet_notice(struct kubelet *kubelet, const struct change *change)
{
	const cJSON *meta =
		json_get(change->now ? change->now : change->before, "metadata");
	struct pod_run *run;

	if (change->resource != &resources[RESOURCE_PODS])
		return;
	run = find_run(kubelet, json_text(meta, "uid"));
	if (!change->now) {
		if (run)
			run_free(run);
	} else if (!run) {
		plan(add_run(kubelet, meta), POD_BIND, 0);
	} else if (json_get(meta, "deletionTimestamp") &&
		!json_at(change->before, "metadata.deletionTimestamp")) {
		plan(run, POD_PRESTOP, 0);
	}
}
