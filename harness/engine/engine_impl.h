/*
 * engine_impl - how an engine is made: what engine.c calls, and what docker.c and process.c
 * fill. Private to this folder.
 *
 * An engine embeds struct engine as its first member, a subject struct subject.
 */
#ifndef HARNESS_ENGINE_ENGINE_IMPL_H
#define HARNESS_ENGINE_ENGINE_IMPL_H

#include "harness/engine/engine.h"
#include "harness/engine/proc_monitor.h"

struct engine_ops {
	const char *name;
	void (*destroy)(struct engine *engine);
	void (*fingerprint)(
		struct engine *engine, cJSON *json); /* adds what it knows */
	bool (*prepare)(struct engine *engine, const char *image, struct err *err);
	int (*images)(struct engine *engine, engine_said_fn *said, void *arg,
		struct err *err); /* NULL: it has none */
	char *(*network)(struct engine *engine, struct err *err);
	void (*network_remove)(struct engine *engine, const char *network);
	struct subject *(*up)(struct engine *engine, const struct subject_spec *spec,
		struct err *err);
	bool (*stop)(struct subject *subject, struct err *err);
	bool (*inspect)(struct subject *subject, struct err *err);
	cJSON *(*events)(const struct subject *subject);
	void (*down)(struct subject *subject);
	void (*keep)(struct subject *subject);
	int (*clean)(struct engine *engine, engine_is_over_fn *is_over,
		engine_said_fn *said, void *arg, struct err *err);
};

struct engine {
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
	struct proc_monitor *monitor; /* NULL: PID 1 is not visible from here */
	bool running;
	bool stopped;
	struct stop_facts facts;
};

/* NULL with err when there is none: no daemon, no namespaces. */
struct engine *docker_create(uv_loop_t *loop, const struct engine_options *options,
	struct err *err) MUST_CHECK;
struct engine *process_create(uv_loop_t *loop, const struct engine_options *options,
	struct err *err) MUST_CHECK;

#endif
