#include "harness/engine/cri/container_create.h"

#include <stdlib.h>
#include <string.h>

#include "harness/engine/cri/container_config.h"
#include "harness/engine/cri/images.h"
#include "harness/engine/cri/log.h"
#include "harness/engine/cri/sandbox.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define START_NS (60 * CLOCK_S)

/* What a container is made from, while it is made. */
struct plan {
	const struct subject_spec *spec;
	char *image;
	cJSON *of_image; /* what the image says of itself */
	Cri__PodSandboxConfig *sandbox;
	Cri__ContainerConfig *config;
};

static void plan_done(struct plan *plan)
{
	free(plan->image);
	cJSON_Delete(plan->of_image);
	message_free(&plan->sandbox);
	message_free(&plan->config);
}

/* --- the image --- */

/* A runtime sends what the image says, SIGTERM by default. */
static int own_signal(const cJSON *of_image)
{
	const char *name = json_text(of_image, "StopSignal");
	int number = name && name[0] ? signal_number(name) : 0;

	return number ? number : SIGTERM;
}

static bool check_signal(const struct plan *plan, struct err *err)
{
	const char *wanted = plan->spec->stop_signal;
	int own = own_signal(plan->of_image);
	char text[SIGNAL_TEXT_SIZE];

	return !wanted || signal_number(wanted) == own ||
		err_set(err,
			"service.stop_signal: StopContainer sends what the image says, "
			"which is %s of %s",
			signal_name(own, text), plan->image);
}

/* Ours says what is to be sent. */
static const char *signal_of_ours(const struct subject_spec *spec)
{
	return spec->stop_signal && signal_number(spec->stop_signal) != SIGTERM
		? spec->stop_signal
		: NULL;
}

static bool find_image(struct cri_engine *cri, struct plan *plan, struct err *err)
{
	const struct subject_spec *spec = plan->spec;

	if (spec->image || (cri->engine.own_image && !signal_of_ours(spec)))
		plan->image =
			mem_text(spec->image ? spec->image : cri->engine.own_image);
	else
		plan->image = cri_images_load(
			cri, OWN_IMAGE_PROGRAMS, signal_of_ours(spec), err);
	plan->of_image = plan->image ? cri_images_config(cri, plan->image, err) : NULL;
	return plan->of_image && check_signal(plan, err);
}

/* --- create --- */

static bool make_plan(struct cri_engine *cri, struct plan *plan, struct err *err)
{
	const struct subject_spec *spec = plan->spec;
	const char *missing =
		spec->container ? cri_container_config_missing(spec->container) : NULL;

	if (missing)
		return err_set(err, "the cri engine has not got service.%s", missing);
	if (spec->grace_ns % CLOCK_S != 0)
		return err_set(err,
			"the grace of %s is %s: CRI counts it in whole seconds",
			spec->name, CLOCK_TEXT(spec->grace_ns));
	if (!find_image(cri, plan, err))
		return false;
	plan->sandbox = cri_sandbox_config(cri, spec->name, spec->run_folder);
	plan->config =
		cri_container_config(cri, spec, plan->image, plan->of_image, err);
	if (!plan->config)
		return false;
	plan->config->log_path = mem_textf("%s.log", plan->sandbox->metadata->name);
	return true;
}

static bool create(struct cri_container *container, struct plan *plan, struct err *err)
{
	struct cri_engine *cri = container->cri;
	Cri__CreateContainerRequest request = CRI__CREATE_CONTAINER_REQUEST__INIT;
	SCOPED(message_free) Cri__CreateContainerResponse *answer = NULL;

	container->sandbox = cri_sandbox_run(cri, plan->sandbox, err);
	if (!container->sandbox)
		return false;
	request.pod_sandbox_id = container->sandbox;
	request.config = plan->config;
	request.sandbox_config = plan->sandbox;
	answer = runtime_service_call(cri->service,
		&(struct cri_call){
			.method = CRI_CREATE_CONTAINER,
			.request = &request,
			.within_ns = START_NS,
		},
		err);
	if (answer)
		container->subject.id = mem_text(answer->container_id);
	return answer != NULL;
}

/* The log is watched before the runtime opens it, so that its end is not missed. */
static bool start(
	struct cri_container *container, const struct plan *plan, struct err *err)
{
	const struct subject_spec *spec = plan->spec;
	SCOPED(mem_free)
	char *path = mem_textf("%s/%s", spec->run_folder, plan->config->log_path);
	Cri__ContainerRequest request = CRI__CONTAINER_REQUEST__INIT;
	SCOPED(message_free) Cri__Empty *answer = NULL;

	container->log = cri_log_open(container->cri->engine.loop,
		&(struct cri_log_spec){
			.path = path,
			.create = true,
			.line = spec->log,
			.line_arg = spec->arg,
			.over = cri_container_settle,
			.over_arg = container,
		},
		err);
	if (!container->log)
		return false;
	request.container_id = container->subject.id;
	answer = runtime_service_call(container->cri->service,
		&(struct cri_call){
			.method = CRI_START_CONTAINER,
			.request = &request,
			.within_ns = START_NS,
		},
		err);
	return answer && cri_container_read(container, false, err) &&
		cri_container_watch(container, err);
}

struct subject *cri_container_create(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	struct cri_engine *cri = (struct cri_engine *)engine;
	SCOPED(plan_done) struct plan plan = {.spec = spec};
	struct cri_container *container;

	if (!make_plan(cri, &plan, err))
		return NULL;
	container = cri_container_new(cri, spec->grace_ns / CLOCK_S);
	container->subject.facts.stop_signal = own_signal(plan.of_image);
	if (create(container, &plan, err) && start(container, &plan, err))
		return &container->subject;
	err_while(err, "start a container of %s", plan.image);
	cri_container_down(&container->subject);
	return NULL;
}
