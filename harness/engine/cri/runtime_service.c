#include "harness/engine/cri/runtime_service.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define ENDPOINT      "CONTAINER_RUNTIME_ENDPOINT"
#define SOCKET        "/run/containerd/containerd.sock"
#define PING_NS       (4 * CLOCK_S)
#define PAUSE_NS      (20 * CLOCK_MS)
#define CONNECTIONS   4
/* The call's own deadline comes first, with the better error. */
#define EXTRA_NS (1 * CLOCK_S)

#define RUNTIME(name) "/runtime.v1.RuntimeService/" name
#define IMAGE(name)   "/runtime.v1.ImageService/" name

static const struct method {
	const char *path;
	const ProtobufCMessageDescriptor *answer;
} methods[CRI_METHODS] = {
	[CRI_VERSION] = {RUNTIME("Version"), &cri__version_response__descriptor},
	[CRI_STATUS] = {RUNTIME("Status"), &cri__status_response__descriptor},
	[CRI_RUN_POD_SANDBOX] = {RUNTIME("RunPodSandbox"),
		&cri__run_pod_sandbox_response__descriptor},
	[CRI_STOP_POD_SANDBOX] = {RUNTIME("StopPodSandbox"), &cri__empty__descriptor},
	[CRI_REMOVE_POD_SANDBOX] = {RUNTIME("RemovePodSandbox"),
		&cri__empty__descriptor},
	[CRI_LIST_POD_SANDBOX] = {RUNTIME("ListPodSandbox"),
		&cri__list_pod_sandbox_response__descriptor},
	[CRI_CREATE_CONTAINER] = {RUNTIME("CreateContainer"),
		&cri__create_container_response__descriptor},
	[CRI_START_CONTAINER] = {RUNTIME("StartContainer"), &cri__empty__descriptor},
	[CRI_STOP_CONTAINER] = {RUNTIME("StopContainer"), &cri__empty__descriptor},
	[CRI_LIST_CONTAINERS] = {RUNTIME("ListContainers"),
		&cri__list_containers_response__descriptor},
	[CRI_CONTAINER_STATUS] = {RUNTIME("ContainerStatus"),
		&cri__container_status_response__descriptor},
	[CRI_EXEC_SYNC] = {RUNTIME("ExecSync"), &cri__exec_sync_response__descriptor},
	[CRI_IMAGE_STATUS] = {IMAGE("ImageStatus"),
		&cri__image_status_response__descriptor},
};

/* --- calls --- */

static struct grpc_call *begin(struct runtime_service *service, enum cri_method method,
	const void *request, int64_t timeout_ns, grpc_done_fn *done, void *arg,
	struct err *err)
{
	return grpc_call_start(service->fetch,
		&(struct grpc_request){
			.socket = service->socket,
			.method = methods[method].path,
			.message = request,
			.timeout_ns = timeout_ns,
			.done = done,
			.arg = arg,
		},
		err);
}

struct grpc_call *runtime_service_begin(struct runtime_service *service,
	enum cri_method method, const void *request, grpc_done_fn *done, void *arg,
	struct err *err)
{
	return begin(service, method, request, 0, done, arg, err);
}

struct pending {
	const struct method *method;
	struct err *err;
	bool over;
	int status;
	void *answer;
};

static void on_done(void *arg, const struct grpc_result *result)
{
	struct pending *pending = arg;

	pending->over = true;
	pending->status = result->status;
	if (result->status != GRPC_OK) {
		err_set(pending->err, "%s", result->why);
		return;
	}
	pending->answer = protobuf_c_message_unpack(
		pending->method->answer, NULL, result->len, result->message);
	if (!pending->answer)
		err_set(pending->err, "the answer is no %s",
			pending->method->answer->short_name);
}

static bool is_over(const void *arg)
{
	return ((const struct pending *)arg)->over;
}

static const char *name_of(const struct method *method)
{
	return strrchr(method->path, '/') + 1;
}

void *runtime_service_call(
	struct runtime_service *service, const struct cri_call *call, struct err *err)
{
	struct pending pending = {
		.method = &methods[call->method], .err = err, .status = GRPC_NONE};
	int64_t within_ns = call->within_ns ? call->within_ns : CRI_CALL_NS;
	struct grpc_call *begun = begin(service, call->method, call->request, within_ns,
		on_done, &pending, err);
	enum wait_end end = begun
		? wait_until(service->loop, is_over, &pending,
			  clock_now() + within_ns + EXTRA_NS,
			  call->stubborn ? NULL : service->interrupted)
		: WAIT_SO;

	if (end != WAIT_SO) {
		grpc_call_cancel(begun);
		err_set(err,
			end == WAIT_INTERRUPTED ? "interrupted" : "no answer in time");
	}
	if (call->status)
		*call->status = pending.status;
	if (!pending.answer)
		err_while(err, "CRI %s", name_of(pending.method));
	return pending.answer;
}

void runtime_service_try(
	struct runtime_service *service, enum cri_method method, const void *request)
{
	struct err ignored;
	SCOPED(message_free)
	void *answer UNUSED = runtime_service_call(service,
		&(struct cri_call){
			.method = method, .request = request, .stubborn = true},
		&ignored);
}

static bool never(const void *arg UNUSED)
{
	return false;
}

bool runtime_service_pause(struct runtime_service *service, bool stubborn)
{
	return wait_until(service->loop, never, NULL, clock_now() + PAUSE_NS,
		       stubborn ? NULL : service->interrupted) == WAIT_DEADLINE;
}

/* --- the runtime --- */

static bool find_socket(struct runtime_service *service, struct err *err)
{
	static const char scheme[] = "unix://";
	const char *said = getenv(ENDPOINT);
	const char *path = said && said[0] ? said : SOCKET;

	if (strncmp(path, scheme, strlen(scheme)) == 0)
		path += strlen(scheme);
	if (path[0] != '/')
		return err_set(err, ENDPOINT "=%s: expected unix:///PATH", said);
	service->socket = mem_text(path);
	return access(path, R_OK | W_OK) == 0 ||
		err_sys(err, "no container runtime at %s (%s)", path,
			said && said[0] ? ENDPOINT : "the default");
}

static bool ask_version(struct runtime_service *service, struct err *err)
{
	const Cri__VersionRequest request = CRI__VERSION_REQUEST__INIT;
	int status = GRPC_NONE;

	service->version = runtime_service_call(service,
		&(struct cri_call){
			.method = CRI_VERSION,
			.request = &request,
			.within_ns = PING_NS,
			.status = &status,
		},
		err);
	if (status == GRPC_UNIMPLEMENTED)
		return err_set(err,
			"the runtime at %s has no CRI (runtime.v1): of containerd the "
			"plugin io.containerd.grpc.v1.cri, which its config.toml must not "
			"name in disabled_plugins",
			service->socket);
	return service->version ||
		err_while(err, "no container runtime answers at %s", service->socket);
}

struct runtime_service *runtime_service_open(
	uv_loop_t *loop, const bool *interrupted, struct err *err)
{
	struct runtime_service *service = mem_zeroed(sizeof *service);

	service->loop = loop;
	service->interrupted = interrupted;
	if (find_socket(service, err) &&
		(service->fetch = fetch_create(loop, CONNECTIONS, err)) &&
		ask_version(service, err))
		return service;
	runtime_service_close(service);
	return NULL;
}

void runtime_service_close(struct runtime_service *service)
{
	if (!service)
		return;
	fetch_destroy(service->fetch);
	message_free(&service->version);
	free(service->socket);
	free(service);
}
