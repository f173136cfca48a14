/*
 * stamps - takes 500 ms for its way down and says when it began and when it ended, by the
 * clock that the harness reads too: the measure of what the harness measures.
 */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec stamp;

	clock_gettime(CLOCK_MONOTONIC, &stamp);
	return stamp.tv_sec * INT64_C(1000000000) + stamp.tv_nsec;
}

int main(void)
{
	const struct itimerspec half_a_second = {.it_value = {.tv_nsec = 500000000}};
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t expirations;
	int64_t began;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	if (sigwait(&set, &number) != 0)
		return 1;
	began = now();
	timerfd_settime(timer, 0, &half_a_second, NULL);
	if (read(timer, &expirations, sizeof expirations) != sizeof expirations)
		return 1;
	dprintf(1, "{\"event\":\"stamps\",\"began_ns\":%lld,\"ended_ns\":%lld}\n",
		(long long)began, (long long)now());
	return 0;
}
