#include "lib/fd_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own, because a hard limit cannot be raised again. */
static unsigned raise_with(rlim_t soft, rlim_t hard)
{
	struct err err = {0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		unsigned limit;

		setrlimit(RLIMIT_NOFILE, &(struct rlimit){soft, hard});
		limit = fd_limit_raise(&err);
		_exit((int)limit + (limit == 0 && strstr(err.text, "RLIMIT_NOFILE")));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (unsigned)WEXITSTATUS(status);
}

static void fd_limit_becomes_the_hard_one(void **state UNUSED)
{
	assert_int_equal(raise_with(40, 60), 60);
	assert_int_equal(raise_with(FD_LIMIT_LEAST, FD_LIMIT_LEAST), FD_LIMIT_LEAST);
}

static void fd_limit_too_low_for_libuv_is_an_error(void **state UNUSED)
{
	assert_int_equal(raise_with(8, FD_LIMIT_LEAST - 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fd_limit_becomes_the_hard_one),
		cmocka_unit_test(fd_limit_too_low_for_libuv_is_an_error),
	};

	return cmocka_run_group_tests_name("fd_limit", tests, NULL, NULL);
}
