#include <stdlib.h>
#include <string.h>

#include "harness/engine/test/scenes.h"

int main(void)
{
	const char *require = getenv("STOPBENCH_REQUIRE_CRI");

	return scenes_run("cri", require && strcmp(require, "1") == 0);
}
