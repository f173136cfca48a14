#include "mock-mcp/crash.h"

#include <stdlib.h>
#include <sys/resource.h>

void crash_at(const struct mcp_behavior *behavior, enum mcp_crash_point point)
{
	if (behavior->crash != (int)point)
		return;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	abort();
}
