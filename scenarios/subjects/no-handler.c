/*
 * no-handler - does nothing about SIGTERM. As PID 1 it never hears of it (the kernel
 * discards it) and is killed when the grace is over; behind an init it dies of it: 143.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
