#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "harness/engine/image_files.h"
#include "harness/engine/shared_libs.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/run_program.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"

struct image_files_scene {
	uv_loop_t loop;
	char *folder;
	struct image_files files;
};

static int set_up(void **state)
{
	struct image_files_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->folder = temp_dir_create();
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct image_files_scene *scene = *state;

	image_files_done(&scene->files);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	temp_dir_remove(scene->folder);
	free(scene);
	return 0;
}

static char *write_file(
	struct image_files_scene *scene, const char *name, const char *text)
{
	char *path = mem_textf("%s/%s", scene->folder, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void hash(struct image_files_scene *scene, char text[IMAGE_FILES_HASH_SIZE])
{
	struct err err = {0};

	if (!image_files_hash(&scene->files, text, &err))
		fail_msg("%s", err.text);
	assert_int_equal(strlen(text), IMAGE_FILES_HASH_SIZE - 1);
}

static void image_files_hash_changes_with_every_content(void **state)
{
	struct image_files_scene *scene = *state;
	SCOPED(mem_free) char *path = write_file(scene, "a", "one");
	char hashes[4][IMAGE_FILES_HASH_SIZE];

	image_files_add(&scene->files, "bin/a", path, NULL);
	hash(scene, hashes[0]);
	hash(scene, hashes[1]);
	assert_string_equal(hashes[0], hashes[1]);
	free(write_file(scene, "a", "two"));
	hash(scene, hashes[2]);
	assert_string_not_equal(hashes[0], hashes[2]);
	image_files_add(&scene->files, "etc/b", NULL, "");
	hash(scene, hashes[3]);
	assert_string_not_equal(hashes[2], hashes[3]);
}

static void image_files_hash_is_that_of_the_places_not_of_the_order(void **state)
{
	struct image_files_scene *scene = *state;
	struct image_files_scene other = {0};
	char one[IMAGE_FILES_HASH_SIZE], two[IMAGE_FILES_HASH_SIZE];

	image_files_add(&scene->files, "etc/b", NULL, "B");
	image_files_add(&scene->files, "etc/a", NULL, "A");
	image_files_add(&scene->files, "etc/a", NULL, "what is there already stays");
	image_files_add(&other.files, "etc/a", NULL, "A");
	image_files_add(&other.files, "etc/b", NULL, "B");
	hash(scene, one);
	hash(&other, two);
	image_files_done(&other.files);
	assert_string_equal(one, two);
	assert_int_equal(scene->files.count, 2);
}

static void image_files_names_a_file_that_is_missing(void **state)
{
	struct image_files_scene *scene = *state;
	struct err err = {0};
	char text[IMAGE_FILES_HASH_SIZE];

	image_files_add(&scene->files, "bin/a", "/nowhere/a", NULL);
	assert_false(image_files_hash(&scene->files, text, &err));
	assert_non_null(strstr(err.text, "/nowhere/a"));
}

static void list(struct image_files_scene *scene, const char *tar, struct buf *out)
{
	const char *const argv[] = {"tar", "-tvf", tar, NULL};
	struct err err = {0};

	if (!run_program(&scene->loop, argv, out, &err))
		fail_msg("%s", err.text);
}

static void image_files_is_written_as_a_tar_that_follows_links(void **state)
{
	struct image_files_scene *scene = *state;
	SCOPED(mem_free) char *tar = mem_textf("%s/image.tar", scene->folder);
	SCOPED(mem_free) char *path = write_file(scene, "a", "a program");
	SCOPED(mem_free) char *link = mem_textf("%s/link", scene->folder);
	SCOPED(buf_done) struct buf out = {0};
	struct err err = {0};
	mode_t before = umask(077);

	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(symlink(path, link), 0);
	image_files_add(&scene->files, "bin/tool", link, NULL);
	image_files_add(&scene->files, "etc/ssl/text", NULL, "text");
	if (!image_files_write(&scene->files, tar, &scene->loop, &err))
		fail_msg("%s", err.text);
	umask(before);
	list(scene, tar, &out);
	assert_non_null(strstr(buf_text(&out), "-rwxr-xr-x"));
	assert_non_null(strstr(buf_text(&out), "./bin/tool"));
	assert_non_null(strstr(buf_text(&out), "./etc/ssl/text"));
	assert_non_null(strstr(buf_text(&out), "drwxrwxrwt"));
	/* All users can enter the folders of the image. */
	assert_null(strstr(buf_text(&out), "drwx------"));
	assert_null(strstr(buf_text(&out), "->"));
}

static bool holds(const struct image_files *files, const char *end)
{
	for (unsigned i = 0; i < files->count; i++) {
		const char *at = strstr(files->files[i].inside, end);

		if (at && strlen(at) == strlen(end))
			return true;
	}
	return false;
}

/* "lib64/ld-linux-x86-64.so.2", "lib/ld-musl-aarch64.so.1" */
static bool holds_loader(const struct image_files *files)
{
	for (unsigned i = 0; i < files->count; i++) {
		const char *name = strrchr(files->files[i].inside, '/');

		if (name && strncmp(name, "/ld-", strlen("/ld-")) == 0)
			return true;
	}
	return false;
}

static void shared_libs_has_the_loader_and_the_libraries(void **state)
{
	struct image_files_scene *scene = *state;
	SCOPED(mem_free) char *me = program_path("test_image_files");
	struct err err = {0};

	if (!shared_libs_add(&scene->files, "bin/me", me, &scene->loop, &err))
		fail_msg("%s", err.text);
	assert_true(holds(&scene->files, "bin/me"));
	assert_true(holds_loader(&scene->files));
	assert_true(holds(&scene->files, "/libuv.so.1"));
	assert_true(holds(&scene->files, "/libcmocka.so.0"));
	for (unsigned i = 0; i < scene->files.count; i++)
		assert_int_equal(access(scene->files.files[i].source, R_OK), 0);
}

static void shared_libs_of_a_script_is_itself(void **state)
{
	struct image_files_scene *scene = *state;
	SCOPED(mem_free) char *path = write_file(scene, "script", "#!/bin/sh\n");
	struct err err = {0};

	assert_true(
		shared_libs_add(&scene->files, "bin/script", path, &scene->loop, &err));
	assert_int_equal(scene->files.count, 1);
}

static void shared_libs_names_what_is_missing(void **state)
{
	struct image_files_scene *scene = *state;
	struct err err = {0};

	assert_false(shared_libs_add(
		&scene->files, "bin/a", "/nowhere/a", &scene->loop, &err));
	assert_non_null(strstr(err.text, "/nowhere/a"));
}

static void run_program_reports_the_stderr_of_a_failure(void **state)
{
	static const char *const argv[] = {
		"sh", "-c", "echo out; echo why >&2; exit 3", NULL};
	struct image_files_scene *scene = *state;
	SCOPED(buf_done) struct buf out = {0};
	struct err err = {0};

	assert_false(run_program(&scene->loop, argv, &out, &err));
	assert_string_equal(err.text, "sh: why");
	assert_string_equal(buf_text(&out), "out\n");
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(image_files_hash_changes_with_every_content),
		SCENE(image_files_hash_is_that_of_the_places_not_of_the_order),
		SCENE(image_files_names_a_file_that_is_missing),
		SCENE(image_files_is_written_as_a_tar_that_follows_links),
		SCENE(shared_libs_has_the_loader_and_the_libraries),
		SCENE(shared_libs_of_a_script_is_itself),
		SCENE(shared_libs_names_what_is_missing),
		SCENE(run_program_reports_the_stderr_of_a_failure),
	};
#undef SCENE

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
