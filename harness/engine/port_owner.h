/*
 * port_owner - which process listens on a TCP port of the loopback address.
 *
 * A request to a port that another program holds would be answered by that program, and
 * its answers would be taken for the subject's.
 */
#ifndef HARNESS_ENGINE_PORT_OWNER_H
#define HARNESS_ENGINE_PORT_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/* False with err, which names the process, when 127.0.0.1:port in root's network
 * namespace is held by a process outside root's tree. True when nothing listens there,
 * and when /proc does not show whose socket it is. */
bool port_owner_is_in_tree(pid_t root, int port, struct err *err) MUST_CHECK;

/* Has every connection to the port, in root's network namespace, been accepted, and all
 * that came on it been read, also of those from this process's namespace to the
 * address ("127.0.0.1")? True where /proc does not show it. */
bool port_owner_has_read(pid_t root, const char *address, int port);

#endif
