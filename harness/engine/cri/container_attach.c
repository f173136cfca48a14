#include "harness/engine/cri/container_attach.h"

#include <stdlib.h>
#include <string.h>

#include "harness/engine/cri/images.h"
#include "harness/engine/cri/log.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"

/* What a kubelet notes at a container (kubernetes/pkg/kubelet/kuberuntime/labels.go). */
#define POD_NAME "io.kubernetes.pod.name"
#define GRACE    "io.kubernetes.pod.terminationGracePeriod"
#define RESTARTS "io.kubernetes.container.restartCount"

#define GRACE_S 30 /* of a pod that says nothing (terminationGracePeriodSeconds) */

/* --- which one --- */

static const char *name_of(const Cri__Container *container)
{
	return container->metadata ? container->metadata->name : "";
}

static const char *pod_of(const Cri__Container *container)
{
	const char *pod =
		message_pair(container->labels, container->n_labels, POD_NAME);

	return pod ? pod : "";
}

/* "shop-7d4b/api": the container api of the pod shop-7d4b. */
static bool is_named(const Cri__Container *container, const char *name)
{
	const char *slash = strchr(name, '/');
	const char *pod = pod_of(container);

	if (strncmp(container->id, name, strlen(name)) == 0 ||
		strcmp(name_of(container), name) == 0)
		return true;
	return slash && strlen(pod) == (size_t)(slash - name) &&
		strncmp(pod, name, strlen(pod)) == 0 &&
		strcmp(name_of(container), slash + 1) == 0;
}

/* One that runs comes before those that have ended. NULL with err: there is none, or
 * there are several. */
static const Cri__Container *choose(
	const Cri__ListContainersResponse *found, const char *name, struct err *err)
{
	const Cri__Container *chosen = NULL;
	unsigned running = 0;

	for (size_t i = 0; i < found->n_containers; i++) {
		const Cri__Container *container = found->containers[i];
		bool runs = container->state == CRI__CONTAINER_STATE__RUNNING;

		if (!is_named(container, name))
			continue;
		if (!chosen || (runs && running == 0))
			chosen = container;
		running += runs;
	}
	if (!chosen)
		err_set(err, "No such container: %s", name);
	else if (running > 1)
		err_set(err,
			"%u containers that run have the name %s: name one by its id, or "
			"as POD/%s",
			running, name, name);
	return running > 1 ? NULL : chosen;
}

static char *find(struct cri_engine *cri, const char *name, struct err *err)
{
	const Cri__ListContainersRequest request = CRI__LIST_CONTAINERS_REQUEST__INIT;
	SCOPED(message_free)
	Cri__ListContainersResponse *found = runtime_service_call(cri->service,
		&(struct cri_call){.method = CRI_LIST_CONTAINERS, .request = &request},
		err);
	const Cri__Container *chosen = found ? choose(found, name, err) : NULL;

	return chosen ? mem_text(chosen->id) : NULL;
}

/* --- what the runtime says of it --- */

static int64_t number_of(
	const Cri__ContainerStatus *status, const char *key, int64_t otherwise)
{
	const char *text =
		message_pair(status->annotations, status->n_annotations, key);
	char *end;
	long number = text ? strtol(text, &end, 10) : 0;

	return text && text[0] && !*end && number >= 0 ? number : otherwise;
}

static void read_about(
	struct cri_container *container, const Cri__ContainerStatus *status)
{
	const char *pod = message_pair(status->labels, status->n_labels, POD_NAME);
	const char *name = status->metadata ? status->metadata->name : status->id;
	struct subject_about *about = mem_zeroed(sizeof *about);

	about->name = pod ? mem_textf("%s/%s", pod, name) : mem_text(name);
	about->image =
		mem_text(status->image && status->image->image[0] ? status->image->image
								  : status->image_ref);
	about->restart_policy = mem_text("no");
	about->restarts = number_of(status, RESTARTS, 0);
	about->exit_code = status->exit_code;
	container->about = about;
	container->subject.about = about;
}

static void choose_grace(struct cri_container *container,
	const struct attach_spec *spec, const Cri__ContainerStatus *status)
{
	container->grace_s = spec->grace_ns == ATTACH_OWN_GRACE
		? number_of(status, GRACE, GRACE_S)
		: spec->grace_ns / CLOCK_S;
	container->about->grace_ns = container->grace_s * CLOCK_S;
}

/* The image may be gone; the runtime has kept its signal then, and SIGTERM is likely. */
static bool read_signal(struct cri_container *container, const struct attach_spec *spec,
	const Cri__ContainerStatus *status, struct err *err)
{
	struct err unknown;
	SCOPED(json_free)
	cJSON *image = cri_images_config(container->cri, status->image_ref, &unknown);
	const char *name = json_text(image, "StopSignal");
	int number = name && name[0] ? signal_number(name) : 0;
	char text[SIGNAL_TEXT_SIZE];

	if (number)
		container->subject.facts.stop_signal = number;
	return !spec->stop_signal ||
		signal_number(spec->stop_signal) ==
		container->subject.facts.stop_signal ||
		err_set(err, "StopContainer sends what the image says, which is %s",
			signal_name(container->subject.facts.stop_signal, text));
}

/* A log that can't be read is none. */
static void follow_log(struct cri_container *container, const struct attach_spec *spec,
	const Cri__ContainerStatus *status)
{
	struct err why;

	if (status->log_path[0])
		container->log = cri_log_open(container->subject.engine->loop,
			&(struct cri_log_spec){
				.path = status->log_path,
				.last = true,
				.line = spec->log,
				.line_arg = spec->arg,
				.over = cri_container_settle,
				.over_arg = container,
			},
			&why);
	else
		err_set(&why, "it has none");
	if (!container->log)
		container->about->no_log = mem_textf(
			"its log (%s): it is a file on the node, at a path that its creator "
			"chose",
			why.text);
}

struct subject *cri_container_attach(
	struct engine *engine, const struct attach_spec *spec, struct err *err)
{
	struct cri_engine *cri = (struct cri_engine *)engine;
	char *id = find(cri, spec->name, err);
	struct cri_container *container;
	const Cri__ContainerStatus *status;

	if (!id)
		return NULL;
	container = cri_container_new(cri, 0);
	container->subject.id = id;
	status = cri_container_read(container, false, err);
	if (status) {
		read_about(container, status);
		choose_grace(container, spec, status);
		if (read_signal(container, spec, status, err) &&
			cri_container_watch(container, err)) {
			follow_log(container, spec, container->status->status);
			return &container->subject;
		}
	}
	err_while(err, "container %s", spec->name);
	cri_container_detach(&container->subject);
	return NULL;
}
