/*
 * crashes - its handler for SIGTERM ends in a segmentation fault.
 */
#include <signal.h>
#include <stdio.h>

int main(void)
{
	volatile int *volatile nowhere = NULL;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	if (sigwait(&set, &number) == 0)
		*nowhere = number;
	return 1;
}
