#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/spawner.h"

#define MANY 300

/* ls has the folder itself as its fourth. */
static const char *const list_files[] = {"ls", "/proc/self/fd", NULL};
#define ONLY_ITS_OWN "0\n1\n2\n3\n"

/* What the program prints until its end. */
static void run(struct spawner *spawner, const char *const *argv, struct buf *out)
{
	char piece[4096];
	int fds[2];
	ssize_t len;
	pid_t pid;

	assert_int_equal(pipe(fds), 0); /* without CLOEXEC, like an older library's */
	assert_int_equal(
		spawner_start(spawner,
			&(struct spawn){.argv = argv, .files = {-1, fds[1], -1}}, &pid),
		0);
	close(fds[1]);
	while ((len = read(fds[0], piece, sizeof piece)) > 0)
		buf_add(out, piece, (size_t)len);
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void open_many(int files[MANY])
{
	for (int i = 0; i < MANY; i++) {
		files[i] = open("/dev/null", O_RDONLY);
		assert_true(files[i] >= 0);
	}
}

static void spawner_gives_no_other_descriptor(void **state UNUSED)
{
	SCOPED(buf_done) struct buf out = {0};
	struct spawner spawner = {0};
	struct err err = {0};
	int files[MANY], early = open("/dev/null", O_RDONLY);

	assert_true(early >= 0);
	assert_true(spawner_init(&spawner, &err));
	open_many(files);
	run(&spawner, list_files, &out);
	assert_string_equal(buf_text(&out), ONLY_ITS_OWN);
	assert_int_equal(close(early), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(close(files[i]), 0); /* ours are still open */
	spawner_done(&spawner);
}

/* The middle process starts one that lives for a minute, and ends. */
static void spawner_program_dies_with_us(void **state UNUSED)
{
	static const char *const sleeps[] = {"sleep", "60", NULL};
	char piece;
	int fds[2];
	pid_t middle;

	assert_int_equal(pipe(fds), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct spawner spawner = {0};
		struct err err = {0};
		pid_t pid;

		if (!spawner_init(&spawner, &err) ||
			spawner_start(&spawner,
				&(struct spawn){.argv = sleeps,
					.files = {-1, fds[1], -1},
					.dies_with_us = true},
				&pid) != 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	/* The end of the last process that has the other end. */
	assert_int_equal(read(fds[0], &piece, 1), 0);
	close(fds[0]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
}

/* As an old kernel, or a sandbox. */
static void forbid_close_range(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {COUNT(steps), steps};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
	assert_int_equal(close_range(~0U, ~0U, 0), -1);
}

static void spawner_does_without_close_range(void **state UNUSED)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct spawner spawner = {0};
		struct buf out = {0};
		struct err err = {0};
		int files[MANY];

		forbid_close_range();
		assert_true(spawner_init(&spawner, &err));
		open_many(files);
		run(&spawner, list_files, &out);
		_exit(strcmp(buf_text(&out), ONLY_ITS_OWN) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void spawner_leaves_nothing_of_what_does_not_start(void **state UNUSED)
{
	static const char *const argv[] = {"/no/such/program", NULL};
	struct spawner spawner = {0};
	struct err err = {0};
	pid_t pid = 0;

	assert_true(spawner_init(&spawner, &err));
	assert_int_equal(
		spawner_start(&spawner,
			&(struct spawn){.argv = argv, .files = {-1, -1, -1}}, &pid),
		ENOENT);
	assert_int_equal(pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	spawner_done(&spawner);
}

/* As execvp() has it, with all arguments. */
static void spawner_runs_a_script_without_a_first_line(void **state UNUSED)
{
	char path[] = "/tmp/spawner-XXXXXX";
	const char *const argv[] = {path, "one", "two", NULL};
	SCOPED(buf_done) struct buf out = {0};
	struct spawner spawner = {0};
	struct err err = {0};
	int file = mkstemp(path);

	assert_true(file >= 0);
	assert_int_equal(write(file, "echo $1 $2\n", 11), 11);
	assert_int_equal(fchmod(file, 0700), 0);
	close(file);
	assert_true(spawner_init(&spawner, &err));
	run(&spawner, argv, &out);
	assert_string_equal(buf_text(&out), "one two\n");
	spawner_done(&spawner);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawner_gives_no_other_descriptor),
		cmocka_unit_test(spawner_program_dies_with_us),
		cmocka_unit_test(spawner_does_without_close_range),
		cmocka_unit_test(spawner_leaves_nothing_of_what_does_not_start),
		cmocka_unit_test(spawner_runs_a_script_without_a_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
