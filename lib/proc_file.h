/*
 * proc_file - the files of /proc/PID.
 *
 * `name` is the path below /proc/PID: "status", "task/412/children", "fd/3".
 */
#ifndef LIB_PROC_FILE_H
#define LIB_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Replaces what text holds; a file longer than the ceiling of text is cut. False: the
 * process has ended, or it may not be read. */
bool proc_file_read(struct buf *text, pid_t pid, const char *name) MUST_CHECK;

/* Reads the link into target, cut to size, with its NUL. False, and target is "": there
 * is no such link, or it may not be read. */
bool proc_file_link(pid_t pid, const char *name, char *target, size_t size);

/* The value of the line "key:<tab>value" of a status file, up to its end of line.
 * NULL: there is no such line. Borrowed from status. */
const char *proc_file_value(const char *status, const char *key);

/* The pid in the innermost PID namespace, the last of "NSpid:	412	1". 0: not
 * known. */
pid_t proc_file_inner_pid(const char *status);

#endif
