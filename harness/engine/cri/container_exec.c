#include "harness/engine/cri/container_exec.h"

#include "harness/engine/proc_monitor.h"
#include "lib/clock.h"
#include "lib/wait.h"

#define START_NS (30 * CLOCK_S)

/* The wait for the start of a process. */
struct start {
	const struct cri_container *container;
	const struct cri_exec *exec;
	unsigned before; /* processes that were put into it before */
};

/* Those that were put into the container from outside. One is among them as soon as it
 * runs its own program. False where the kernel's events are not to be had. */
static bool count_outside(const struct cri_container *container, unsigned *outside)
{
	const struct proc_record *records;
	unsigned count;

	if (!proc_monitor_descendants(container->subject.monitor, &records, &count))
		return false;
	*outside = 0;
	for (unsigned i = 0; i < count; i++)
		*outside += records[i].outside;
	return true;
}

static bool is_started(const void *arg)
{
	const struct start *start = arg;
	unsigned now;

	return !start->exec->call ||
		(count_outside(start->container, &now) && now > start->before);
}

/* Comes with the end of the process, or at once when it cannot be started. */
static void on_answered(void *arg, const struct grpc_result *result)
{
	struct cri_exec *exec = arg;

	exec->call = NULL;
	exec->failed = result->status != GRPC_OK;
	err_set(&exec->why, "%s", result->why);
}

static Cri__ExecSyncRequest *make_request(const char *id, const char *const *argv)
{
	Cri__ExecSyncRequest *request =
		message_new(&cri__exec_sync_request__descriptor);

	message_set(&request->container_id, id);
	for (; *argv; argv++)
		message_add_text(&request->cmd, &request->n_cmd, *argv);
	return request;
}

bool cri_container_exec(
	struct subject *subject, const char *const *argv, struct err *err)
{
	struct cri_container *container = (struct cri_container *)subject;
	struct cri_exec *exec = &container->execs[container->exec_count];
	struct start start = {.container = container, .exec = exec};
	SCOPED(message_free)
	Cri__ExecSyncRequest *request = make_request(subject->id, argv);

	if (container->exec_count == CRI_EXECS_MAX)
		return err_set(err, "the cri engine starts %d processes at most",
			CRI_EXECS_MAX);
	if (!subject->monitor || !count_outside(container, &start.before))
		return err_set(err,
			"whether it runs can't be seen without the kernel's process events");
	exec->call = runtime_service_begin(container->cri->service, CRI_EXEC_SYNC,
		request, on_answered, exec, err);
	if (!exec->call)
		return false;
	container->exec_count++;
	if (wait_until(subject->engine->loop, is_started, &start,
		    clock_now() + START_NS,
		    subject->engine->options.interrupted) != WAIT_SO)
		return err_set(err, "it did not start in time");
	return !exec->failed || err_set(err, "%s", exec->why.text);
}
