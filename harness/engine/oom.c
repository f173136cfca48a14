#include "harness/engine/oom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/proc_file.h"

/* "9:memory:/docker/1a2b" is a cgroup of version 1, "0::/system.slice/docker-1a2b" of
 * version 2. Gives the path of the counter, the caller's, or NULL. */
static char *counter_path(pid_t pid)
{
	SCOPED(buf_done) struct buf groups = {0};
	char *found = NULL;

	if (!proc_file_read(&groups, pid, "cgroup") || groups.len == 0)
		return NULL;
	for (char *rest = groups.data, *line; (line = strsep(&rest, "\n"));) {
		char *controllers = strchr(line, ':');
		char *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		if (strcmp(controllers + 1, "memory") == 0) {
			free(found);
			return mem_textf(
				"/sys/fs/cgroup/memory%s/memory.oom_control", group);
		}
		if (controllers[1] == '\0' && !found)
			found = mem_textf("/sys/fs/cgroup%s/memory.events", group);
	}
	return found;
}

int oom_open(pid_t pid)
{
	SCOPED(mem_free) char *path = counter_path(pid);

	return path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* Both versions have a line "oom_kill 3". */
int64_t oom_kills(int fd)
{
	char text[1024];
	ssize_t len = pread(fd, text, sizeof text - 1, 0);
	const char *at;

	if (len <= 0)
		return -1;
	text[len] = '\0';
	for (at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, "oom_kill ", strlen("oom_kill ")) == 0)
			return strtoll(at + strlen("oom_kill "), NULL, 10);
	}
	return -1;
}
