/*
 * process_attach - watches and stops a process that runs already and is no child of
 * ours: the stop signal, the grace period, SIGKILL, all by pidfd.
 *
 * Nothing but those signals is done to it. Its output is not ours, so it has no log.
 */
#ifndef HARNESS_ENGINE_PROCESS_ATTACH_H
#define HARNESS_ENGINE_PROCESS_ATTACH_H

#include "harness/engine/engine.h"

/* As in engine.h; the name of what to attach to is a pid: "1234". */
struct subject *process_attach(struct engine *engine, const struct attach_spec *spec,
	struct err *err) MUST_CHECK;
void process_attached_stop(struct subject *subject);
void process_attached_inspect(struct subject *subject);
void process_attached_detach(struct subject *subject);

#endif
