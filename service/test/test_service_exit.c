/*
 * The exit code of the service where something is in the way of a clean exit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "service/test/shot.h"
#include "service/test/world.h"

static int build(void **state)
{
	*state = world_create();
	return 0;
}

static int raze(void **state)
{
	world_destroy(*state);
	return 0;
}

static bool has_exited(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
		info.si_pid == pid;
}

/* Signals at every moment from the first to the exit. */
static void service_decides_its_exit_code_however_late_a_signal_comes(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct world *world = *state;

	world_start_agent(world, NULL);
	for (int i = 0; i < 12; i++) {
		world_start(world);
		for (int n = 0; !has_exited(world_pid(world)); n++)
			world_signal(world, signals[(i + n) % COUNT(signals)]);
		assert_int_equal(world_exit(world), 0);
	}
}

static void service_stops_at_every_stop_signal(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct world *world = *state;

	world_start_agent(world, NULL);
	for (unsigned i = 0; i < COUNT(signals); i++) {
		world_start(world);
		world_signal(world, signals[i]);
		assert_int_equal(world_exit(world), 0);
		assert_int_equal(json_int(world_event(world, "shutdown.begin", i + 1),
					 "signal", 0),
			signals[i]);
	}
}

static void service_exits_with_1_when_its_store_was_not_written(void **state)
{
	struct world *world = *state;
	const cJSON *complete;
	sqlite3 *store;

	world_set(world, "STORE=%s", world_store(world));
	world_start_agent(world, NULL);
	world_start(world);
	assert_int_equal(sqlite3_open(world_store(world), &store), SQLITE_OK);
	assert_int_equal(sqlite3_exec(store, "DROP TABLE last_stop", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(store);
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 1);
	complete = world_event(world, "shutdown.complete", 1);
	assert_int_equal(json_int(complete, "exit_code", 0), 1);
	assert_string_equal(json_text(complete, "store"), "failed");
	assert_int_equal(json_int(complete, "failed", -1), 0);
	assert_int_equal(world_count(world, "store.failed"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_decides_its_exit_code_however_late_a_signal_comes,
			build, raze),
		cmocka_unit_test_setup_teardown(
			service_stops_at_every_stop_signal, build, raze),
		cmocka_unit_test_setup_teardown(
			service_exits_with_1_when_its_store_was_not_written, build,
			raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
