/*
 * The CRI engine: containers of the runtime that a kubelet uses, through the very calls
 * that it makes. The runtime stops a container (StopContainer); the facts come from the
 * kernel and from the container's status. What a kubelet does itself (preStop hooks, a
 * pod's grace, restarts) is not here.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/engine/cri/container.h"
#include "harness/engine/cri/container_attach.h"
#include "harness/engine/cri/container_create.h"
#include "harness/engine/cri/container_exec.h"
#include "harness/engine/cri/images.h"
#include "harness/engine/cri/sandbox.h"
#include "harness/engine/proc_monitor.h"
#include "harness/engine/run_label.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static struct cri_engine *of(struct engine *engine)
{
	return (struct cri_engine *)engine;
}

/* A runtime would pull the image of its sandboxes, from the network. */
static bool has_sandbox_image(struct cri_engine *cri, struct err *err)
{
	const char *image = json_text(cri->config, "sandboxImage");
	SCOPED(json_free)
	cJSON *there = image ? cri_images_config(cri, image, err) : NULL;

	return !image || there ||
		err_while(err, "the image of the runtime's sandboxes (sandbox_image)");
}

static bool prepare(struct engine *engine, const char *image, struct err *err)
{
	struct cri_engine *cri = of(engine);
	SCOPED(json_free) cJSON *config = NULL;

	if (!has_sandbox_image(cri, err))
		return false;
	if (image) {
		config = cri_images_config(cri, image, err);
		return config != NULL;
	}
	if (!engine->own_image)
		engine->own_image = cri_images_load(cri, OWN_IMAGE_PROGRAMS, NULL, err);
	return engine->own_image != NULL;
}

/* With the names that Docker's inspection has, which OCI's configuration shares. */
static cJSON *describe(struct engine *engine, enum engine_thing thing, const char *name,
	struct err *err)
{
	cJSON *config = NULL, *json;

	if (thing == ENGINE_IMAGE)
		config = cri_images_config(of(engine), name, err);
	else
		err_set(err, "the cri engine describes images alone");
	if (!config)
		return NULL;
	json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "Config", config);
	return json;
}

/* --- the runtime --- */

static void add_text(cJSON *json, const char *key, const char *text)
{
	if (text && text[0])
		cJSON_AddStringToObject(json, key, text);
}

static void fingerprint(struct engine *engine, cJSON *json)
{
	const struct cri_engine *cri = of(engine);
	const cJSON *snapshotter = json_at(cri->config, "containerd.snapshotter");

	add_text(json, "runtime_endpoint", cri->service->socket);
	add_text(json, "runtime", cri->service->version->runtime_name);
	add_text(json, "runtime_version", cri->service->version->runtime_version);
	add_text(json, "cri_version", cri->service->version->runtime_api_version);
	add_text(json, "storage_driver",
		cJSON_IsString(snapshotter) ? snapshotter->valuestring : NULL);
}

/* A runtime that does not tell its configuration is as good. */
static bool ask_status(struct cri_engine *cri, struct err *err)
{
	SCOPED(message_free)
	Cri__StatusRequest *request = message_new(&cri__status_request__descriptor);
	SCOPED(message_free) Cri__StatusResponse *answer = NULL;
	const char *config;

	request->verbose = true;
	answer = runtime_service_call(cri->service,
		&(struct cri_call){.method = CRI_STATUS, .request = request}, err);
	if (!answer)
		return false;
	config = message_pair(answer->info, answer->n_info, "config");
	cri->config = config ? json_parse(config, strlen(config)) : NULL;
	return true;
}

static void destroy(struct engine *engine)
{
	struct cri_engine *cri = of(engine);

	proc_monitors_close(engine->monitors);
	runtime_service_close(cri->service);
	cJSON_Delete(cri->config);
	free(cri->home);
	free(engine->own_image);
	free(cri);
}

static const struct engine_ops cri_ops = {
	.destroy = destroy,
	.fingerprint = fingerprint,
	.prepare = prepare,
	.images = cri_images_load_all,
	.up = cri_container_create,
	.attach = cri_container_attach,
	.detach = cri_container_detach,
	.describe = describe,
	.stop = cri_container_stop,
	.exec = cri_container_exec,
	.signal = cri_container_signal,
	.inspect = cri_container_inspect,
	.events = cri_container_events,
	.down = cri_container_down,
	.keep = cri_container_keep,
	.clean = cri_sandbox_clean,
};

struct engine *cri_create(
	uv_loop_t *loop, const struct engine_options *options, struct err *err)
{
	struct cri_engine *cri = mem_zeroed(sizeof *cri);
	struct engine *engine = &cri->engine;

	engine->kind = &engine_kinds[ENGINE_KIND_cri];
	engine->ops = &cri_ops;
	engine->loop = loop;
	engine->options = *options;
	engine->capabilities = (struct engine_capabilities){
		.exit = STAMP_ENGINE,
		.snapshots = true,
		.oom = true,
		.pid1_rules = true,
	};
	engine->own_image = mem_text(options->own_image);
	cri->home = run_label_home();
	cri->service = runtime_service_open(loop, options->interrupted, err);
	if (cri->service && ask_status(cri, err)) {
		engine->monitors = proc_monitors_open(loop, &engine->capabilities);
		return engine;
	}
	destroy(engine);
	return NULL;
}
