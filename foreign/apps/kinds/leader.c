/* main() leaves with pthread_exit(): the process runs on in a thread that waits for
 * SIGTERM, or, with an argument, for nothing. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sigset_t term;

static void *wait_for_it(void *deaf)
{
	int number;

	while (deaf)
		pause();
	sigwait(&term, &number);
	usleep(200000);
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (argc == 1)
		pthread_sigmask(SIG_BLOCK, &term, NULL);
	pthread_create(&thread, NULL, wait_for_it, argc > 1 ? argv[1] : NULL);
	puts("leader: ready");
	fflush(stdout);
	pthread_exit(NULL);
}
