#include "harness/programs.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/mem.h"

char *programs_folder(void)
{
	char path[PATH_MAX] = {0};

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		return mem_text("."); /* no /proc: the current folder */
	return mem_text(dirname(path));
}

char *programs_data(void)
{
	/* PREFIX/lib/stopbench/bin, or build/bin of the source tree. */
	static const char *const places[] = {"../../../share/stopbench", "../.."};
	SCOPED(mem_free) char *programs = programs_folder();
	char found[PATH_MAX];

	for (size_t i = 0; i < COUNT(places); i++) {
		SCOPED(mem_free)
		char *path = mem_textf("%s/%s/scenarios", programs, places[i]);

		if (realpath(path, found))
			return mem_text(dirname(found));
	}
	return NULL;
}
