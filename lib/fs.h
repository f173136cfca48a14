/*
 * fs - what a report is made of: files, and the folders that they are in.
 */
#ifndef LIB_FS_H
#define LIB_FS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* Makes path a folder, and every folder on the way. */
bool fs_make_folders(const char *path, struct err *err) MUST_CHECK;

/* Writes the file in place of what was there; makes the folders on the way. */
bool fs_write_file(
	const char *path, const char *data, size_t len, struct err *err) MUST_CHECK;

#endif
