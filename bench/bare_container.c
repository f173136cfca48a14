#include "bench/bare_container.h"

#include <stdlib.h>

#include "harness/engine/docker/container_config.h"
#include "harness/engine/docker/docker.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define READY_NS (10 * CLOCK_S)

static const struct docker_engine *docker_of(const struct rig *rig)
{
	return (const struct docker_engine *)rig->docker;
}

static bool post(struct rig *rig, const char *id, const char *what, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/containers/%s/%s", id, what);

	return docker_api_call(docker_of(rig)->api,
		&(struct docker_call){.method = "POST", .path = path}, err);
}

/* Gives the caller its id to free(). */
static char *create(struct rig *rig, struct err *err)
{
	static const char *const command[] = {BARE_CONTAINER_COMMAND, NULL};
	const struct docker_engine *docker = docker_of(rig);
	const struct subject_spec spec = {
		.name = "bare",
		.command = command,
		.run_folder = rig->run_dir.folder,
	};
	SCOPED(json_free)
	cJSON *config = container_config(&spec, rig->docker->own_image,
		strtol(BARE_CONTAINER_GRACE, NULL, 10), docker->labels);
	SCOPED(json_free) cJSON *answer = NULL;

	if (!docker_api_call(docker->api,
		    &(struct docker_call){.method = "POST",
			    .path = "/containers/create",
			    .json = config,
			    .answer = &answer},
		    err))
		return NULL;
	return mem_text(json_text(answer, "Id"));
}

static void on_data(void *arg, const char *data UNUSED, size_t len)
{
	if (len > 0)
		*(bool *)arg = true;
}

static void on_over(void *arg UNUSED, const struct fetch_result *result UNUSED)
{
}

static bool is_ready(const void *arg)
{
	return *(const bool *)arg;
}

/* Its first line says that it blocks SIGTERM: the kernel would discard one before that. */
static bool await_ready(struct rig *rig, const char *id, struct err *err)
{
	SCOPED(mem_free)
	char *path = mem_textf("/containers/%s/logs?stdout=1&follow=1", id);
	bool ready = false;
	struct fetch_call *log = docker_api_begin(docker_of(rig)->api,
		&(struct fetch_request){
			.data = on_data, .done = on_over, .arg = &ready},
		path, err);
	enum wait_end end;

	if (!log)
		return false;
	end = wait_until(&rig->loop, is_ready, &ready, clock_now() + READY_NS,
		&rig->interrupted);
	fetch_cancel(log);
	return end == WAIT_SO || err_set(err, "bare container: not ready in time");
}

bool bare_container_run(struct rig *rig, struct samples *samples, struct err *err)
{
	int64_t began_ns;
	SCOPED(mem_free) char *id = NULL;
	bool ok;

	if (!engine_prepare(rig->docker, NULL, err))
		return false;
	began_ns = clock_now();
	id = create(rig, err);
	if (!id)
		return err_while(err, "bare container");
	ok = post(rig, id, "start", err) && await_ready(rig, id, err) &&
		post(rig, id, "stop?t=" BARE_CONTAINER_GRACE, err) &&
		post(rig, id, "wait", err);
	docker_api_try(docker_of(rig)->api, "DELETE", "/containers/%s?force=1&v=1", id);
	if (ok)
		samples_add(
			samples, (double)(clock_now() - began_ns) / (double)CLOCK_MS);
	return ok;
}
