/*
 * free_port - a TCP port of this host that nobody has, for a service that opens it later.
 *
 * Until it does, nothing holds the port itself. So it is none of those that the kernel
 * gives to connections, and no other round of any stopbench on this host's network is
 * given it before free_port_done().
 */
#ifndef HARNESS_RUN_FREE_PORT_H
#define HARNESS_RUN_FREE_PORT_H

#include <stdbool.h>

/* Below those that the kernel gives to connections. */
#define FREE_PORTS_FIRST 20000
#define FREE_PORTS       12000

struct free_port {
	int port; /* 0: none is held */
	int fd;
};

/* One of `count` ports from `first` on; false: none of those that were tried is free. */
bool free_port_take(struct free_port *port, int first, int count);
void free_port_done(struct free_port *port);

#endif
