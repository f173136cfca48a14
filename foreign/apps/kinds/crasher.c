/* A pipeline's program that crashes on its way down. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void handle(int number)
{
	int *nowhere = NULL;

	(void)number;
	if (write(2, "crasher: saving\n", 16) > 0)
		*(volatile int *)nowhere = 1;
}

int main(void)
{
	signal(SIGTERM, handle);
	puts("crasher: ready");
	fflush(stdout);
	for (;;)
		pause();
}
