/*
 * version - of stopbench, and of what it writes.
 */
#ifndef HARNESS_VERSION_H
#define HARNESS_VERSION_H

#define STOPBENCH_VERSION "0.1"

#endif
