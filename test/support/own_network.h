/*
 * own_network - a network namespace for a test program, in which there is loopback alone.
 *
 * For tests that leave thousands of connections in TIME-WAIT, and for those that need a port
 * to stay closed: on the host's network another program may be given it.
 */
#ifndef TEST_SUPPORT_OWN_NETWORK_H
#define TEST_SUPPORT_OWN_NETWORK_H

/* First thing in main(). Where it is not allowed the program keeps the network it has. */
void own_network(void);

#endif
