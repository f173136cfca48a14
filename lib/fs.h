/*
 * fs - files and folders: read, made with all that is above them, removed with all
 * below.
 */
#ifndef LIB_FS_H
#define LIB_FS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Makes the folder path, and every folder above it. */
bool fs_make_folders(const char *path, struct err *err) MUST_CHECK;

/* Adds the file to text. `text->full` says that it is larger than the ceiling of text
 * and was cut. False with errno: it cannot be opened or read. */
bool fs_read_file(struct buf *text, const char *path) MUST_CHECK;

/* Replaces the file; makes every folder above it. */
bool fs_write_file(
	const char *path, const char *data, size_t len, struct err *err) MUST_CHECK;

/* The same, but what was there stays until the new text is there as a whole. What is no
 * regular file, a device or a pipe, is written to as it is. */
bool fs_replace_file(
	const char *path, const char *data, size_t len, struct err *err) MUST_CHECK;

/* Could fs_replace_file() write it? Makes every folder above it. */
bool fs_check_replaceable(const char *path, struct err *err) MUST_CHECK;

/* Removes path and everything below it, as far as that is allowed. Links are not
 * followed. */
void fs_remove_tree(const char *path);

#endif
