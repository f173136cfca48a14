/*
 * reraises - drains completely, then restores the default and raises SIGTERM again, as
 * some web servers do. As PID 1 that is exit code 0 (the kernel discards the signal and
 * main goes on); behind an init it is 143.
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
	if (sigwait(&set, &number) != 0)
		return 1;
	puts("{\"event\":\"shutdown.begin\"}");
	puts("{\"event\":\"shutdown.complete\",\"message\":\"Shutdown complete\"}");
	fflush(stdout);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGTERM);
	return 0;
}
