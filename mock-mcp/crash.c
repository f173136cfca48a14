#include "mock-mcp/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

void crash_at(const struct mcp_behavior *behavior, enum mcp_crash_point point)
{
	if (behavior->crash != (int)point)
		return;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	abort();
}

void crash_spin(void)
{
	volatile unsigned turns = 0;
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGIO); /* the end of the lifeline */
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		turns = turns + 1;
}
