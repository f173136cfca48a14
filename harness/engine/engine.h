/*
 * engine - what brings a service up, stops it, and says how that went.
 *
 * One interface over docker (its Engine API) and process (a PID namespace of our own
 * with Docker's rules). A unit is what to run; a subject is it, running. Calls turn
 * the loop while they wait, within their own bound, so that logs, the ledger and the
 * load go on being served; callbacks must therefore never call back into the engine.
 */
#ifndef HARNESS_ENGINE_ENGINE_H
#define HARNESS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "harness/engine/engine_kind.h"
#include "harness/engine/facts.h"
#include "lib/err.h"

struct engine;
struct subject;

/* A line of the subject's stdout or stderr, stamped when it was read. Borrowed. */
typedef void subject_log_fn(void *arg, int64_t ns, const char *line, size_t len);

/* What to run as PID 1 (or behind an init). All borrowed for engine_up(). */
struct subject_spec {
	const char *name;  /* "service", "mock-agent" */
	const char *image; /* NULL: our own */
	/* NULL-terminated. What runs is the entrypoint followed by the command. Docker:
	 * as `docker run --entrypoint ENTRYPOINT IMAGE COMMAND`; NULL: the image's own. */
	const char *const *entrypoint;
	const char *const *command;
	const char *const *env; /* "NAME=value", NULL-terminated; all it gets of us */
	/* seen at the same path inside (ledger socket, files) */
	const char *run_folder;
	const char *network; /* docker: NULL is the host's; else engine_network()'s */
	const char
		*stop_signal; /* "SIGTERM"; NULL: the image's STOPSIGNAL, or SIGTERM */
	int64_t grace_ns;
	bool init;
	subject_log_fn *log;
	void *arg;
};

struct engine_options {
	const char *run_id; /* label of everything that is created */
	const char *
		programs; /* folder of our programs ("build/bin"); subjects beside it */
	const bool *interrupted; /* becomes true on Ctrl-C: waits end with an error */
};

/* What an engine can observe, for `list` and for the judge. */
struct engine_capabilities {
	enum stamp_source signal, kill, exit; /* best source that is possible here */
	bool signal_delivery, wait_status, snapshots, oom;
	bool pid1_rules; /* the subject is PID 1 of a PID namespace */
	char note[256];  /* what is missing and why, "" when nothing */
};

/* Of engines.def; "auto" is the first of them that can be had. err says why an engine
 * cannot be had. Keeps loop and options' pointers. */
struct engine *engine_create(uv_loop_t *loop, const char *name,
	const struct engine_options *options, struct err *err) MUST_CHECK;
void engine_destroy(struct engine *engine); /* accepts NULL */
const struct engine_kind *engine_kind(const struct engine *engine);
const char *engine_name(const struct engine *engine);
const struct engine_capabilities *engine_capabilities(const struct engine *engine);

/* Kernel, engine version and so on, for the results; the caller's. */
cJSON *engine_fingerprint(struct engine *engine) MUST_CHECK;

/* Docker: makes sure that our image is there, loading it when it is missing or old.
 * Names an image that is not ours and is missing. */
bool engine_prepare(
	struct engine *engine, const char *image, struct err *err) MUST_CHECK;

/* Gets a line for each thing that was done. Borrowed. */
typedef void engine_said_fn(void *arg, const char *line);

/* Docker: loads all our images, for compose files and for whoever is curious, and tags
 * them ":latest". `said` gets each name. Gives how many, -1 with err. */
int engine_images(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err);

/* Docker: a network of its own for TOPOLOGY_CONTAINERS; its name is given to the caller.
 * Process engine: NULL without an error, there is none. */
char *engine_network(struct engine *engine, struct err *err);
void engine_network_remove(struct engine *engine, const char *network);

/* Starts it. The returned subject runs: PID 1 is known, its log arrives, the taps for
 * signal and exit are armed. */
struct subject *engine_up(struct engine *engine, const struct subject_spec *spec,
	struct err *err) MUST_CHECK;
pid_t subject_pid(
	const struct subject *subject); /* PID 1 on the host; 0: not visible */
const char *subject_id(const struct subject *subject);
/* Docker on a network of its own: where its port can be reached ("172.18.0.2"); else
 * "127.0.0.1". Borrowed. */
const char *subject_address(const struct subject *subject);
/* False with err, which names the process, when the TCP port at subject_address() is
 * held by a process outside the subject. True when nothing listens there, when the
 * subject has an address of its own, and when the processes cannot be seen. */
bool subject_owns_port(
	const struct subject *subject, int port, struct err *err) MUST_CHECK;
bool subject_running(const struct subject *subject);

/* Asks the engine to stop it: stop signal, grace, SIGKILL. Returns at once; facts fill
 * up while the loop turns, until subject_stopped(): the engine has answered, PID 1 is
 * gone and its log is complete, or the engine is stuck. */
bool subject_stop(struct subject *subject, struct err *err) MUST_CHECK;
bool subject_stopped(const struct subject *subject);
const struct stop_facts *subject_facts(const struct subject *subject);

/* Reads what the engine still knows (exit code, OOM flag, events) into the facts. */
bool subject_inspect(struct subject *subject, struct err *err) MUST_CHECK;

/* All that its PID 1 and they forked, dead and alive. False when nobody told: not this
 * kernel's, or more than could be heard. Borrowed until subject_down(). */
bool subject_descendants(const struct subject *subject,
	const struct proc_record **events, unsigned *count);

/* What the engine reported of it, in its own words, for the failed case's folder: the
 * caller's. NULL when it has none. */
cJSON *subject_engine_events(const struct subject *subject);

/* Kills and removes whatever is left of it. Accepts NULL. */
void subject_down(struct subject *subject);

/* Lets go of it without removing what is left of it (docker: the stopped container;
 * engine_clean() removes it once this run is over). */
void subject_keep(struct subject *subject);

/* Removes what runs that are over left behind, found by its label; nothing else.
 * is_over() is asked for each run id that is met. `said` gets a line for each thing
 * removed. Gives how many, -1 with err. */
typedef bool engine_is_over_fn(const char *run_id);
int engine_clean(struct engine *engine, engine_is_over_fn *is_over,
	engine_said_fn *said, void *arg, struct err *err);

#endif
