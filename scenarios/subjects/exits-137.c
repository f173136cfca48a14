/*
 * exits-137 - ends with exit code 137 by itself, as a shell does that reports a child's
 * SIGKILL. No grace expired, and nobody was out of memory.
 */
#include <signal.h>
#include <stdio.h>

int main(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	return sigwait(&set, &number) == 0 ? 137 : 1;
}
