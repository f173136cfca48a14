/* vfork(2) suspends its caller until the child executes a program or ends. With an
 * argument that is at once, or else never. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void leave(int number)
{
	(void)number;
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGTERM, leave);
	puts("vforks: ready");
	fflush(stdout);
	if (vfork() == 0) {
		while (argc == 1)
			pause();
		_exit(0);
	}
	for (;;)
		pause();
}
