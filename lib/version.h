/*
 * version - of stopbench and its mocks, and of what they write.
 */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

#define STOPBENCH_VERSION "0.1"

#endif
