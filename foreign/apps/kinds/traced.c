/* A debugger below PID 1 that holds it; with an argument it lets go again. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int number)
{
	(void)number;
	_exit(0);
}

static int debug(pid_t parent, int let_go)
{
	int status;

	signal(SIGTERM, SIG_DFL);
	if (ptrace(PTRACE_SEIZE, parent, 0, 0) ||
		ptrace(PTRACE_INTERRUPT, parent, 0, 0))
		return 1;
	waitpid(parent, &status, __WALL);
	if (let_go && ptrace(PTRACE_DETACH, parent, 0, 0))
		return 1;
	puts("traced: ready");
	fflush(stdout);
	while (!let_go)
		pause();
	return 0;
}

int main(int argc, char **argv)
{
	pid_t parent = getpid();

	(void)argv;
	signal(SIGTERM, leave);
	if (fork() == 0)
		_exit(debug(parent, argc > 1));
	for (;;)
		pause();
}
