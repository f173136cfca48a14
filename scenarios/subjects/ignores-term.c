/*
 * ignores-term - ignores SIGTERM, as what was started behind `trap '' TERM` does.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	signal(SIGTERM, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
