/*
 * handles-term - nothing wrong with it: blocks SIGTERM first, waits for it, exits 0.
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
	return sigwait(&set, &number) == 0 ? 0 : 1;
}
