#include "bench/starts/methods.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/signals.h"

static bool open_nothing(struct err *err UNUSED)
{
	return true;
}

static void close_nothing(void)
{
}

void method_execute(const char *const *argv, const int files[SPAWNER_FILES], int report)
{
	int failed;

	setsid();
	for (int fd = 0; fd < SPAWNER_FILES; fd++)
		dup2(files[fd], fd);
	signal(SIGPIPE, SIG_DFL);
	signals_block_only(NULL);
	execv(argv[0], (char **)(uintptr_t)argv);
	failed = errno;
	if (write(report, &failed, sizeof failed) < 0)
		_exit(2);
	_exit(1);
}

/* The pipe closes when the program runs, or brings the errno: libuv waits so too. */
static int start_by_fork(
	const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid)
{
	int report[2], failed = 0;

	if (pipe2(report, O_CLOEXEC) != 0)
		return errno;
	*pid = fork();
	if (*pid == 0)
		method_execute(argv, files, report[1]);
	if (*pid < 0)
		failed = errno;
	close(report[1]);
	if (*pid > 0 && read(report[0], &failed, sizeof failed) > 0)
		waitpid(*pid, NULL, 0);
	close(report[0]);
	return failed;
}

static int start_by_posix_spawn(
	const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int failed;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < SPAWNER_FILES; fd++)
		posix_spawn_file_actions_adddup2(&actions, files[fd], fd);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	failed = posix_spawn(
		pid, argv[0], &actions, &attributes, (char **)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static struct spawner spawner;

static bool open_spawner(struct err *err)
{
	return spawner_init(&spawner, err);
}

static int start_by_spawner(
	const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid)
{
	const struct spawn spawn = {
		.argv = argv, .files = {files[0], files[1], files[2]}};

	return spawner_start(&spawner, &spawn, pid);
}

static void close_spawner(void)
{
	spawner_done(&spawner);
}

const struct method methods[METHODS] = {
	[METHOD_FORK] = {"fork", open_nothing, start_by_fork, close_nothing},
	[METHOD_POSIX_SPAWN] = {"posix_spawn", open_nothing, start_by_posix_spawn,
		close_nothing},
	[METHOD_VFORK] = {"vfork, files shared", open_spawner, start_by_spawner,
		close_spawner},
	[METHOD_ZYGOTE] = {"zygote", zygote_open, zygote_start, zygote_close},
};
