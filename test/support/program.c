#include "test/support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "test/support/until.h"

/* A command may run whole scenarios. */
#define RUN_PATIENCE_MS (600 * 1000)

char *program_path(const char *name)
{
	char folder[PATH_MAX] = {0}, *slash;

	assert_true(readlink("/proc/self/exe", folder, sizeof folder - 1) > 0);
	while ((slash = strrchr(folder, '/')) != NULL) {
		char *path;

		*slash = '\0';
		path = mem_textf("%s/%s", folder, name);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

const char *program_folder(void)
{
	static char folder[PATH_MAX];
	SCOPED(mem_free) char *path = program_path("bin/service");

	if (!path)
		fail_msg("bin/service is missing: run make first");
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	return folder;
}

static void execute(const char *const *argv, struct program_fds fds)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", program_folder(), argv[0]);
	char *const *words = (char *const *)(uintptr_t)argv;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fds.in > 0)
		dup2(fds.in, STDIN_FILENO);
	if (fds.out > 0)
		dup2(fds.out, STDOUT_FILENO);
	if (fds.err > 0)
		dup2(fds.err, STDERR_FILENO);
	if (access(path, X_OK) == 0)
		execv(path, words);
	else
		execvp(argv[0], words);
	_exit(127);
}

void program_start(
	struct program *program, const char *const *argv, struct program_fds fds)
{
	*program = (struct program){.pid = fork()};
	assert_true(program->pid >= 0);
	if (program->pid == 0)
		execute(argv, fds);
	program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
	assert_true(program->pidfd >= 0);
}

bool program_ended(struct program *program)
{
	if (!program->ended)
		program->ended = waitpid(program->pid, &program->status, WNOHANG) ==
			program->pid;
	return program->ended;
}

static int wait_for(struct program *program, int patience_ms)
{
	struct pollfd wait = {.fd = program->pidfd, .events = POLLIN};
	int ready = 1;

	while (!program->ended && (ready = poll(&wait, 1, patience_ms)) < 0 &&
		errno == EINTR) /* a SIGCHLD */
		;
	if (ready == 0)
		fail_msg("process %d does not end", (int)program->pid);
	assert_true(program_ended(program));
	return program->status;
}

int program_wait(struct program *program)
{
	return wait_for(program, UNTIL_PATIENCE_S * 1000);
}

void program_kill(struct program *program)
{
	if (program->pid == 0)
		return;
	if (!program_ended(program))
		kill(program->pid, SIGKILL);
	program_wait(program);
	close(program->pidfd);
	program->pid = 0;
}

static char *read_all(int fd)
{
	struct stat stat;
	char *text;

	assert_int_equal(fstat(fd, &stat), 0);
	text = mem_zeroed((size_t)stat.st_size + 1);
	assert_int_equal(pread(fd, text, (size_t)stat.st_size, 0), stat.st_size);
	close(fd);
	return text;
}

int program_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct program_output program_run(const char *const *argv)
{
	struct program_fds fds = {
		0, memfd_create("out", MFD_CLOEXEC), memfd_create("err", MFD_CLOEXEC)};
	struct program_output output;
	struct program program;

	assert_true(fds.out > 0 && fds.err > 0);
	program_start(&program, argv, fds);
	output.code = program_code(wait_for(&program, RUN_PATIENCE_MS));
	output.out = read_all(fds.out);
	output.err = read_all(fds.err);
	program_kill(&program);
	return output;
}

void program_output_done(struct program_output *output)
{
	free(output->out);
	free(output->err);
}
