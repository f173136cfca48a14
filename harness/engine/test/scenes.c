#include "harness/engine/test/scenes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/test/engine_fixture.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define PLAIN                                                                          \
	&(struct engine_fixture_spec)                                                  \
	{                                                                              \
		0                                                                      \
	}
#define SHORT                                                                          \
	&(struct engine_fixture_spec)                                                  \
	{                                                                              \
		.grace_ns = 1 * CLOCK_S                                                \
	}

struct play {
	const char *engine;
	int required;
};

/* *state is the play at first, the fixture from then on. */
static int set_up(void **state)
{
	const struct play *play = *state;
	struct err err = {0};
	struct engine_fixture *fixture = engine_fixture_open(play->engine, &err);

	*state = fixture;
	if (fixture && !fixture->engine->capabilities.pid1_rules) {
		print_message("engine %s: no PID namespaces here\n", play->engine);
		engine_fixture_close(fixture);
		*state = NULL;
		return 0;
	}
	if (fixture)
		return 0;
	print_message("engine %s: %s\n", play->engine, err.text);
	return play->required ? -1 : 0;
}

static int tear_down(void **state)
{
	engine_fixture_close(*state);
	return 0;
}

static struct engine_fixture *engine_fixture_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* Skips where the kernel does not trace signals. */
static struct engine_fixture *traced_fixture_of(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);

	if (!fixture->engine->capabilities.signal_delivery)
		skip();
	return fixture;
}

static void assert_exited(const struct stop_facts *facts, int code)
{
	assert_int_equal(facts->exit_code, code);
	assert_false(facts->stuck);
	assert_int_not_equal(facts->exit_source, STAMP_NONE);
	if (facts->wait_status_known) {
		assert_true(WIFEXITED(facts->wait_status));
		assert_int_equal(WEXITSTATUS(facts->wait_status), code);
	}
}

static void assert_unkilled(const struct stop_facts *facts)
{
	assert_int_equal(facts->kill_source, STAMP_NONE);
	assert_false(facts->kill_by_engine);
	assert_int_equal(facts->kill_ns, 0);
}

static void engine_stops_what_handles_sigterm(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, PLAIN, "term=0", NULL);
	assert_true(fixture->subject->running);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_exited(facts, 0);
	assert_unkilled(facts);
	assert_false(facts->exited_before_stop);
	assert_false(facts->oom_flag);
	assert_int_equal(facts->stop_signal, SIGTERM);
	assert_true(facts->asked_ns > 0);
	assert_true(facts->signal_ns >= facts->asked_ns);
	assert_true(facts->returned_ns >= facts->exit_ns);
	assert_false(fixture->subject->running);
	assert_string_equal(facts->unobserved, "");
}

static void engine_sees_one_signal_delivered_traced(void **state)
{
	struct engine_fixture *fixture = traced_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, PLAIN, "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->signals_seen, 1);
	assert_int_equal(facts->signal_delivery, DELIVERY_DELIVERED);
	assert_int_equal(facts->signal_source, STAMP_KERNEL);
}

static void engine_kills_what_has_no_handler(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, SHORT, NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 137);
	assert_true(facts->kill_by_engine);
	assert_int_not_equal(facts->kill_source, STAMP_NONE);
	assert_true(facts->kill_ns - facts->signal_ns >= 1 * CLOCK_S - 50 * CLOCK_MS);
	assert_true(facts->exit_ns >= facts->kill_ns);
	if (facts->wait_status_known) {
		assert_true(WIFSIGNALED(facts->wait_status));
		assert_int_equal(WTERMSIG(facts->wait_status), SIGKILL);
	}
}

static void engine_sees_sigterm_ignored_without_a_handler_traced(void **state)
{
	struct engine_fixture *fixture = traced_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, SHORT, NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->signal_delivery, DELIVERY_IGNORED);
	assert_int_equal(facts->kill_source, STAMP_KERNEL);
	assert_string_not_equal(facts->kill_sender, "");
}

static void engine_kills_what_ignores_sigterm(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, SHORT, "term=ignore", NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 137);
	assert_true(facts->kill_by_engine);
}

static void engine_sees_sigterm_ignored_by_disposition_traced(void **state)
{
	struct engine_fixture *fixture = traced_fixture_of(state);

	engine_fixture_up(fixture, SHORT, "term=ignore", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_int_equal(
		engine_fixture_stop(fixture)->signal_delivery, DELIVERY_IGNORED);
}

static void engine_passes_the_exit_code_on(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);

	engine_fixture_up(fixture, PLAIN, "term=7", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_exited(engine_fixture_stop(fixture), 7);
}

static void engine_tells_exit_137_from_sigkill(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, PLAIN, "term=137", NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_exited(facts, 137);
	assert_unkilled(facts);
}

static void engine_measures_a_known_time(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;
	int64_t took_ns, error_ns;

	engine_fixture_up(fixture, PLAIN, "after=300", "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_exited(facts, 0);
	took_ns = facts->exit_ns - facts->signal_ns;
	error_ns = facts->exit_error_ns + facts->signal_error_ns;
	assert_true(took_ns + error_ns >= 300 * CLOCK_MS);
	assert_true(took_ns < 3 * CLOCK_S);
	if (facts->signal_source == STAMP_KERNEL && facts->exit_source == STAMP_KERNEL)
		assert_int_equal(error_ns, 0);
}

static void engine_stops_what_has_ended_already(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, PLAIN, "say=2", "end=3", NULL);
	engine_fixture_await_end(fixture);
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 3);
	assert_true(facts->exited_before_stop);
	assert_unkilled(facts);
	assert_int_equal(facts->signals_seen, 0);
	assert_true(engine_fixture_has_line(fixture, "line 2"));
}

static void engine_inspects_what_ended_by_itself(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "end=4", NULL);
	engine_fixture_await_end(fixture);
	assert_true(subject_inspect(fixture->subject, &err));
	assert_int_equal(fixture->subject->facts.exit_code, 4);
	assert_true(fixture->subject->facts.exited_before_stop);
}

static void engine_puts_an_init_in_front(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	engine_fixture_up(fixture, &(struct engine_fixture_spec){.init = true}, NULL);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 143);
	assert_unkilled(facts);
}

static void engine_delivers_sigterm_to_an_init_traced(void **state)
{
	struct engine_fixture *fixture = traced_fixture_of(state);

	engine_fixture_up(fixture, &(struct engine_fixture_spec){.init = true}, NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_int_equal(
		engine_fixture_stop(fixture)->signal_delivery, DELIVERY_DELIVERED);
}

static void engine_reads_the_whole_log_in_order(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const char *at;

	engine_fixture_up(fixture, PLAIN, "term=0", "say=20000", NULL);
	/* The last line has no end, and "ready" follows it. */
	engine_fixture_await_line(fixture, "line 20000ready");
	engine_fixture_stop(fixture);
	assert_int_equal(fixture->lines, 20000);
	at = buf_text(&fixture->log);
	for (long i = 1; i <= 19999; i++) {
		char *end;

		assert_int_equal(strncmp(at, "line ", 5), 0);
		assert_int_equal(strtol(at + 5, &end, 10), i);
		assert_int_equal(*end, '\n');
		at = end + 1;
	}
}

static void engine_reads_the_last_words_of_both_streams(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);

	engine_fixture_up(fixture, PLAIN, "split=100", "end=0", NULL);
	engine_fixture_await_end(fixture);
	engine_fixture_stop(fixture);
	assert_int_equal(fixture->lines, 100);
	assert_true(engine_fixture_has_line(fixture, "line 99"));
	assert_true(engine_fixture_has_line(fixture, "line 100"));
}

static void engine_gives_the_environment(void **state)
{
	static const char *const env[] = {"COLOUR=blue = green", "EMPTY=", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);

	setenv("STOPBENCH_TEST_LEAK", "1", 1);
	engine_fixture_up(fixture, &(struct engine_fixture_spec){.env = env},
		"env=COLOUR", "env=EMPTY", "env=STOPBENCH_TEST_LEAK", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(engine_fixture_has_line(fixture, "COLOUR=blue = green"));
	assert_true(engine_fixture_has_line(fixture, "EMPTY="));
	assert_true(engine_fixture_has_line(fixture, "STOPBENCH_TEST_LEAK=(unset)"));
}

static void engine_lets_a_subject_reach_the_ledger(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	char path[128], connect_to[160];
	int fd = engine_fixture_listen(fixture, path, sizeof path);

	snprintf(connect_to, sizeof connect_to, "connect=%s", path);
	engine_fixture_up(fixture, PLAIN, connect_to, NULL);
	engine_fixture_await_line(fixture, "connected");
	close(fd);
}

/* --- ports --- */

static int listen_on_loopback(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void engine_names_who_else_holds_a_port(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	SCOPED(mem_free) char *us = mem_textf("(pid %d)", (int)getpid());
	int port, fd = listen_on_loopback(&port);

	engine_fixture_up(fixture, PLAIN, NULL);
	assert_false(subject_owns_port(fixture->subject, port, &err));
	assert_non_null(strstr(err.text, us));
	assert_non_null(strstr(err.text, "not part of the subject"));
	close(fd);
	assert_true(subject_owns_port(fixture->subject, port, &err));
}

static void engine_knows_the_ports_of_a_subjects_children(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	const char *line;

	/* Behind an init the puppet is a child of PID 1. */
	engine_fixture_up(
		fixture, &(struct engine_fixture_spec){.init = true}, "listen=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	line = strstr(buf_text(&fixture->log), "port ");
	assert_non_null(line);
	if (!subject_owns_port(fixture->subject, (int)strtol(line + 5, NULL, 10), &err))
		fail_msg("%s", err.text);
}

/* A process that kills the victim and then waits, so that its name can be read. */
static pid_t start_killer(pid_t victim)
{
	pid_t killer = fork();

	if (killer != 0)
		return killer;
	prctl(PR_SET_NAME, "killer");
	kill(victim, SIGKILL);
	for (;;)
		pause();
}

static void end_killer(pid_t killer)
{
	kill(killer, SIGKILL);
	waitpid(killer, NULL, 0);
}

static void engine_is_not_blamed_for_the_kill_of_another_traced(void **state)
{
	struct engine_fixture *fixture = traced_fixture_of(state);
	const struct stop_facts *facts;
	struct err err = {0};
	pid_t killer;

	engine_fixture_up(fixture, PLAIN, "after=60000", "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(subject_stop(fixture->subject, &err));
	killer = start_killer(fixture->subject->pid);
	facts = engine_fixture_settle(fixture);
	end_killer(killer);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_source, STAMP_KERNEL);
	assert_false(facts->kill_by_engine);
	assert_string_equal(facts->kill_sender, "killer");
}

/* Processes of the PID namespace of pid. */
static unsigned count_inside(pid_t pid)
{
	char wanted[64], link[64];
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(folder);
	assert_true(proc_file_link(pid, "ns/pid", wanted, sizeof wanted));
	while ((entry = readdir(folder))) {
		pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);

		count += other > 0 &&
			proc_file_link(other, "ns/pid", link, sizeof link) &&
			strcmp(link, wanted) == 0;
	}
	closedir(folder);
	return count;
}

static void engine_starts_a_process_beside_pid_1(void **state)
{
	static const char *const argv[] = {"puppet", "env=COLOUR", NULL};
	static const char *const env[] = {"COLOUR=blue", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	engine_fixture_up(
		fixture, &(struct engine_fixture_spec){.env = env}, "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	for (unsigned i = 0; i < 2; i++)
		if (!subject_exec(fixture->subject, argv, &err))
			fail_msg("%s", err.text);
	if (fixture->subject->pid)
		assert_int_equal(count_inside(fixture->subject->pid), 3);
	assert_int_equal(engine_fixture_stop(fixture)->exit_code, 0);
	assert_false(engine_fixture_has_line(fixture, "COLOUR=blue"));
}

static void engine_says_what_it_cannot_start_beside_pid_1(void **state)
{
	static const char *const argv[] = {"no-such-program", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_false(subject_exec(fixture->subject, argv, &err));
	assert_non_null(strstr(err.text, "exec no-such-program: "));
}

static void engine_sends_a_further_signal(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=ignore", "quit=7", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(subject_stop(fixture->subject, &err));
	assert_true(subject_signal(fixture->subject, SIGQUIT, &err));
	facts = engine_fixture_settle(fixture);
	assert_int_equal(facts->exit_code, 7);
	assert_int_equal(facts->stop_signal, SIGTERM);
	assert_false(facts->kill_by_engine);
}

static void engine_takes_down_what_still_runs(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	pid_t pid;

	engine_fixture_up(fixture, PLAIN, "term=ignore", "child=3", NULL);
	engine_fixture_await_line(fixture, "ready");
	pid = fixture->subject->pid;
	subject_down(fixture->subject);
	fixture->subject = NULL;
	if (pid) {
		assert_int_equal(kill(pid, 0), -1);
		assert_int_equal(errno, ESRCH);
	}
}

static void engine_reports_a_crash(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;

	/* The kernel discards SIGABRT to a PID 1 without a handler, but not to the child
	 * of an init, which reports it. */
	engine_fixture_up(
		fixture, &(struct engine_fixture_spec){.init = true}, "raise=6", NULL);
	engine_fixture_await_end(fixture);
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 134);
	assert_true(facts->exited_before_stop);
}

static void engine_says_what_it_cannot_start(void **state)
{
	static const char *const argv[] = {"no-such-program", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "no-such-program"));
}

static void engine_refuses_a_signal_that_does_not_exist(void **state)
{
	static const char *const argv[] = {"puppet", NULL}, *const env[] = {NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_up(fixture->engine,
		&(struct subject_spec){
			.name = "service",
			.command = argv,
			.env = env,
			.run_folder = fixture->folder,
			.stop_signal = "SIGNOPE",
			.grace_ns = CLOCK_S,
		},
		&err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "SIGNOPE"));
}

int scenes_run(const char *engine, int required)
{
	struct play play = {engine, required};
#define SCENE(name)                                                                    \
	cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &play)
	const struct CMUnitTest scenes[] = {
		SCENE(engine_stops_what_handles_sigterm),
		SCENE(engine_sees_one_signal_delivered_traced),
		SCENE(engine_kills_what_has_no_handler),
		SCENE(engine_sees_sigterm_ignored_without_a_handler_traced),
		SCENE(engine_kills_what_ignores_sigterm),
		SCENE(engine_sees_sigterm_ignored_by_disposition_traced),
		SCENE(engine_passes_the_exit_code_on),
		SCENE(engine_tells_exit_137_from_sigkill),
		SCENE(engine_measures_a_known_time),
		SCENE(engine_stops_what_has_ended_already),
		SCENE(engine_inspects_what_ended_by_itself),
		SCENE(engine_puts_an_init_in_front),
		SCENE(engine_delivers_sigterm_to_an_init_traced),
		SCENE(engine_reads_the_whole_log_in_order),
		SCENE(engine_reads_the_last_words_of_both_streams),
		SCENE(engine_gives_the_environment),
		SCENE(engine_lets_a_subject_reach_the_ledger),
		SCENE(engine_names_who_else_holds_a_port),
		SCENE(engine_knows_the_ports_of_a_subjects_children),
		SCENE(engine_is_not_blamed_for_the_kill_of_another_traced),
		SCENE(engine_starts_a_process_beside_pid_1),
		SCENE(engine_says_what_it_cannot_start_beside_pid_1),
		SCENE(engine_sends_a_further_signal),
		SCENE(engine_takes_down_what_still_runs),
		SCENE(engine_reports_a_crash),
		SCENE(engine_says_what_it_cannot_start),
		SCENE(engine_refuses_a_signal_that_does_not_exist),
	};
#undef SCENE

	return cmocka_run_group_tests_name(engine, scenes, NULL, NULL);
}
