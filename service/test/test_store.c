#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "service/store.h"
#include "test/support/temp_dir.h"

struct store_scene {
	char *folder;
	char path[64];
	struct store *store;
	struct err err;
};

static int build(void **state)
{
	struct store_scene *scene = mem_zeroed(sizeof *scene);

	scene->folder = temp_dir_create();
	snprintf(scene->path, sizeof scene->path, "%s/store.db", scene->folder);
	scene->store = store_open(scene->path, &scene->err);
	*state = scene;
	return scene->store ? 0 : -1;
}

static int raze(void **state)
{
	struct store_scene *scene = *state;

	store_close(scene->store);
	temp_dir_remove(scene->folder);
	free(scene);
	return 0;
}

static void open_again(struct store_scene *scene)
{
	store_close(scene->store);
	scene->store = store_open(scene->path, &scene->err);
	assert_non_null(scene->store);
}

static void expect_session(struct store_scene *scene, const char *room, const char *bot,
	const char *expected)
{
	char *id = NULL;

	assert_true(store_find_session(scene->store, room, bot, &id, &scene->err));
	if (expected)
		assert_string_equal(id, expected);
	else
		assert_null(id);
	free(id);
}

static void save(struct store_scene *scene, const char *room, const char *bot,
	const char *id, bool interrupted)
{
	assert_true(store_save_session(
		scene->store, room, bot, id, interrupted, &scene->err));
}

static void store_keeps_sessions_by_room_and_bot(void **state)
{
	struct store_scene *scene = *state;

	expect_session(scene, "1", "ann", NULL);
	save(scene, "1", "ann", "sesn_1", false);
	save(scene, "1", "bob", "sesn_2", false);
	save(scene, "2", "ann", "sesn_3", false);
	save(scene, "2", "ann", "sesn_4", false);
	expect_session(scene, "1", "ann", "sesn_1");
	expect_session(scene, "1", "bob", "sesn_2");
	expect_session(scene, "2", "ann", "sesn_4");
	expect_session(scene, "2", "bob", NULL);
}

static void store_outlives_the_process(void **state)
{
	struct store_scene *scene = *state;

	save(scene, "1", "ann", "sesn_1", true);
	open_again(scene);
	expect_session(scene, "1", "ann", "sesn_1");
}

static void store_forgets_only_the_session_that_is_meant(void **state)
{
	struct store_scene *scene = *state;

	save(scene, "1", "ann", "sesn_2", false);
	assert_true(
		store_forget_session(scene->store, "1", "ann", "sesn_1", &scene->err));
	expect_session(scene, "1", "ann", "sesn_2");
	assert_true(
		store_forget_session(scene->store, "1", "ann", "sesn_2", &scene->err));
	expect_session(scene, "1", "ann", NULL);
}

static void store_counts_what_was_cut_short(void **state)
{
	struct store_scene *scene = *state;
	struct store_census census;

	save(scene, "1", "ann", "sesn_1", true);
	save(scene, "2", "ann", "sesn_2", true);
	save(scene, "2", "ann", "sesn_2", false);
	assert_true(store_count_sessions(scene->store, &census, &scene->err));
	assert_int_equal(census.sessions, 2);
	assert_int_equal(census.interrupted, 1);
}

static void store_knows_tools_by_the_servers_fingerprint(void **state)
{
	struct store_scene *scene = *state;
	const uint64_t high = UINT64_C(0xfedcba9876543210);
	char *list = NULL;

	assert_true(store_save_tools(
		scene->store, "skills", high, "[{\"name\":\"a\"}]", &scene->err));
	open_again(scene);
	assert_true(store_find_tools(scene->store, high, &list, &scene->err));
	assert_string_equal(list, "[{\"name\":\"a\"}]");
	free(list);
	assert_true(store_save_tools(scene->store, "skills", 7, "[]", &scene->err));
	assert_true(store_find_tools(scene->store, high, &list, &scene->err));
	assert_null(list); /* the server is another one now */
}

static void expect_stop(struct store_scene *scene, const struct stop_stats *expected)
{
	struct stop_stats found;
	bool known = false;

	assert_true(store_find_stop(scene->store, &found, &known, &scene->err));
	assert_true(known);
	assert_int_equal(found.unfinished, expected->unfinished);
	assert_int_equal(found.took_ns, expected->took_ns);
	assert_int_equal(found.sessions, expected->sessions);
	assert_int_equal(found.failed, expected->failed);
	assert_int_equal(found.killed, expected->killed);
	assert_int_equal(found.eof, expected->eof);
	assert_int_equal(found.term, expected->term);
	assert_int_equal(found.kill, expected->kill);
}

static void store_remembers_the_last_stop(void **state)
{
	struct store_scene *scene = *state;
	struct stop_stats stop = {.took_ns = INT64_C(4510000000), .sessions = 3}, found;
	bool known = true;

	assert_true(store_find_stop(scene->store, &found, &known, &scene->err));
	assert_false(known);
	assert_true(store_save_stop(scene->store, &stop, &scene->err));
	stop = (struct stop_stats){.took_ns = 1,
		.sessions = 2,
		.failed = 3,
		.killed = 4,
		.eof = 5,
		.term = 6,
		.kill = 7};
	assert_true(store_save_stop(scene->store, &stop, &scene->err));
	open_again(scene);
	expect_stop(scene, &stop);
	stop = (struct stop_stats){.unfinished = true};
	assert_true(store_save_stop(scene->store, &stop, &scene->err));
	expect_stop(scene, &stop);
}

static void store_takes_over_what_the_first_version_wrote(void **state)
{
	static const char first[] =
		"DROP TABLE things; DROP TABLE last_stop; CREATE TABLE last_stop (one INTEGER PRIMARY KEY"
		" CHECK (one = 1), at INTEGER NOT NULL, took_ns INTEGER NOT NULL,"
		" sessions INTEGER NOT NULL, failed INTEGER NOT NULL,"
		" killed INTEGER NOT NULL); INSERT INTO last_stop VALUES"
		" (1, 0, 77, 3, 0, 2); PRAGMA user_version = 1";
	struct store_scene *scene = *state;
	sqlite3 *db;

	save(scene, "1", "ann", "sesn_1", false);
	assert_int_equal(sqlite3_open(scene->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, first, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	open_again(scene);
	expect_session(scene, "1", "ann", "sesn_1");
	expect_stop(
		scene, &(struct stop_stats){.took_ns = 77, .sessions = 3, .killed = 2});
}

static void store_is_one_file_after_a_flush(void **state)
{
	struct store_scene *scene = *state;
	char wal[80];
	struct stat stat_of_wal;

	save(scene, "1", "ann", "sesn_1", false);
	snprintf(wal, sizeof wal, "%s-wal", scene->path);
	assert_int_equal(stat(wal, &stat_of_wal), 0);
	assert_true(stat_of_wal.st_size > 0);
	assert_true(store_flush(scene->store, &scene->err));
	assert_int_equal(stat(wal, &stat_of_wal), 0);
	assert_int_equal(stat_of_wal.st_size, 0);
}

static void lock(struct store_scene *scene, sqlite3 **other)
{
	assert_int_equal(sqlite3_open(scene->path, other), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(*other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

/* How long this many calls take in vain. */
static int64_t wait_in_vain_ns(struct store_scene *scene, unsigned calls)
{
	int64_t began_ns = clock_now();

	while (calls-- > 0)
		assert_false(store_save_session(
			scene->store, "1", "ann", "sesn_1", false, &scene->err));
	assert_non_null(strstr(scene->err.text, "locked"));
	return clock_now() - began_ns;
}

static void store_waits_only_once_for_another_writer(void **state)
{
	struct store_scene *scene = *state;
	sqlite3 *other;

	lock(scene, &other);
	assert_true(wait_in_vain_ns(scene, 1) >= 200 * CLOCK_MS);
	assert_true(wait_in_vain_ns(scene, 20) < 200 * CLOCK_MS);
	sqlite3_close(other);
	save(scene, "1", "ann", "sesn_1", false);
	lock(scene, &other);
	assert_true(wait_in_vain_ns(scene, 1) >= 200 * CLOCK_MS);
	sqlite3_close(other);
	save(scene, "1", "ann", "sesn_1", false);
	store_set_patience(scene->store, 0);
	lock(scene, &other);
	assert_true(wait_in_vain_ns(scene, 1) < 200 * CLOCK_MS);
	sqlite3_close(other);
}

/* As after SIGKILL: the log was never written back, nobody closed anything. */
static void store_reads_what_a_killed_process_has_left(void **state)
{
	struct store_scene *scene = *state;
	struct store *second;

	save(scene, "1", "ann", "sesn_1", false);
	second = store_open(scene->path, &scene->err);
	assert_non_null(second);
	store_close(scene->store);
	scene->store = second;
	expect_session(scene, "1", "ann", "sesn_1");
}

static void store_names_the_file_that_it_cannot_use(void **state)
{
	struct store_scene *scene = *state;
	char path[80];
	int fd;

	snprintf(path, sizeof path, "%s/missing/store.db", scene->folder);
	assert_null(store_open(path, &scene->err));
	assert_non_null(strstr(scene->err.text, path));

	snprintf(path, sizeof path, "%s/garbage", scene->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 100; i++)
		assert_true(write(fd, "this is no database ", 20) == 20);
	close(fd);
	assert_null(store_open(path, &scene->err));
	assert_non_null(strstr(scene->err.text, path));
	unlink(path);
}

static void expect_thing(
	struct store_scene *scene, const char *name, const char *expected)
{
	char *id = NULL;

	assert_true(store_find_thing(scene->store, name, &id, &scene->err));
	if (expected)
		assert_string_equal(id, expected);
	else
		assert_null(id);
	free(id);
}

static void store_keeps_what_the_api_calls_our_things(void **state)
{
	struct store_scene *scene = *state;

	expect_thing(scene, "agent", NULL);
	assert_true(store_save_thing(scene->store, "agent", "agent_1", &scene->err));
	assert_true(store_save_thing(scene->store, "agent", "agent_2", &scene->err));
	open_again(scene);
	expect_thing(scene, "agent", "agent_2");
	expect_thing(scene, "environment", NULL);
	assert_true(store_save_thing(scene->store, "agent", NULL, &scene->err));
	expect_thing(scene, "agent", NULL);
}

static void store_leaves_what_a_newer_version_wrote_alone(void **state)
{
	struct store_scene *scene = *state;
	sqlite3 *db;

	store_close(scene->store);
	scene->store = NULL;
	assert_int_equal(sqlite3_open(scene->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_null(store_open(scene->path, &scene->err));
	assert_non_null(strstr(scene->err.text, "newer version"));
}

static void store_lives_in_memory_as_well(UNUSED void **state)
{
	struct err err = {0};
	struct store *store = store_open(":memory:", &err);
	char *id = NULL;

	assert_non_null(store);
	assert_true(store_save_session(store, "1", "ann", "sesn_1", false, &err));
	assert_true(store_find_session(store, "1", "ann", &id, &err));
	assert_string_equal(id, "sesn_1");
	free(id);
	assert_true(store_flush(store, &err));
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			store_keeps_sessions_by_room_and_bot, build, raze),
		cmocka_unit_test_setup_teardown(
			store_outlives_the_process, build, raze),
		cmocka_unit_test_setup_teardown(
			store_forgets_only_the_session_that_is_meant, build, raze),
		cmocka_unit_test_setup_teardown(
			store_counts_what_was_cut_short, build, raze),
		cmocka_unit_test_setup_teardown(
			store_knows_tools_by_the_servers_fingerprint, build, raze),
		cmocka_unit_test_setup_teardown(
			store_remembers_the_last_stop, build, raze),
		cmocka_unit_test_setup_teardown(
			store_takes_over_what_the_first_version_wrote, build, raze),
		cmocka_unit_test_setup_teardown(
			store_is_one_file_after_a_flush, build, raze),
		cmocka_unit_test_setup_teardown(
			store_reads_what_a_killed_process_has_left, build, raze),
		cmocka_unit_test_setup_teardown(
			store_waits_only_once_for_another_writer, build, raze),
		cmocka_unit_test_setup_teardown(
			store_names_the_file_that_it_cannot_use, build, raze),
		cmocka_unit_test_setup_teardown(
			store_keeps_what_the_api_calls_our_things, build, raze),
		cmocka_unit_test_setup_teardown(
			store_leaves_what_a_newer_version_wrote_alone, build, raze),
		cmocka_unit_test(store_lives_in_memory_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
