/*
 * container - one subject of the Docker engine: its stop, its inspection, its removal.
 *
 * A stop is over when the daemon has answered, PID 1 has ended, the log is complete and
 * the events of the stop have arrived. A daemon that takes longer than the grace period
 * and 50 s is stuck. container_create.h makes containers.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_H

#include "harness/engine/docker/docker.h"
#include "harness/engine/docker/log.h"

struct container {
	struct subject subject;
	struct docker_engine *docker;
	int64_t grace_s;             /* -1: no SIGKILL ever comes */
	struct subject_about *about; /* of an attached one; else NULL */
	bool own_grace;  /* the daemon is not told grace_s: it is the container's own */
	int stop_signal; /* to be sent in place of the container's own; 0: its own */
	struct docker_events *events;
	struct docker_log *log;
	subject_stopping_fn *stopping; /* somebody else stops it; NULL: we do */
	void *stopping_arg;
	struct docker_log_spec log_spec; /* then: how its log is read */
	int oom_fd;                      /* oom.h; -1: not known */
	int64_t oom_before;              /* kills when the stop began; -1: not known */
	struct fetch_call *stop;         /* the stop call under way */
	struct fetch_call *wait;         /* a wait call under way */
	struct fetch_call *kill;         /* a kill call under way (container_kill.h) */
	struct loop_timer *kill_timer;   /* until its SIGKILL; NULL: not used */
	bool answered;                   /* the stop call was */
	bool acted; /* and the daemon did stop a running container */
	char stop_error[256];
	struct loop_timer *patience; /* of a stop; NULL: there was none */
	cJSON *state;                /* of the last inspection; NULL: not known */
};

/* Zeroed, but for what is not known. */
struct container *container_new(struct docker_engine *docker, int64_t grace_s);

/* As in engine.h. */
bool container_stop(struct subject *subject, struct err *err) MUST_CHECK;
bool container_signal(struct subject *subject, int signal_number, struct err *err);
bool container_inspect(struct subject *subject, struct err *err);
cJSON *container_events(const struct subject *subject);
void container_down(struct subject *subject);
void container_keep(struct subject *subject);
void container_detach(struct subject *subject);
void container_trim(struct subject *subject, int64_t before_ns);

/* As docker_api_call(); call->path is what follows "/containers/ID". */
bool container_call(struct container *container, const struct docker_call *call,
	struct err *err) MUST_CHECK;

/* Gives the caller the daemon's inspection, and keeps its "State". */
cJSON *container_read(
	struct container *container, bool stubborn, struct err *err) MUST_CHECK;

/* Asks the daemon to answer when it has noticed that the container has ended. */
bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err) MUST_CHECK;

/* Begins a POST of "/containers/ID/WHAT" that is not waited for, in this version of the
 * API; NULL: the usual one. */
struct fetch_call *container_post(struct container *container, const char *version,
	const char *what, fetch_done_fn *done, struct err *err) MUST_CHECK;

/* Begins the daemon's /stop, whose answer is the stop's. */
bool container_post_stop(struct container *container, const char *version,
	const char *what, struct err *err) MUST_CHECK;

/* A call of the stop failed: for the report. */
void container_note_failure(struct container *container, const struct err *err);

/* PID 1 has ended. */
void container_note_end(struct container *container);

/* The end of container->patience. */
void container_on_patience_over(void *arg);

/* To be called when the log or the events have come further. */
void container_settle(struct container *container);

#endif
