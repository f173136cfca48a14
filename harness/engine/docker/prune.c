#include "harness/engine/docker/prune.h"

#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

/* Containers first: a network with containers cannot be removed. */
static const struct sort {
	const char *what;
	const char *list;   /* gets the filters behind it */
	const char *remove; /* gets the id */
	const char *suffix;
} sorts[] = {
	{"container", "/containers/json?all=1&filters=", "/containers/",
		"?force=1&v=1"},
	{"network", "/networks?filters=", "/networks/", ""},
};

struct prune {
	struct docker_engine *docker;
	engine_is_over_fn *is_over;
	engine_said_fn *said;
	void *arg;
	int removed;
};

/* "/stopbench-1a2b3c4d-1-service", of a container's "Names" or a network's "Name". */
static const char *name_of(const cJSON *thing)
{
	const cJSON *first = json_at(thing, "Names.0");
	const char *name =
		cJSON_IsString(first) ? first->valuestring : json_text(thing, "Name");

	return name ? name + (*name == '/') : "?";
}

static bool remove_one(struct prune *prune, const struct sort *sort, const cJSON *thing,
	const char *run_id, struct err *err)
{
	SCOPED(mem_free) char *path =
		mem_textf("%s%s%s", sort->remove, json_text(thing, "Id"), sort->suffix);
	SCOPED(mem_free) char *line = mem_textf(
		"removed %s %s of run %s", sort->what, name_of(thing), run_id);
	long status;
	bool ok = docker_api_call(prune->docker->api,
		&(struct docker_call){
			.method = "DELETE",
			.path = path,
			.stubborn = true,
			.status = &status,
		},
		err);

	if (!ok)
		return status == 404 || /* another run has removed it */
			err_while(err, "remove %s %s", sort->what, name_of(thing));
	prune->removed++;
	prune->said(prune->arg, line);
	return true;
}

static cJSON *list(struct prune *prune, const struct sort *sort, struct err *err)
{
	SCOPED(mem_free) char *query =
		docker_api_escape("{\"label\":[\"" DOCKER_RUN_LABEL "\"]}");
	SCOPED(mem_free) char *path = mem_textf("%s%s", sort->list, query);
	cJSON *found = NULL;

	return docker_api_call(prune->docker->api,
		       &(struct docker_call){.path = path, .answer = &found}, err)
		? found
		: NULL;
}

/* The lock of a run on another machine cannot be seen from here. */
static bool is_from_here(const struct prune *prune, const cJSON *thing)
{
	const cJSON *labels = json_get(thing, "Labels");
	const char *place = json_text(labels, DOCKER_HOME_LABEL);

	return place && json_text(thing, "Id") &&
		strcmp(place, json_text(prune->docker->labels, DOCKER_HOME_LABEL)) == 0;
}

static bool remove_sort(struct prune *prune, const struct sort *sort, struct err *err)
{
	SCOPED(json_free) cJSON *things = list(prune, sort, err);
	const cJSON *thing;
	bool ok = true;

	if (!things)
		return err_while(err, "list what has our label");
	cJSON_ArrayForEach(thing, things) {
		const char *run_id =
			json_text(json_get(thing, "Labels"), DOCKER_RUN_LABEL);

		if (run_id && is_from_here(prune, thing) && prune->is_over(run_id))
			ok = remove_one(prune, sort, thing, run_id, err) && ok;
	}
	return ok;
}

int prune_runs(struct engine *engine, engine_is_over_fn *is_over, engine_said_fn *said,
	void *arg, struct err *err)
{
	struct prune prune = {(struct docker_engine *)engine, is_over, said, arg, 0};
	bool ok = true;

	for (size_t i = 0; i < COUNT(sorts); i++)
		ok = remove_sort(&prune, &sorts[i], err) && ok;
	return ok ? prune.removed : -1;
}
