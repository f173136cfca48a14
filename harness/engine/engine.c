#include "harness/engine/engine_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/signals.h"

/* docker where a daemon answers, else process. */
static struct engine *create_auto(
	uv_loop_t *loop, const struct engine_options *options, struct err *err)
{
	struct engine *engine = docker_create(loop, options, err);

	return engine ? engine : process_create(loop, options, err);
}

struct engine *engine_create(uv_loop_t *loop, const char *name,
	const struct engine_options *options, struct err *err)
{
	if (strcmp(name, "docker") == 0)
		return docker_create(loop, options, err);
	if (strcmp(name, "process") == 0)
		return process_create(loop, options, err);
	if (strcmp(name, "auto") == 0)
		return create_auto(loop, options, err);
	err_set(err, "no engine \"%s\": there are auto, docker and process", name);
	return NULL;
}

void engine_destroy(struct engine *engine)
{
	if (engine)
		engine->ops->destroy(engine);
}

const char *engine_name(const struct engine *engine)
{
	return engine->ops->name;
}

const struct engine_capabilities *engine_capabilities(const struct engine *engine)
{
	return &engine->capabilities;
}

cJSON *engine_fingerprint(struct engine *engine)
{
	cJSON *json = cJSON_CreateObject();
	struct utsname host;

	cJSON_AddStringToObject(json, "engine", engine->ops->name);
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
	return engine->ops->prepare(engine, image, err);
}

int engine_images(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err)
{
	if (engine->ops->images)
		return engine->ops->images(engine, said, arg, err);
	err_set(err, "the %s engine has no images", engine->ops->name);
	return -1;
}

char *engine_network(struct engine *engine, struct err *err)
{
	return engine->ops->network(engine, err);
}

void engine_network_remove(struct engine *engine, const char *network)
{
	engine->ops->network_remove(engine, network);
}

struct subject *engine_up(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	if (signal_number(spec->stop_signal) == 0) {
		err_set(err, "start %s: there is no signal \"%s\"", spec->name,
			spec->stop_signal);
		return NULL;
	}
	return engine->ops->up(engine, spec, err);
}

pid_t subject_pid(const struct subject *subject)
{
	return subject->pid;
}

const char *subject_id(const struct subject *subject)
{
	return subject->id;
}

const char *subject_address(const struct subject *subject)
{
	return subject->address ? subject->address : "127.0.0.1";
}

bool subject_running(const struct subject *subject)
{
	return subject->running;
}

bool subject_stop(struct subject *subject, struct err *err)
{
	return subject->engine->ops->stop(subject, err);
}

bool subject_stopped(const struct subject *subject)
{
	return subject->stopped;
}

const struct stop_facts *subject_facts(const struct subject *subject)
{
	return &subject->facts;
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

cJSON *subject_engine_events(const struct subject *subject)
{
	return subject->engine->ops->events(subject);
}

void subject_down(struct subject *subject)
{
	if (subject)
		subject->engine->ops->down(subject);
}

void subject_keep(struct subject *subject)
{
	subject->engine->ops->keep(subject);
}

int engine_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err)
{
	return engine->ops->clean(engine, is_over, said, arg, err);
}
