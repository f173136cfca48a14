/*
 * cri_container_exec - a further process in a container, by ExecSync: what a kubelet's
 * exec probes and hooks are.
 *
 * ExecSync answers when the process has ended, and ends it when its client goes. That it
 * runs is seen from the kernel's events.
 */
#ifndef HARNESS_ENGINE_CRI_CONTAINER_EXEC_H
#define HARNESS_ENGINE_CRI_CONTAINER_EXEC_H

#include "harness/engine/cri/container.h"

/* As subject_exec(). */
bool cri_container_exec(
	struct subject *subject, const char *const *argv, struct err *err) MUST_CHECK;

#endif
