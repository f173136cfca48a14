/* Its handler takes a lock that the program holds. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void handle(int number)
{
	(void)number;
	pthread_mutex_lock(&lock);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGTERM, handle);
	if (argc == 1)
		pthread_mutex_lock(&lock);
	puts("deadlock: ready");
	fflush(stdout);
	for (;;)
		pause();
}
