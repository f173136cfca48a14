#include "lib/spawner.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* For execvp(), which has the whole path and, for a script, the arguments on it. */
#define STACK_SIZE       ((size_t)64 << 10)
#define STACK_OF_ONE_ARG sizeof(char *)
#define EXIT_NOT_STARTED 127

/* The new process runs in our memory: it changes nothing there but `failed`. */
struct start {
	const struct spawner *spawner;
	const struct spawn *spawn;
	bool shares_files;
	int failed; /* errno, or 0 */
};

/* A library's sockets may lack CLOEXEC, and the peer of an inherited one would not see
 * that we closed it. */
static bool hide_descriptors(void)
{
	const struct dirent *entry;
	DIR *folder = opendir("/proc/self/fd");

	if (!folder)
		return false;
	while ((entry = readdir(folder))) {
		int fd = atoi(entry->d_name); /* 0 of "." and ".." */

		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(folder);
	return true;
}

/* Kernels before 5.9 have no close_range(), and some sandboxes forbid it. */
static bool has_close_range(void)
{
	return close_range(~0U, ~0U, 0) == 0;
}

/* The descriptors up to the slots become the new process's own, and stay until it has
 * taken those in the slots. */
static bool take_files(const struct start *start)
{
	const struct spawner *spawner = start->spawner;

	if (start->shares_files &&
		close_range((unsigned)spawner->top + 1, ~0U, CLOSE_RANGE_UNSHARE) != 0)
		return false;
	for (int fd = 0; fd < SPAWNER_FILES; fd++)
		if (dup2(spawner->slots[fd], fd) < 0)
			return false;
	return !start->shares_files || close_range(STDERR_FILENO + 1, ~0U, 0) == 0;
}

/* A handler of ours would run in our memory: all signals are blocked until none is left. */
static void reset_signals(void)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		sigaction(number, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Execution's options lack the const. */
__attribute__((no_sanitize("address", "undefined"))) static int run_program(void *arg)
{
	struct start *start = arg;
	const struct spawn *spawn = start->spawn;
	char **argv = (char **)(uintptr_t)spawn->argv;

	if (take_files(start) && (spawn->same_group || setsid() >= 0) &&
		(!spawn->folder || chdir(spawn->folder) == 0) &&
		(!spawn->dies_with_us || prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)) {
		reset_signals();
		execvp(argv[0], argv);
	}
	start->failed = errno;
	_exit(EXIT_NOT_STARTED);
}

/* The memory is shared until the new program runs, and so is `environ`. */
static pid_t clone_start(struct start *start)
{
	extern char **environ;
	const struct spawn *spawn = start->spawn;
	const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD |
		(start->shares_files ? CLONE_FILES : 0);
	char **environ_before = environ;
	sigset_t all, mask_before;
	size_t size = STACK_SIZE;
	char *stack;
	pid_t pid;

	for (const char *const *argument = spawn->argv; *argument; argument++)
		size += STACK_OF_ONE_ARG;
	size = (size + 15) & ~(size_t)15;
	stack = aligned_alloc(16, size);
	if (!stack)
		return -1;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask_before);
	if (spawn->env)
		environ = (char **)(uintptr_t)spawn->env;
	pid = clone(run_program, stack + size, flags, start);
	environ = environ_before;
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
	free(stack);
	return pid;
}

static bool fill_slots(const struct spawner *spawner, const int files[SPAWNER_FILES])
{
	for (int fd = 0; fd < SPAWNER_FILES; fd++) {
		int file = files[fd] >= 0    ? files[fd]
			: fd == STDIN_FILENO ? spawner->null
					     : fd;

		if (dup3(file, spawner->slots[fd], O_CLOEXEC) < 0)
			return false;
	}
	return true;
}

/* A pipe's end that stayed in a slot would keep the pipe open. */
static void empty_slots(const struct spawner *spawner)
{
	for (int fd = 0; fd < SPAWNER_FILES; fd++)
		dup3(spawner->null, spawner->slots[fd], O_CLOEXEC);
}

int spawner_start(struct spawner *spawner, const struct spawn *spawn, pid_t *pid)
{
	struct start start = {
		.spawner = spawner,
		.spawn = spawn,
		.shares_files = has_close_range(),
	};
	pid_t made = -1;
	int failed = 0;

	assert(spawn->argv[0] && spawner->ready);
	if ((start.shares_files || hide_descriptors()) &&
		fill_slots(spawner, spawn->files))
		made = clone_start(&start);
	if (made < 0)
		failed = errno;
	empty_slots(spawner);
	if (made < 0)
		return failed;
	if (start.failed) {
		while (waitpid(made, NULL, 0) < 0 && errno == EINTR)
			;
		return start.failed;
	}
	*pid = made;
	return 0;
}

bool spawner_init(struct spawner *spawner, struct err *err)
{
	spawner->ready = true;
	spawner->slots[0] = spawner->slots[1] = spawner->slots[2] = -1;
	spawner->null = spawner->top = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (spawner->null < 0)
		return err_sys(err, "open /dev/null");
	for (int fd = 0; fd < SPAWNER_FILES; fd++) {
		spawner->slots[fd] =
			fcntl(spawner->null, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (spawner->slots[fd] < 0)
			return err_sys(err, "reserve descriptors");
		if (spawner->slots[fd] > spawner->top)
			spawner->top = spawner->slots[fd];
	}
	return true;
}

void spawner_done(struct spawner *spawner)
{
	if (!spawner->ready)
		return;
	for (int fd = 0; fd < SPAWNER_FILES; fd++)
		if (spawner->slots[fd] >= 0)
			close(spawner->slots[fd]);
	if (spawner->null >= 0)
		close(spawner->null);
	*spawner = (struct spawner){0};
}
