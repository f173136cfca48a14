/*
 * standard_files - stdin, stdout and stderr of the program.
 */
#ifndef LIB_STANDARD_FILES_H
#define LIB_STANDARD_FILES_H

/* Opens /dev/null in place of each one that is closed: the next socket would get its
 * number, and libuv aborts where it has to close one of these. Every program calls it
 * before it opens anything. Ends the program with `code` where that fails. */
void standard_files_open(int code);

/* Flushes stdout when the program exits, and ends it with `code` when output is lost. */
void standard_files_flush_at_exit(int code);

#endif
