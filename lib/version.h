/*
 * version - the version of stopbench, its mocks and the files that they write.
 */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

#define STOPBENCH_VERSION "0.1"

#endif
