/*
 * engine - starts a program, stops it and reports the facts of the stop.
 *
 * One interface over the engines of engines.def. A subject_spec is what to run; a
 * subject is what runs. Calls turn the loop while they wait, each within its own bound,
 * so that logs, ledger and load are served meanwhile; callbacks must never call the
 * engine.
 */
#ifndef HARNESS_ENGINE_ENGINE_H
#define HARNESS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "harness/engine/facts.h"
#include "harness/scenario/container_options.h"
#include "harness/scenario/engine_kind.h"
#include "lib/err.h"

struct engine;
struct subject;
struct proc_monitor;
struct proc_monitors;

/* A line of stdout or stderr and the time at which it was read. Borrowed. */
typedef void subject_log_fn(void *arg, int64_t ns, const char *line, size_t len);

/* What to run as PID 1, or as the child of an init. All borrowed for engine_up(). */
struct subject_spec {
	const char *name;  /* "service", "mock-agent" */
	const char *image; /* NULL: our own */
	/* NULL-terminated. What runs is the entrypoint followed by the command. Of a
	 * container: as `docker run --entrypoint ENTRYPOINT IMAGE COMMAND`; NULL: the
	 * image's own. */
	const char *const *entrypoint;
	const char *const *command;
	const char *const *env; /* "NAME=value", NULL-terminated */
	const char *run_folder; /* readable at the same path inside, not writable */
	const char *network; /* docker: NULL is the host's; else engine_network()'s */
	const char *stop_signal; /* "SIGTERM"; NULL: the image's own, or SIGTERM */
	int64_t grace_ns;
	bool init;
	/* Kept until subject_down(). NULL: the engine's defaults. */
	const struct container_options *container;
	subject_log_fn *log;
	void *arg;
};

/* PID 1 was sent its stop signal at facts.asked_ns, by somebody else. From the loop; the
 * engine is not called from here. */
typedef void subject_stopping_fn(void *arg);

/* What to attach to: a container, or of the process engine a process, that runs already
 * and that somebody else made. All borrowed for engine_attach(). */
struct attach_spec {
	const char *name;        /* a name or an id; a pid */
	int64_t grace_ns;        /* ATTACH_OWN_GRACE: its own */
	const char *stop_signal; /* "SIGQUIT"; NULL: its own */
	subject_log_fn *log; /* its last line so far, stamped 0 where the time is not
			      * known, then what it prints from now on */
	/* Docker: somebody else will stop it, and this is told of each stop that begins;
	 * one that PID 1 survives is followed by another. It is `stopped` when PID 1 has
	 * ended, by a stop or without one (asked_ns is 0 then). Its log comes from that
	 * moment on, and of the minute before. NULL: subject_stop() stops it. */
	subject_stopping_fn *stopping;
	void *arg;
};

#define ATTACH_OWN_GRACE (-1)
/* No SIGKILL ever comes: of a container with a StopTimeout of -1, or asked for. */
#define ATTACH_NO_GRACE_NS (INT64_C(1000) * 86400 * 1000000000)

/* What the engine says of a subject that was attached to. Owned by the subject. */
struct subject_about {
	char *name;  /* "shop-api" */
	char *image; /* "shop/api:1.2"; of a process its command */
	int64_t grace_ns;
	char *restart_policy; /* "no", "always", "unless-stopped", "on-failure" */
	int64_t restarts;     /* by its policy, since it was created */
	int64_t exit_code; /* of its last end; -1: not known. Read when not running. */
	bool auto_remove;  /* docker run --rm */
	bool init;         /* docker run --init */
	bool paused;       /* the engine thaws it for the stop */
	bool restarting;   /* between two starts: there is no process now */
	cJSON *labels;     /* of the container; NULL: it has none */
	char *no_log; /* "its log (why it can't be read): what would help"; NULL: it is read */
};

/* What engine_describe() describes. */
enum engine_thing {
	ENGINE_CONTAINER,
	ENGINE_IMAGE,
};

struct engine_options {
	const char *run_id;      /* label of all that is created */
	const char *programs;    /* folder of our programs; "../subjects" beside it */
	const bool *interrupted; /* true: waits end with an error; may be NULL */
	/* Of an engine of containers: the image of these programs, where another engine prepared it already;
	 * NULL: this one has to. */
	const char *own_image;
	bool rollouts; /* "auto" is the first orchestrator, not the first other engine */
};

/* A container has started; its id is borrowed. NULL: the engine does not tell any more.
 * From the loop; the engine is not called from here. */
typedef void engine_started_fn(void *arg, const char *id);

/* Called with a line for each step. Borrowed. */
typedef void engine_said_fn(void *arg, const char *line);

/* Is the run over? Then nothing uses what it created. */
typedef bool engine_is_over_fn(const char *run_id);

/* What an engine implements; only this folder calls it. NULL stands for what the
 * comment says. */
struct engine_ops {
	void (*destroy)(struct engine *engine);
	void (*fingerprint)(struct engine *engine, cJSON *json); /* adds members */
	bool (*prepare)(struct engine *engine, const char *image,
		struct err *err); /* NULL: nothing to prepare */
	int (*images)(struct engine *engine, engine_said_fn *said, void *arg,
		struct err *err); /* NULL: an error, there are none */
	char *(*network)(struct engine *engine, struct err *err); /* NULL: none */
	void (*network_remove)(struct engine *engine, const char *network);
	struct subject *(*up)(struct engine *engine, const struct subject_spec *spec,
		struct err *err);
	struct subject *(*attach)(struct engine *engine, const struct attach_spec *spec,
		struct err *err); /* NULL: an error, it cannot */
	void (*detach)(struct subject *subject);
	void (*trim)(struct subject *subject, int64_t before_ns); /* NULL: as attach */
	cJSON *(*containers)(struct engine *engine, const char *label,
		struct err *err); /* NULL: an error, it has none */
	bool (*watch_starts)(struct engine *engine, const char *label,
		engine_started_fn *started, void *arg,
		struct err *err); /* NULL: an error, it has none */
	cJSON *(*describe)(struct engine *engine, enum engine_thing thing,
		const char *name, struct err *err); /* NULL: an error, it has none */
	bool (*stop)(struct subject *subject, struct err *err);
	bool (*exec)(struct subject *subject, const char *const *argv, struct err *err);
	bool (*signal)(struct subject *subject, int signal_number,
		struct err *err); /* from the loop: begins it and returns */
	bool (*inspect)(struct subject *subject, struct err *err);
	cJSON *(*events)(const struct subject *subject); /* NULL: it reports none */
	void (*down)(struct subject *subject);
	void (*keep)(struct subject *subject); /* NULL: as down */
	int (*clean)(struct engine *engine, engine_is_over_fn *is_over,
		engine_said_fn *said, void *arg,
		struct err *err); /* NULL: nothing is left behind */
};

/* Read only outside this folder; an engine embeds it as its first member. */
struct engine {
	const struct engine_kind *kind;
	const struct engine_ops *ops;
	uv_loop_t *loop;
	struct engine_options options;
	struct engine_capabilities capabilities;
	struct proc_monitors *monitors;
	const char *machine; /* Docker: the name of the daemon's; NULL: not known */
	char *own_image;     /* of our programs, once it is there; NULL: none. Owned */
};

/* Read only outside this folder; an engine embeds it as its first member. */
struct subject {
	struct engine *engine;
	char *id;
	/* Where its ports are reached: "172.18.0.2" on a Docker network, the host of a
	 * tcp:// daemon, else SUBJECT_LOOPBACK. */
	char *address;
	pid_t pid;                    /* PID 1 on the host; 0: cannot be seen */
	struct proc_monitor *monitor; /* NULL: PID 1 cannot be seen from here */
	bool running;
	bool has_healthcheck; /* the engine looks whether it is healthy, */
	bool healthy;         /* and has found it so once */
	bool stopped;         /* subject_stop() is over */
	struct stop_facts facts;
	const struct subject_about *about; /* NULL: it was not attached to */
};

#define SUBJECT_LOOPBACK "127.0.0.1"

/* docker_create() and so on: NULL with err where the engine cannot be had. */
#define ENGINE(name, whole_seconds, runs_images, rollouts, help)                       \
	struct engine *name##_create(uv_loop_t *loop,                                  \
		const struct engine_options *options, struct err *err) MUST_CHECK;
#include "harness/scenario/engines.def"
#undef ENGINE

/* Of engines.def; "auto" is the first of them that can be had. err says why an engine
 * cannot be had. Keeps loop and options' pointers. */
struct engine *engine_create(uv_loop_t *loop, const char *name,
	const struct engine_options *options, struct err *err) MUST_CHECK;
void engine_destroy(struct engine *engine); /* accepts NULL */

/* Kernel, engine version and so on; the caller's. */
cJSON *engine_fingerprint(struct engine *engine) MUST_CHECK;

/* An engine of containers: loads our image when it is missing or old (image NULL), or
 * checks that a foreign image is there. */
bool engine_prepare(
	struct engine *engine, const char *image, struct err *err) MUST_CHECK;

/* An engine of containers: loads all our images and tags them ":latest". Gives how many,
 * -1 with err. */
int engine_images(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err);

/* Docker: creates a network and gives its name, the caller's; NULL with err. Other
 * engines: NULL without err. */
char *engine_network(struct engine *engine, struct err *err);
void engine_network_remove(struct engine *engine, const char *network);

/* Starts a subject: its PID 1 is known, its log arrives, signals and exit are
 * observed. */
struct subject *engine_up(struct engine *engine, const struct subject_spec *spec,
	struct err *err) MUST_CHECK;

/* Watches a subject that runs already, as engine_up() does one that it starts. One that
 * does not run is given as well, with running false. NULL with err: there is none. */
struct subject *engine_attach(struct engine *engine, const struct attach_spec *spec,
	struct err *err) MUST_CHECK;
/* Stops watching, and leaves the subject as it is. Accepts NULL. */
void subject_detach(struct subject *subject);

/* Of one that somebody else stops, while no stop is under way: lets go of what was recorded
 * before this. It may be watched for weeks. */
void subject_trim(struct subject *subject, int64_t before_ns);

/* Docker: all containers with this label (NULL: all there are), running or not, as the
 * daemon lists them; the caller's. NULL with err. */
cJSON *engine_containers(
	struct engine *engine, const char *label, struct err *err) MUST_CHECK;

/* Docker: tells of each container with this label (NULL: of all) that starts from about now
 * on, until it is called again or the engine is destroyed. (List them afterwards.) */
bool engine_watch_starts(struct engine *engine, const char *label,
	engine_started_fn *started, void *arg, struct err *err) MUST_CHECK;

/* Docker: what `docker inspect` says of a container or an image; CRI: the "Config" of
 * that, of an image. The caller's; NULL with err. */
cJSON *engine_describe(struct engine *engine, enum engine_thing thing, const char *name,
	struct err *err) MUST_CHECK;

/* False with err, which names the process, when the TCP port at the subject's address
 * is held by a process outside the subject. True when nothing listens there, when the
 * subject has an address of its own, and when the processes cannot be seen. */
bool subject_owns_port(
	const struct subject *subject, int port, struct err *err) MUST_CHECK;

/* Has the subject accepted every connection to its TCP port, and read all that came on
 * them? True also where that cannot be seen. */
bool subject_has_read(const struct subject *subject, int64_t port);

/* Starts one more process in the subject, which is no descendant of its PID 1, as
 * `docker exec -d`. It runs when this returns. Turns the loop. */
bool subject_exec(
	struct subject *subject, const char *const *argv, struct err *err) MUST_CHECK;

/* Begins the stop: stop signal, grace period, SIGKILL. The facts fill while the loop
 * turns, until `stopped`: the engine has answered, PID 1 has ended and the log
 * is complete, or the engine is stuck. */
bool subject_stop(struct subject *subject, struct err *err) MUST_CHECK;

/* Sends PID 1 one more signal; returns before it was sent. May be called from the loop.
 */
bool subject_signal(struct subject *subject, int signal_number, struct err *err);

/* Completes the facts with what the engine knows: exit code, OOM flag, events. */
bool subject_inspect(struct subject *subject, struct err *err) MUST_CHECK;

/* All descendants of PID 1, ended ones included. False where the kernel does not report
 * them or events were lost. Borrowed until subject_down(). */
bool subject_descendants(const struct subject *subject,
	const struct proc_record **events, unsigned *count);

/* The signals of PID 1 and its descendants, as proc_monitor_signals(). */
bool subject_signals(const struct subject *subject, const struct proc_signal **signals,
	unsigned *count);

/* How a connection of the subject was closed, as proc_monitor_close_of(). */
struct connection_close subject_close_of(
	const struct subject *subject, unsigned port, unsigned peer_port);

/* The engine's own report of the subject; the caller's. NULL: it has none. */
cJSON *subject_engine_events(const struct subject *subject);

/* Kills and removes the subject. Accepts NULL. */
void subject_down(struct subject *subject);

/* As subject_down(), but a container stays, stopped, until engine_clean() finds that
 * this run is over. */
void subject_keep(struct subject *subject);

/* Removes what has the label of a run for which is_over() is true; nothing else. Gives
 * how many things, -1 with err. */
int engine_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err);

#endif
