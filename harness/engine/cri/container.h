/*
 * cri_container - one subject of the CRI engine: its stop, its inspection, its removal.
 *
 * A container that we start has a sandbox (a pod) of its own. A stop is over when the
 * runtime has answered StopContainer, PID 1 has ended and the log is complete. A runtime
 * that takes longer than the grace period and 50 s is stuck. container_create.h makes
 * containers.
 */
#ifndef HARNESS_ENGINE_CRI_CONTAINER_H
#define HARNESS_ENGINE_CRI_CONTAINER_H

#include "harness/engine/cri/cri.h"

#define CRI_EXECS_MAX 8

/* A process beside PID 1 (container_exec.h). */
struct cri_exec {
	struct grpc_call *call; /* NULL: it is over */
	bool failed;            /* then: why */
	struct err why;
};

struct cri_container {
	struct subject subject;
	struct cri_engine *cri;
	char *sandbox;               /* NULL: there is none yet */
	int64_t grace_s;             /* the timeout of StopContainer */
	struct subject_about *about; /* of an attached one; else NULL */
	struct cri_log *log;
	int oom_fd;             /* oom.h; -1: not known */
	int64_t oom_before;     /* kills when the stop began; -1: not known */
	struct grpc_call *stop; /* the stop call under way */
	struct cri_exec execs[CRI_EXECS_MAX];
	unsigned exec_count;
	bool answered; /* the stop call was */
	char stop_error[256];
	struct loop_timer *patience;          /* of a stop; NULL: there was none */
	Cri__ContainerStatusResponse *status; /* of the last inspection */
};

/* Zeroed, but for what is not known. */
struct cri_container *cri_container_new(struct cri_engine *cri, int64_t grace_s);

/* Asks for its status, keeps it as container->status and gives it, borrowed. */
const Cri__ContainerStatus *cri_container_read(
	struct cri_container *container, bool stubborn, struct err *err) MUST_CHECK;

/* Watches PID 1 of a container whose status was read. */
bool cri_container_watch(struct cri_container *container, struct err *err) MUST_CHECK;

/* To be called when the log has come further. arg: the container. */
void cri_container_settle(void *arg);

/* As in engine.h. */
bool cri_container_stop(struct subject *subject, struct err *err) MUST_CHECK;
bool cri_container_signal(struct subject *subject, int signal_number, struct err *err);
bool cri_container_inspect(struct subject *subject, struct err *err);
cJSON *cri_container_events(const struct subject *subject);
void cri_container_down(struct subject *subject);
void cri_container_keep(struct subject *subject);
void cri_container_detach(struct subject *subject);

#endif
