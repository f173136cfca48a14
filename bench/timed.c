/*
 * timed - takes a planted time for its way down: WAIT_US of it waiting and COMPUTE_US on
 * a processor, which a busy machine makes longer.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t processor_us(void)
{
	struct timespec stamp;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stamp);
	return stamp.tv_sec * INT64_C(1000000) + stamp.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	long wait_us = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	long compute_us = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
	int64_t until_us;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	if (sigwait(&set, &number) != 0)
		return 1;
	nanosleep(&wait, NULL);
	until_us = processor_us() + compute_us;
	while (processor_us() < until_us)
		continue;
	return 0;
}
