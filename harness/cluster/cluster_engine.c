#include "harness/cluster/cluster_engine.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/json.h"
#include "lib/mem.h"

struct cluster_engine {
	struct engine engine;
	struct cluster *cluster; /* NULL: not had yet */
};

static void destroy(struct engine *engine)
{
	struct cluster_engine *self = (struct cluster_engine *)engine;

	cluster_destroy(self->cluster);
	free(self);
}

static void fingerprint(struct engine *engine, cJSON *json)
{
	SCOPED(json_free)
	cJSON *of_cluster = cluster_fingerprint(cluster_of_engine(engine));
	cJSON *item;

	while ((item = of_cluster->child)) {
		cJSON_DetachItemViaPointer(of_cluster, item);
		cJSON_AddItemToObject(json, item->string, item);
	}
}

static struct subject *up(
	struct engine *engine, const struct subject_spec *spec UNUSED, struct err *err)
{
	err_set(err, "%s runs rollouts, and no single container", engine->kind->name);
	return NULL;
}

static int clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err)
{
	return cluster_clean(cluster_of_engine(engine), is_over, said, arg, err);
}

/* Nothing that needs a subject: up() gives none. */
static const struct engine_ops ops = {
	.destroy = destroy,
	.fingerprint = fingerprint,
	.up = up,
	.clean = clean,
};

static struct engine *create(const struct engine_kind *kind, uv_loop_t *loop,
	const struct engine_options *options, struct err *err)
{
	struct cluster_engine *self = mem_zeroed(sizeof *self);

	self->engine.kind = kind;
	self->engine.ops = &ops;
	self->engine.loop = loop;
	self->engine.options = *options;
	self->cluster = cluster_create(loop, kind->name,
		&(struct cluster_options){
			.run_id = options->run_id,
			.interrupted = options->interrupted,
		},
		err);
	if (self->cluster)
		return &self->engine;
	destroy(&self->engine);
	return NULL;
}

#define CLUSTER(name)                                                                  \
	struct engine *name##_create(uv_loop_t *loop,                                  \
		const struct engine_options *options, struct err *err)                 \
	{                                                                              \
		return create(&engine_kinds[ENGINE_KIND_##name], loop, options, err);  \
	}
#include "harness/scenario/clusters.def"
#undef CLUSTER

struct cluster *cluster_of_engine(const struct engine *engine)
{
	assert(engine->kind->rollouts);
	return ((const struct cluster_engine *)engine)->cluster;
}
