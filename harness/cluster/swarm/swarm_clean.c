#include "harness/cluster/swarm/swarm_clean.h"

#include <stdlib.h>
#include <string.h>

#include "harness/cluster/swarm/swarm_nodes.h"
#include "harness/engine/run_label.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

/* A network cannot be removed before the last task that uses it has ended. */
#define NETWORK_NS (30 * CLOCK_S)
#define PAUSE_NS   (500 * CLOCK_MS)

struct clean {
	struct swarm *swarm;
	cluster_is_over_fn *is_over;
	cluster_said_fn *said;
	void *arg;
	int removed;
};

/* What became of a thing. */
enum outcome {
	FAILED,
	DONE,
	GONE, /* somebody else has done it */
};

struct sort {
	const char *done, *what;
	const char *list;
	const char *labels, *name, *id; /* places of these in a member of the list */
	enum outcome (*undo)(struct swarm *swarm, const char *id, struct err *err);
};

static bool never(const void *arg UNUSED)
{
	return false;
}

/* A node lists a network until the last task there has ended; the manager says with
 * status 500 that it does not know it any more. */
static enum outcome delete (
	struct swarm *swarm, const char *kind, const char *id, struct err *err) {
	SCOPED(mem_free) char *path = mem_textf("/%s/%s", kind, id); long status;

	if (docker_api_call(swarm->api,
		    &(struct docker_call){
			    .method = "DELETE",
			    .path = path,
			    .stubborn = true,
			    .status = &status,
		    },
		    err)) return DONE;
	return status == 404 || strstr(err->text, "not found") ? GONE : FAILED;
}

static enum outcome remove_service(struct swarm *swarm, const char *id, struct err *err)
{
	return delete (swarm, "services", id, err);
}

static enum outcome remove_network(struct swarm *swarm, const char *id, struct err *err)
{
	int64_t deadline_ns = clock_now() + NETWORK_NS;

	for (;;) {
		enum outcome outcome = delete (swarm, "networks", id, err);

		if (outcome != FAILED || !strstr(err->text, "in use") ||
			clock_now() > deadline_ns)
			return outcome;
		wait_until(
			swarm->cluster.loop, never, NULL, clock_now() + PAUSE_NS, NULL);
	}
}

static enum outcome activate_node(struct swarm *swarm, const char *id, struct err *err)
{
	return swarm_node_activate(swarm, id, err) ? DONE : FAILED;
}

static bool is_ours(const struct clean *clean, const cJSON *thing,
	const struct sort *sort, const char **run_id)
{
	const cJSON *labels = json_at(thing, sort->labels);

	*run_id = run_label_of(labels);
	return *run_id && clean->is_over(*run_id) && json_text(thing, sort->id);
}

static bool undo_one(struct clean *clean, const struct sort *sort, const cJSON *thing,
	const char *run_id, struct err *err)
{
	const cJSON *named = json_at(thing, sort->name);
	const char *name = cJSON_IsString(named) ? named->valuestring : "?";
	SCOPED(mem_free)
	char *line =
		mem_textf("%s %s %s of run %s", sort->done, sort->what, name, run_id);

	switch (sort->undo(clean->swarm, json_text(thing, sort->id), err)) {
	case FAILED:
		return err_while(err, "%s %s", sort->what, name);
	case GONE:
		return true;
	case DONE:
		break;
	}
	clean->removed++;
	clean->said(clean->arg, line);
	return true;
}

static bool undo_sort(struct clean *clean, const struct sort *sort, struct err *err)
{
	SCOPED(json_free) cJSON *things = NULL;
	const cJSON *thing;
	const char *run_id;
	bool ok = true;

	if (!docker_api_call(clean->swarm->api,
		    &(struct docker_call){
			    .path = sort->list, .answer = &things, .stubborn = true},
		    err))
		return err_while(err, "list what has our label");
	cJSON_ArrayForEach(thing, things)
		if (is_ours(clean, thing, sort, &run_id))
			ok = undo_one(clean, sort, thing, run_id, err) && ok;
	return ok;
}

/* The service before the network that it is attached to. */
static const struct sort sorts[] = {
	{"removed", "service", "/services", "Spec.Labels", "Spec.Name", "ID",
		remove_service},
	/* {"scope":["swarm"]}: others are the Docker engine's to clean. */
	{"removed", "network",
		"/networks?filters=%7B%22scope%22%3A%5B%22swarm%22%5D%7D", "Labels",
		"Name", "Id", remove_network},
	{"made active:", "node", "/nodes", "Spec.Labels", "Description.Hostname", "ID",
		activate_node},
};

int swarm_clean(struct cluster *cluster, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err)
{
	struct clean clean = {(struct swarm *)cluster, is_over, said, arg, 0};
	bool ok = true;

	clean.swarm->mending = true;
	for (size_t i = 0; i < COUNT(sorts); i++)
		ok = undo_sort(&clean, &sorts[i], err) && ok;
	clean.swarm->mending = false;
	return ok ? clean.removed : -1;
}
