#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/oom.h"
#include "lib/cc.h"
#include "lib/mem.h"

#define LIMIT "16777216"
#define EATEN ((size_t)256 << 20)

static bool write_to(const char *folder, const char *name, const char *text)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A memory cgroup of version 1 or 2 with a small limit; NULL when there can be none. */
static char *make_cgroup(void)
{
	static const struct {
		const char *parent, *limit, *swap;
	} versions[] = {
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
			"memory.memsw.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max"},
	};

	for (size_t i = 0; i < COUNT(versions); i++) {
		char *folder = mem_textf(
			"%s/stopbench-test-%d", versions[i].parent, (int)getpid());

		if (mkdir(folder, 0755) == 0 &&
			write_to(folder, versions[i].limit, LIMIT)) {
			write_to(folder, versions[i].swap, i == 0 ? LIMIT : "0");
			return folder;
		}
		rmdir(folder);
		free(folder);
	}
	return NULL;
}

static void eat(void)
{
	char *memory = malloc(EATEN);

	for (size_t i = 0; memory && i < EATEN; i += 4096)
		((volatile char *)memory)[i] = 1;
	_exit(0);
}

/* The child is in its cgroup first, and uses memory when a byte arrives. */
static pid_t start_eater(const char *cgroup, int go)
{
	char text[16], byte;
	pid_t pid = fork();

	if (pid == 0) {
		if (read(go, &byte, 1) == 1)
			eat();
		_exit(99);
	}
	snprintf(text, sizeof text, "%d", (int)pid);
	assert_true(write_to(cgroup, "cgroup.procs", text));
	return pid;
}

static void oom_counts_the_kills_of_a_cgroup(void **state UNUSED)
{
	SCOPED(mem_free) char *cgroup = make_cgroup();
	int fd;
	int go[2], status;
	pid_t pid;

	if (!cgroup) {
		print_message("no memory cgroup can be made here\n");
		skip();
	}
	assert_int_equal(pipe(go), 0);
	pid = start_eater(cgroup, go[0]);
	fd = oom_open(pid);
	assert_int_equal(oom_kills(fd), 0);
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(oom_kills(fd), 1);
	assert_int_equal(rmdir(cgroup), 0);
	/* A removed cgroup gives "not known", not 0. */
	assert_int_equal(oom_kills(fd), -1);
	close(fd);
	close(go[0]);
	close(go[1]);
}

static void oom_of_an_ended_process_is_not_known(void **state UNUSED)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(oom_open(pid), -1);
	assert_int_equal(oom_kills(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oom_counts_the_kills_of_a_cgroup),
		cmocka_unit_test(oom_of_an_ended_process_is_not_known),
	};

	return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
