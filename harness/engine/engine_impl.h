/*
 * engine_impl - what an engine implements. Private to this folder.
 *
 * An engine embeds struct engine as its first member, a subject struct subject.
 */
#ifndef HARNESS_ENGINE_ENGINE_IMPL_H
#define HARNESS_ENGINE_ENGINE_IMPL_H

#include "harness/engine/engine.h"
#include "harness/engine/proc_monitor.h"

/* NULL stands for what the comment says. */
struct engine_ops {
	void (*destroy)(struct engine *engine);
	void (*fingerprint)(
		struct engine *engine, cJSON *json); /* adds what it knows */
	bool (*prepare)(struct engine *engine, const char *image,
		struct err *err); /* NULL: nothing to prepare */
	int (*images)(struct engine *engine, engine_said_fn *said, void *arg,
		struct err *err); /* NULL: an error, there are none */
	char *(*network)(struct engine *engine, struct err *err); /* NULL: none */
	void (*network_remove)(struct engine *engine, const char *network);
	struct subject *(*up)(struct engine *engine, const struct subject_spec *spec,
		struct err *err);
	bool (*stop)(struct subject *subject, struct err *err);
	bool (*inspect)(struct subject *subject, struct err *err);
	cJSON *(*events)(const struct subject *subject); /* NULL: it reports none */
	void (*down)(struct subject *subject);
	void (*keep)(struct subject *subject); /* NULL: as down */
	int (*clean)(struct engine *engine, engine_is_over_fn *is_over,
		engine_said_fn *said, void *arg,
		struct err *err); /* NULL: nothing is left behind */
};

struct engine {
	const struct engine_kind *kind;
	const struct engine_ops *ops;
	uv_loop_t *loop;
	struct engine_options options;
	struct engine_capabilities capabilities;
	struct proc_monitors *monitors;
};

struct subject {
	struct engine *engine;
	char *id;
	char *address;
	pid_t pid;
	struct proc_monitor *monitor; /* NULL: PID 1 cannot be seen from here */
	bool running;
	bool stopped;
	struct stop_facts facts;
};

/* docker_create() and so on: NULL with err where the engine cannot be had. */
#define ENGINE(name, whole_seconds, runs_images, help)                                 \
	struct engine *name##_create(uv_loop_t *loop,                                  \
		const struct engine_options *options, struct err *err) MUST_CHECK;
#include "harness/engine/engines.def"
#undef ENGINE

#endif
