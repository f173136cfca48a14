#include "harness/engine/engine.h"

#include <string.h>
#include <sys/utsname.h>

#include "harness/engine/port_owner.h"
#include "harness/engine/proc_monitor.h"
#include "lib/signals.h"

typedef struct engine *create_fn(
	uv_loop_t *loop, const struct engine_options *options, struct err *err);

static create_fn *const creators[ENGINE_KINDS] = {
#define ENGINE(name, whole_seconds, runs_images, rollouts, help) name##_create,
#include "harness/scenario/engines.def"
#undef ENGINE
};

struct engine *engine_create(uv_loop_t *loop, const char *name,
	const struct engine_options *options, struct err *err)
{
	const struct engine_kind *kind = engine_kind_find(name);
	struct engine *engine = NULL;

	if (kind)
		return creators[kind - engine_kinds](loop, options, err);
	if (strcmp(name, "auto") != 0)
		err_set(err, "no engine \"%s\": there are auto, %s", name,
			engine_kind_names);
	else
		for (size_t i = 0; i < ENGINE_KINDS && !engine; i++)
			if (engine_kinds[i].rollouts == options->rollouts)
				engine = creators[i](loop, options, err);
	return engine;
}

void engine_destroy(struct engine *engine)
{
	if (engine)
		engine->ops->destroy(engine);
}

cJSON *engine_fingerprint(struct engine *engine)
{
	cJSON *json = cJSON_CreateObject();
	struct utsname host;

	cJSON_AddStringToObject(json, "engine", engine->kind->name);
	if (uname(&host) == 0) {
		cJSON_AddStringToObject(json, "kernel", host.release);
		cJSON_AddStringToObject(json, "machine", host.machine);
	}
	cJSON_AddStringToObject(json, "limitations", engine->capabilities.note);
	engine->ops->fingerprint(engine, json);
	return json;
}

bool engine_prepare(struct engine *engine, const char *image, struct err *err)
{
	return !engine->ops->prepare || engine->ops->prepare(engine, image, err);
}

int engine_images(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err)
{
	if (engine->ops->images)
		return engine->ops->images(engine, said, arg, err);
	err_set(err, "the %s engine has no images", engine->kind->name);
	return -1;
}

char *engine_network(struct engine *engine, struct err *err)
{
	return engine->ops->network ? engine->ops->network(engine, err) : NULL;
}

void engine_network_remove(struct engine *engine, const char *network)
{
	if (engine->ops->network_remove)
		engine->ops->network_remove(engine, network);
}

static bool is_signal(const char *signal, struct err *err)
{
	return !signal || signal_number(signal) ||
		err_set(err, "there is no signal \"%s\"", signal);
}

struct subject *engine_up(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	if (is_signal(spec->stop_signal, err))
		return engine->ops->up(engine, spec, err);
	err_while(err, "start %s", spec->name);
	return NULL;
}

struct subject *engine_attach(
	struct engine *engine, const struct attach_spec *spec, struct err *err)
{
	if (!engine->ops->attach)
		err_set(err, "the %s engine stops what it started and nothing else",
			engine->kind->name);
	else if (is_signal(spec->stop_signal, err))
		return engine->ops->attach(engine, spec, err);
	return NULL;
}

void subject_detach(struct subject *subject)
{
	if (subject)
		subject->engine->ops->detach(subject);
}

void subject_trim(struct subject *subject, int64_t before_ns)
{
	subject->engine->ops->trim(subject, before_ns);
}

cJSON *engine_containers(struct engine *engine, const char *label, struct err *err)
{
	if (engine->ops->containers)
		return engine->ops->containers(engine, label, err);
	err_set(err, "the %s engine has no containers", engine->kind->name);
	return NULL;
}

bool engine_watch_starts(struct engine *engine, const char *label,
	engine_started_fn *started, void *arg, struct err *err)
{
	if (engine->ops->watch_starts)
		return engine->ops->watch_starts(engine, label, started, arg, err);
	return err_set(err, "the %s engine has no containers", engine->kind->name);
}

cJSON *engine_describe(struct engine *engine, enum engine_thing thing, const char *name,
	struct err *err)
{
	if (engine->ops->describe)
		return engine->ops->describe(engine, thing, name, err);
	err_set(err, "the %s engine has neither containers nor images",
		engine->kind->name);
	return NULL;
}

bool subject_owns_port(const struct subject *subject, int port, struct err *err)
{
	return strcmp(subject->address, SUBJECT_LOOPBACK) != 0 || !subject->pid ||
		port_owner_is_in_tree(subject->pid, port, err);
}

bool subject_has_read(const struct subject *subject, int64_t port)
{
	return !subject->pid ||
		port_owner_has_read(subject->pid, subject->address, (int)port);
}

bool subject_stop(struct subject *subject, struct err *err)
{
	return subject->engine->ops->stop(subject, err);
}

bool subject_exec(struct subject *subject, const char *const *argv, struct err *err)
{
	return subject->engine->ops->exec(subject, argv, err) ||
		err_while(err, "exec %s", argv[0]);
}

bool subject_signal(struct subject *subject, int signal_number, struct err *err)
{
	return subject->engine->ops->signal(subject, signal_number, err);
}

bool subject_inspect(struct subject *subject, struct err *err)
{
	return subject->engine->ops->inspect(subject, err);
}

bool subject_descendants(const struct subject *subject,
	const struct proc_record **events, unsigned *count)
{
	return subject->monitor &&
		proc_monitor_descendants(subject->monitor, events, count);
}

bool subject_signals(const struct subject *subject, const struct proc_signal **signals,
	unsigned *count)
{
	return subject->monitor &&
		proc_monitor_signals(subject->monitor, signals, count);
}

struct connection_close subject_close_of(
	const struct subject *subject, unsigned port, unsigned peer_port)
{
	return subject->monitor
		? proc_monitor_close_of(subject->monitor, port, peer_port)
		: (struct connection_close){0};
}

cJSON *subject_engine_events(const struct subject *subject)
{
	const struct engine_ops *ops = subject->engine->ops;

	return ops->events ? ops->events(subject) : NULL;
}

void subject_down(struct subject *subject)
{
	if (subject)
		subject->engine->ops->down(subject);
}

void subject_keep(struct subject *subject)
{
	const struct engine_ops *ops = subject->engine->ops;

	(ops->keep ? ops->keep : ops->down)(subject);
}

int engine_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err)
{
	return engine->ops->clean ? engine->ops->clean(engine, is_over, said, arg, err)
				  : 0;
}
