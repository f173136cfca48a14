#include "harness/programs.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/mem.h"

char *programs_folder(void)
{
	char path[PATH_MAX] = {0};

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		return mem_text("."); /* no /proc: the current folder */
	return mem_text(dirname(path));
}
