#include "lib/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "test/support/temp_dir.h"

struct fs_scene {
	char *folder, *path, *young;
};

static int open_scene(void **state)
{
	struct fs_scene *scene = mem_zeroed(sizeof *scene);

	scene->folder = temp_dir_create();
	scene->path = mem_textf("%s/a/b/file", scene->folder);
	scene->young = mem_textf("%s.new", scene->path);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct fs_scene *scene = *state;

	free(scene->path);
	free(scene->young);
	temp_dir_remove(scene->folder);
	free(scene);
	return 0;
}

static void put(const struct fs_scene *scene, const char *text)
{
	struct err err = {0};

	if (!fs_replace_file(scene->path, text, strlen(text), &err))
		fail_msg("%s", err.text);
}

static void assert_holds(const struct fs_scene *scene, const char *wanted)
{
	SCOPED(buf_done) struct buf text = {0};

	assert_true(fs_read_file(&text, scene->path));
	assert_string_equal(buf_text(&text), wanted);
	assert_int_equal(access(scene->young, F_OK), -1);
}

static void a_file_is_made_and_replaced_as_a_whole(void **state)
{
	struct fs_scene *scene = *state;

	put(scene, "a long first text");
	assert_holds(scene, "a long first text");
	put(scene, "short");
	assert_holds(scene, "short");
}

static void what_was_there_stays_when_the_new_text_does_not_fit(void **state)
{
	struct fs_scene *scene = *state;
	struct rlimit whole, four;
	struct err err = {0};

	put(scene, "old");
	getrlimit(RLIMIT_FSIZE, &whole);
	four = (struct rlimit){4, whole.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &four);
	assert_false(fs_replace_file(scene->path, "123456", 6, &err));
	setrlimit(RLIMIT_FSIZE, &whole);
	assert_non_null(strstr(err.text, "File too large"));
	assert_holds(scene, "old");
}

static void a_link_stays_a_link(void **state)
{
	struct fs_scene *scene = *state;
	SCOPED(mem_free) char *link = mem_textf("%s/link", scene->folder);
	struct stat found;
	struct err err;

	put(scene, "old");
	assert_int_equal(symlink("a/b/file", link), 0);
	assert_true(fs_replace_file(link, "new", 3, &err));
	assert_int_equal(lstat(link, &found), 0);
	assert_true(S_ISLNK(found.st_mode));
	assert_holds(scene, "new");
}

static void a_device_is_written_to_and_not_replaced(void **state UNUSED)
{
	struct stat found;
	struct err err = {0};

	assert_true(fs_check_replaceable("/dev/null", &err));
	assert_true(fs_replace_file("/dev/null", "x", 1, &err));
	assert_int_equal(stat("/dev/null", &found), 0);
	assert_true(S_ISCHR(found.st_mode));
	assert_false(fs_replace_file("/dev/full", "x", 1, &err));
	assert_string_equal(err.text, "write /dev/full: No space left on device");
}

static void a_path_is_checked_and_nothing_is_left_of_that(void **state)
{
	struct fs_scene *scene = *state;
	struct err err = {0};

	assert_true(fs_check_replaceable(scene->path, &err));
	assert_int_equal(access(scene->path, F_OK), -1);
	assert_int_equal(access(scene->young, F_OK), -1);
	put(scene, "old");
	assert_true(fs_check_replaceable(scene->path, &err));
	assert_holds(scene, "old");
}

static void a_path_that_cannot_be_written_is_told(void **state)
{
	struct fs_scene *scene = *state;
	SCOPED(mem_free) char *folder = mem_textf("%s: is a folder", scene->folder);
	struct err err = {0};

	assert_false(fs_check_replaceable(scene->folder, &err));
	assert_string_equal(err.text, folder);
	assert_false(fs_check_replaceable("/dev/null/x", &err));
	assert_string_equal(err.text, "/dev/null: is no folder");
	assert_false(fs_check_replaceable("/proc/x", &err));
	assert_memory_equal(err.text, "/proc/x: ", 9);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SCENE(a_file_is_made_and_replaced_as_a_whole),
		SCENE(what_was_there_stays_when_the_new_text_does_not_fit),
		SCENE(a_link_stays_a_link),
		SCENE(a_device_is_written_to_and_not_replaced),
		SCENE(a_path_is_checked_and_nothing_is_left_of_that),
		SCENE(a_path_that_cannot_be_written_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
