/* Its handler sets a flag; the read(2) that waits is restarted behind it, or, with an
 * argument, fails with EINTR. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void handle(int number)
{
	(void)number;
	stopping = 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handle};
	int ends[2];
	char byte;

	(void)argv;
	action.sa_flags = argc == 1 ? SA_RESTART : 0;
	sigaction(SIGTERM, &action, NULL);
	if (pipe(ends) != 0)
		return 1;
	puts("reader: ready");
	fflush(stdout);
	while (!stopping && read(ends[0], &byte, 1) != 0)
		;
	return 0;
}
