/* A full init at the end of its way down: it powers its PID namespace off. Nowhere but as
 * PID 1 of a namespace: reboot(2) is the machine's elsewhere. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

/* The id of the first PID namespace. */
static int is_machine(void)
{
	char name[64] = "";

	return readlink("/proc/self/ns/pid", name, sizeof name - 1) < 0 ||
		strcmp(name, "pid:[4026531836]") == 0;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (getpid() != 1 || is_machine()) {
		puts("poweroff: not PID 1 of a PID namespace");
		return 2;
	}
	signal(SIGTERM, stop);
	puts("poweroff: ready");
	fflush(stdout);
	while (!stopping)
		pause();
	usleep(100000);
	if (argc > 1)
		return 0;
	reboot(RB_POWER_OFF);
	perror("poweroff");
	return 1;
}
