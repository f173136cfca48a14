/*
 * exits - the ends of processes, stamped by the kernel: the process connector.
 *
 * One netlink socket for all; each watched pid gets its record: when it became
 * waitable, and its raw wait status, also for processes that are not our children.
 * Needs CAP_NET_ADMIN in the initial network namespace.
 */
#ifndef HARNESS_ENGINE_EXITS_H
#define HARNESS_ENGINE_EXITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct exits;

struct exit_record {
	int64_t ns; /* CLOCK_MONOTONIC; 0: not seen */
	int wait_status;
};

/* Keeps loop; err says why it is not possible here. */
struct exits *exits_open(uv_loop_t *loop, struct err *err) MUST_CHECK;

/* *record is filled when pid ends. Keeps record until exits_forget(). */
void exits_watch(struct exits *exits, pid_t pid, struct exit_record *record);
void exits_forget(struct exits *exits, pid_t pid);

/* When pid ended, among the last EXITS_KEPT ends of the whole machine; 0: not seen. */
#define EXITS_KEPT 65536
int64_t exits_of(const struct exits *exits, pid_t pid);

/* Reads what has arrived, without waiting for the loop. */
void exits_read(struct exits *exits);
void exits_close(struct exits *exits); /* accepts NULL */

#endif
