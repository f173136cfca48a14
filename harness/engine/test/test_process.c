#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/test/engine_fixture.h"
#include "harness/engine/test/scenes.h"
#include "lib/cc.h"
#include "lib/mem.h"

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

/* The lines that the script prints with these options. */
static struct engine_fixture *run_script(
	const struct container_options *options, const char *script, struct err *err)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct engine_fixture *fixture = engine_fixture_open("process", err);

	assert_non_null(fixture);
	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.container = options}, argv, err);
	if (fixture->subject)
		engine_fixture_await_end(fixture);
	return fixture;
}

static void process_gives_what_needs_no_container(void **state UNUSED)
{
	SCOPED(strlist_done) struct strlist tmpfs = {0};
	char user[] = "1234:56", folder[] = "/usr";
	struct container_options options = {
		.user = user,
		.working_dir = folder,
		.read_only = true,
		.ulimits = {.item = {{"nofile", RLIMIT_NOFILE, 60, 70}}, .count = 1},
	};
	const gid_t ours = 7;
	struct engine_fixture *fixture;
	struct err err = {0};

	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(1, &ours), 0);
	strlist_add(&tmpfs, "/mnt:mode=1777");
	options.tmpfs = tmpfs;
	fixture = run_script(&options,
		"exec 2>&1; id -u; id -g; id -G; pwd; ulimit -Sn; ulimit -Hn; >/mnt/x && echo tmpfs; "
		">/tmp/stopbench-none && echo written; echo to null >/dev/null && echo null",
		&err);
	assert_int_equal(setgroups(0, NULL), 0);
	assert_non_null(fixture->subject);
	assert_string_equal(buf_text(&fixture->log),
		"1234\n56\n56\n/usr\n60\n70\ntmpfs\n"
		"sh: 1: cannot create /tmp/stopbench-none: Read-only file system\nnull\n");
	engine_fixture_close(fixture);
	assert_int_equal(access("/mnt/x", F_OK), -1);
}

static const struct {
	const char *user, *wrong;
} strangers[] = {
	{"nobody-of-this-name", "user: there is no user \"nobody-of-this-name\" here"},
	{"0:no-such-group", "user: there is no group \"no-such-group\" here"},
};

static void process_names_a_user_that_is_not_here(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(strangers); i++) {
		SCOPED(mem_free) char *user = mem_text(strangers[i].user);
		const struct container_options options = {.user = user};
		struct err err = {0};
		struct engine_fixture *fixture = run_script(&options, "true", &err);

		assert_null(fixture->subject);
		assert_non_null(strstr(err.text, strangers[i].wrong));
		engine_fixture_close(fixture);
	}
}

static void process_names_what_it_has_not_got(void **state UNUSED)
{
	const struct container_options options = {.mem_limit = 1 << 20};
	struct err err = {0};
	struct engine_fixture *fixture = run_script(&options, "true", &err);

	assert_null(fixture->subject);
	assert_string_equal(err.text,
		"the process engine has not got service.mem_limit: use --engine docker");
	engine_fixture_close(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_refuses_pid_1_without_a_namespace),
		cmocka_unit_test(process_gives_what_needs_no_container),
		cmocka_unit_test(process_names_a_user_that_is_not_here),
		cmocka_unit_test(process_names_what_it_has_not_got),
	};

	return scenes_run("process", 1) +
		cmocka_run_group_tests_name("process alone", tests, NULL, NULL);
}
