#include "harness/engine/docker/container_attach.h"

#include <string.h>

#include "harness/engine/docker/container.h"
#include "harness/engine/docker/container_follow.h"
#include "harness/engine/docker/container_watch.h"
#include "harness/engine/docker/events.h"
#include "harness/engine/docker/log.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define GRACE_S 10 /* the daemon's, of a container that has none of its own */

static void on_change(void *arg)
{
	container_settle(arg);
}

/* --- what the daemon says of it --- */

static cJSON *inspect(struct docker_engine *docker, const char *name, struct err *err)
{
	SCOPED(mem_free) char *escaped = docker_api_escape(name);
	SCOPED(mem_free) char *path = mem_textf("/containers/%s/json", escaped);
	cJSON *json = NULL;

	return docker_api_call(docker->api,
		       &(struct docker_call){.path = path, .answer = &json}, err)
		? json
		: NULL;
}

static char *text_or(const char *text, const char *otherwise)
{
	return mem_text(text && text[0] ? text : otherwise);
}

static void read_about(struct container *container, const cJSON *json)
{
	const cJSON *config = json_get(json, "Config");
	const cJSON *host = json_get(json, "HostConfig");
	const cJSON *state = json_get(json, "State");
	const char *name = json_text(json, "Name");
	struct subject_about *about = mem_zeroed(sizeof *about);

	about->name =
		text_or(name ? name + (*name == '/') : NULL, container->subject.id);
	about->image = text_or(json_text(config, "Image"), json_text(json, "Image"));
	about->restart_policy =
		text_or(json_text(json_get(host, "RestartPolicy"), "Name"), "no");
	about->auto_remove = json_bool(host, "AutoRemove", false);
	about->init = json_bool(host, "Init", false);
	about->paused = json_bool(state, "Paused", false);
	about->restarting = json_bool(state, "Restarting", false);
	about->restarts = json_int(json, "RestartCount", 0);
	about->exit_code = json_int(state, "ExitCode", -1);
	about->labels = cJSON_Duplicate(json_get(config, "Labels"), true);
	container->about = about;
	container->subject.about = about;
}

/* As `docker stop` has them: what it was asked for, else the container's own. */
static void choose_stop(
	struct container *container, const struct attach_spec *spec, const cJSON *json)
{
	int64_t own_s = json_int(json_get(json, "Config"), "StopTimeout", GRACE_S);

	container->own_grace = spec->grace_ns == ATTACH_OWN_GRACE;
	container->grace_s = container->own_grace ? own_s : spec->grace_ns / CLOCK_S;
	if (container->grace_s < 0 || spec->grace_ns == ATTACH_NO_GRACE_NS)
		container->grace_s = -1;
	container->about->grace_ns = container->grace_s < 0
		? ATTACH_NO_GRACE_NS
		: container->grace_s * CLOCK_S;
	container->stop_signal =
		spec->stop_signal ? signal_number(spec->stop_signal) : 0;
	if (container->stop_signal)
		container->subject.facts.stop_signal = container->stop_signal;
}

/* --- its events and its log, from now on --- */

/* The daemon's wall clock when this engine was made: all that we cause is later. */
static int64_t events_since(
	const struct docker_engine *docker, const struct attach_spec *spec)
{
	const char *time = json_text(docker->info, "SystemTime");
	struct err ignored;
	int64_t ns;

	/* Of an earlier run of the same container nothing is wanted. */
	if (spec->stopping)
		return container_follow_wall_ns(docker);
	return time && clock_parse_rfc3339(&ns, time, &ignored) ? ns : 0;
}

/* From after its last line on. A log that can't be read is none. */
static bool follow_log(struct container *container, const struct attach_spec *spec,
	const cJSON *json, struct err *err)
{
	struct docker_engine *docker = container->docker;
	struct docker_log_spec log = {
		.container = container->subject.id,
		.since_ns = 1, /* without a last line, all that comes is new */
		.tty = json_bool(json_get(json, "Config"), "Tty", false),
		.stamped = docker->local,
		.line = spec->log,
		.line_arg = spec->arg,
		.over = on_change,
		.over_arg = container,
	};
	SCOPED(mem_free) char *line = NULL;
	int64_t wall_ns;
	struct err why;

	if (spec->stopping) {
		container_follow(container, spec, &log);
		return true;
	}
	if (!docker_log_last(
		    docker->api, log.container, log.tty, &line, &wall_ns, &why)) {
		container->about->no_log = mem_textf(
			"its log (%s): with the log driver json-file, local or journald it can "
			"be read",
			why.text);
		return true;
	}
	if (line) {
		bool known = docker->local && wall_ns;

		log.since_ns = wall_ns ? wall_ns + 1 : log.since_ns;
		spec->log(spec->arg, known ? clock_of_wall(wall_ns) : 0, line,
			strlen(line));
	}
	if (!container->subject.running)
		return true;
	container->log = docker_log_open(docker->api, &log, err);
	return container->log != NULL;
}

static bool watch(
	struct container *container, const struct attach_spec *spec, struct err *err)
{
	struct docker_api *api = container->docker->api;
	const char *id = container->subject.id;
	SCOPED(json_free) cJSON *json = NULL;

	container->events = docker_events_open(api, id,
		events_since(container->docker, spec), on_change, container, err);
	json = container->events ? container_read(container, false, err) : NULL;
	if (!json)
		return false;
	read_about(container, json);
	if (!container_watch(container, json, err))
		return false;
	choose_stop(container, spec, json);
	return follow_log(container, spec, json, err);
}

struct subject *container_attach(
	struct docker_engine *docker, const struct attach_spec *spec, struct err *err)
{
	SCOPED(json_free) cJSON *json = inspect(docker, spec->name, err);
	struct container *container;

	if (!json)
		return NULL;
	container = container_new(docker, 0);
	container->subject.id = mem_text(json_text(json, "Id"));
	container->subject.address = mem_text(SUBJECT_LOOPBACK);
	if (spec->stopping)
		container->patience = loop_timer_create(
			docker->engine.loop, container_on_patience_over, container);
	if (watch(container, spec, err))
		return &container->subject;
	container_detach(&container->subject);
	return NULL;
}
