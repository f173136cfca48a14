#include "mock-mcp/fate.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

void fate_crash(const struct mcp_manners *manners, enum mcp_moment moment)
{
	if (manners->crash != (int)moment)
		return;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	abort();
}

void fate_spin(void)
{
	volatile unsigned turns = 0;
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGIO); /* the end of the lifeline: ours too */
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		turns = turns + 1;
}
