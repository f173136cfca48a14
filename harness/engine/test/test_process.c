#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/test/engine_fixture.h"
#include "harness/engine/test/scenes.h"
#include "lib/cc.h"

/* As in a container without privileges: clone(2) with CLONE_NEWPID gives EPERM. */
static void forbid_pid_namespaces(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWPID, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {COUNT(filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(10);
}

/* Exits with 0 when the engine refuses a program as PID 1 and runs one behind an
 * init. */
static NORETURN void try_without_namespaces(void)
{
	static const char *const argv[] = {"puppet", "term=0", NULL};
	struct err err = {0};
	struct engine_fixture *fixture;

	forbid_pid_namespaces();
	fixture = engine_fixture_open("process", &err);
	if (!fixture || fixture->engine->capabilities.pid1_rules)
		_exit(11);
	if (engine_fixture_try(fixture, &(struct engine_fixture_spec){0}, argv, &err))
		_exit(12);
	if (!strstr(err.text, "no PID namespace") ||
		!strstr(err.text, "--engine docker"))
		_exit(13);
	fixture->subject = engine_fixture_try(
		fixture, &(struct engine_fixture_spec){.init = true}, argv, &err);
	if (!fixture->subject)
		_exit(14);
	engine_fixture_close(fixture);
	_exit(0);
}

static void process_refuses_pid_1_without_a_namespace(void **state UNUSED)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		try_without_namespaces();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_refuses_pid_1_without_a_namespace),
	};

	return scenes_run("process", 1) +
		cmocka_run_group_tests_name("process alone", tests, NULL, NULL);
}
