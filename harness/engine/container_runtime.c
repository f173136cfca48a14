#include "harness/engine/container_runtime.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/proc_file.h"

bool container_runtime_is(const char *name)
{
	static const char *const programs[] = {"runc", "crun", "youki", "runsc",
		"conmon", "podman", "dockerd", "containerd", "containerd-shim"};

	for (size_t i = 0; i < COUNT(programs); i++) {
		if (strcmp(name, programs[i]) == 0)
			return true;
	}
	return false;
}

bool container_runtime_runs(pid_t pid, const char *id)
{
	SCOPED(buf_done) struct buf groups = {0};

	return proc_file_read(&groups, pid, "cgroup") && strstr(buf_text(&groups), id);
}
