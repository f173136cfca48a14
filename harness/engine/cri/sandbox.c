#include "harness/engine/cri/sandbox.h"

#include <string.h>
#include <unistd.h>

#include "harness/engine/run_label.h"
#include "lib/mem.h"

#define NAMESPACE "stopbench"

Cri__NamespaceOption *cri_sandbox_namespaces(void)
{
	Cri__NamespaceOption *namespaces =
		message_new(&cri__namespace_option__descriptor);

	namespaces->network = CRI__NAMESPACE_MODE__NODE;
	namespaces->pid = CRI__NAMESPACE_MODE__CONTAINER;
	return namespaces;
}

void cri_sandbox_add_labels(
	const struct cri_engine *cri, Cri__Pair ***labels, size_t *n)
{
	message_add_pair(labels, n, RUN_LABEL, cri->engine.options.run_id);
	message_add_pair(labels, n, RUN_LABEL_HOME, cri->home);
}

Cri__PodSandboxConfig *cri_sandbox_config(
	struct cri_engine *cri, const char *name, const char *log_folder)
{
	Cri__PodSandboxConfig *config =
		message_new(&cri__pod_sandbox_config__descriptor);

	config->metadata = message_new(&cri__pod_sandbox_metadata__descriptor);
	config->metadata->name = mem_textf("stopbench-%s-%d-%u-%s",
		cri->engine.options.run_id, (int)getpid(), ++cri->made, name);
	message_set(&config->metadata->uid, config->metadata->name);
	message_set(&config->metadata->namespace_, NAMESPACE);
	message_set(&config->log_directory, log_folder);
	cri_sandbox_add_labels(cri, &config->labels, &config->n_labels);
	config->linux = message_new(&cri__linux_pod_sandbox_config__descriptor);
	config->linux->security_context =
		message_new(&cri__linux_sandbox_security_context__descriptor);
	config->linux->security_context->namespace_options = cri_sandbox_namespaces();
	return config;
}

/* Stubborn: without the answer the sandbox could not be removed. */
char *cri_sandbox_run(
	struct cri_engine *cri, Cri__PodSandboxConfig *config, struct err *err)
{
	Cri__RunPodSandboxRequest request = CRI__RUN_POD_SANDBOX_REQUEST__INIT;
	SCOPED(message_free) Cri__RunPodSandboxResponse *answer = NULL;

	request.config = config;
	answer = runtime_service_call(cri->service,
		&(struct cri_call){
			.method = CRI_RUN_POD_SANDBOX,
			.request = &request,
			.stubborn = true,
		},
		err);
	return answer ? mem_text(answer->pod_sandbox_id) : NULL;
}

static bool ask_about(struct runtime_service *service, enum cri_method method,
	const char *id, struct err *err)
{
	SCOPED(message_free)
	Cri__PodSandboxRequest *request =
		message_new(&cri__pod_sandbox_request__descriptor);
	SCOPED(message_free) void *answer = NULL;

	message_set(&request->pod_sandbox_id, id);
	answer = runtime_service_call(service,
		&(struct cri_call){
			.method = method, .request = request, .stubborn = true},
		err);
	return answer != NULL;
}

bool cri_sandbox_remove(
	struct runtime_service *service, const char *id, struct err *err)
{
	return ask_about(service, CRI_STOP_POD_SANDBOX, id, err) &&
		ask_about(service, CRI_REMOVE_POD_SANDBOX, id, err);
}

/* --- what earlier runs left --- */

/* The lock of a run on another machine cannot be seen from here. NULL: it is not one of
 * ours, or not from here. */
static const char *run_of(const struct cri_engine *cri, const Cri__PodSandbox *sandbox)
{
	const char *home =
		message_pair(sandbox->labels, sandbox->n_labels, RUN_LABEL_HOME);

	return home && strcmp(home, cri->home) == 0
		? message_pair(sandbox->labels, sandbox->n_labels, RUN_LABEL)
		: NULL;
}

int cri_sandbox_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err)
{
	struct cri_engine *cri = (struct cri_engine *)engine;
	const Cri__ListPodSandboxRequest request = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	SCOPED(message_free)
	Cri__ListPodSandboxResponse *found = runtime_service_call(cri->service,
		&(struct cri_call){.method = CRI_LIST_POD_SANDBOX, .request = &request},
		err);
	int removed = 0;
	bool ok = found != NULL;

	for (size_t i = 0; found && i < found->n_items; i++) {
		const Cri__PodSandbox *sandbox = found->items[i];
		const char *run_id = run_of(cri, sandbox);
		const char *name = sandbox->metadata ? sandbox->metadata->name : "?";
		SCOPED(mem_free) char *line = NULL;

		if (!run_id || !is_over(run_id))
			continue;
		if (!cri_sandbox_remove(cri->service, sandbox->id, err)) {
			ok = err_while(err, "remove sandbox %s", name);
			continue;
		}
		removed++;
		line = mem_textf("removed sandbox %s of run %s", name, run_id);
		said(arg, line);
	}
	return ok ? removed : -1;
}
