#include <stdlib.h>
#include <string.h>

#include "harness/engine/test/scenes.h"

int main(void)
{
	const char *require = getenv("STOPBENCH_REQUIRE_DOCKER");

	return scenes_run("docker", require && strcmp(require, "1") == 0);
}
