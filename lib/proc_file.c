#include "lib/proc_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fs.h"

#define PATH_SIZE 96

bool proc_file_read(struct buf *text, pid_t pid, const char *name)
{
	char path[PATH_SIZE];

	buf_clear(text);
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	return fs_read_file(text, path);
}

bool proc_file_link(pid_t pid, const char *name, char *target, size_t size)
{
	char path[PATH_SIZE];
	ssize_t len;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	len = readlink(path, target, size - 1);
	target[len > 0 ? len : 0] = '\0';
	return len > 0;
}

const char *proc_file_value(const char *status, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = status; *line; line += *line == '\n') {
		if (strncmp(line, key, len) == 0 && line[len] == ':' &&
			line[len + 1] == '\t')
			return line + len + 2;
		line += strcspn(line, "\n");
	}
	return NULL;
}

pid_t proc_file_inner_pid(const char *status)
{
	const char *value = proc_file_value(status, "NSpid");
	pid_t pid = 0;

	for (char *end; value; value = *end == '\t' ? end + 1 : NULL)
		pid = (pid_t)strtol(value, &end, 10);
	return pid;
}
