/*
 * witness_address - where a witness is, as the command line has it.
 *
 * "unix:///PATH", "https://HOST" or "https://HOST:PORT"; or "docker:" in front of the address
 * of a daemon ("unix:///PATH", "tcp://HOST:PORT") whose containers are processes of this
 * kernel. Pure: whether anybody answers there is not asked.
 */
#ifndef HARNESS_ROLLOUT_WITNESS_ADDRESS_H
#define HARNESS_ROLLOUT_WITNESS_ADDRESS_H

#include <stdbool.h>

#include "lib/err.h"

#define WITNESS_DAEMON_MARK "docker:"

/* False: err says what it has to look like. */
bool witness_address_check(const char *address, struct err *err) MUST_CHECK;

#endif
