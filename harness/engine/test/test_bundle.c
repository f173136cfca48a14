#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "harness/engine/docker/bundle.h"
#include "harness/engine/docker/closure.h"
#include "harness/engine/docker/tool.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

struct scene {
	uv_loop_t loop;
	char *folder;
	struct bundle bundle;
};

static int set_up(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->folder = mem_text("/tmp/stopbench-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	*state = scene;
	return 0;
}

static int remove_one(
	const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	return remove(path);
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	bundle_done(&scene->bundle);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	nftw(scene->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(scene->folder);
	free(scene);
	return 0;
}

static char *write_file(struct scene *scene, const char *name, const char *text)
{
	char *path = mem_textf("%s/%s", scene->folder, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void hash(struct scene *scene, char text[BUNDLE_HASH_SIZE])
{
	struct err err = {0};

	if (!bundle_hash(&scene->bundle, text, &err))
		fail_msg("%s", err.text);
	assert_int_equal(strlen(text), BUNDLE_HASH_SIZE - 1);
}

static void bundle_hash_changes_with_every_content(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *path = write_file(scene, "a", "one");
	char hashes[4][BUNDLE_HASH_SIZE];

	bundle_add(&scene->bundle, "bin/a", path);
	hash(scene, hashes[0]);
	hash(scene, hashes[1]);
	assert_string_equal(hashes[0], hashes[1]);
	free(write_file(scene, "a", "two"));
	hash(scene, hashes[2]);
	assert_string_not_equal(hashes[0], hashes[2]);
	bundle_add_text(&scene->bundle, "etc/b", "");
	hash(scene, hashes[3]);
	assert_string_not_equal(hashes[2], hashes[3]);
}

static void bundle_hash_is_that_of_the_places_not_of_the_order(void **state)
{
	struct scene *scene = *state;
	struct scene other = {0};
	char one[BUNDLE_HASH_SIZE], two[BUNDLE_HASH_SIZE];

	bundle_add_text(&scene->bundle, "etc/b", "B");
	bundle_add_text(&scene->bundle, "etc/a", "A");
	bundle_add_text(&scene->bundle, "etc/a", "what is there already stays");
	bundle_add_text(&other.bundle, "etc/a", "A");
	bundle_add_text(&other.bundle, "etc/b", "B");
	hash(scene, one);
	hash(&other, two);
	bundle_done(&other.bundle);
	assert_string_equal(one, two);
	assert_int_equal(scene->bundle.count, 2);
}

static void bundle_names_a_file_that_is_missing(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};
	char text[BUNDLE_HASH_SIZE];

	bundle_add(&scene->bundle, "bin/a", "/nowhere/a");
	assert_false(bundle_hash(&scene->bundle, text, &err));
	assert_non_null(strstr(err.text, "/nowhere/a"));
}

static void list(struct scene *scene, const char *tar, struct buf *out)
{
	const char *const argv[] = {"tar", "-tvf", tar, NULL};
	struct err err = {0};

	if (!tool_run(&scene->loop, argv, out, &err))
		fail_msg("%s", err.text);
}

static void bundle_is_written_as_a_tar_that_follows_links(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *tar = mem_textf("%s/image.tar", scene->folder);
	SCOPED(mem_free) char *path = write_file(scene, "a", "a program");
	SCOPED(mem_free) char *link = mem_textf("%s/link", scene->folder);
	SCOPED(buf_done) struct buf out = {0};
	struct err err = {0};
	mode_t before = umask(077);

	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(symlink(path, link), 0);
	bundle_add(&scene->bundle, "bin/tool", link);
	bundle_add_text(&scene->bundle, "etc/ssl/text", "text");
	if (!bundle_write(&scene->bundle, tar, &scene->loop, &err))
		fail_msg("%s", err.text);
	umask(before);
	list(scene, tar, &out);
	assert_non_null(strstr(buf_text(&out), "-rwxr-xr-x"));
	assert_non_null(strstr(buf_text(&out), "./bin/tool"));
	assert_non_null(strstr(buf_text(&out), "./etc/ssl/text"));
	assert_non_null(strstr(buf_text(&out), "drwxrwxrwt"));
	/* Whoever runs in the image can pass through its folders. */
	assert_null(strstr(buf_text(&out), "drwx------"));
	assert_null(strstr(buf_text(&out), "->"));
}

static bool holds(const struct bundle *bundle, const char *end)
{
	for (unsigned i = 0; i < bundle->count; i++) {
		const char *at = strstr(bundle->files[i].inside, end);

		if (at && strlen(at) == strlen(end))
			return true;
	}
	return false;
}

/* "lib64/ld-linux-x86-64.so.2", "lib/ld-musl-aarch64.so.1" */
static bool holds_loader(const struct bundle *bundle)
{
	for (unsigned i = 0; i < bundle->count; i++) {
		const char *name = strrchr(bundle->files[i].inside, '/');

		if (name && strncmp(name, "/ld-", strlen("/ld-")) == 0)
			return true;
	}
	return false;
}

static void closure_has_the_loader_and_the_libraries(void **state)
{
	struct scene *scene = *state;
	char me[PATH_MAX] = {0};
	struct err err = {0};

	assert_true(readlink("/proc/self/exe", me, sizeof me - 1) > 0);
	if (!closure_add(&scene->bundle, "bin/me", me, &scene->loop, &err))
		fail_msg("%s", err.text);
	assert_true(holds(&scene->bundle, "bin/me"));
	assert_true(holds_loader(&scene->bundle));
	assert_true(holds(&scene->bundle, "/libuv.so.1"));
	assert_true(holds(&scene->bundle, "/libcmocka.so.0"));
	for (unsigned i = 0; i < scene->bundle.count; i++)
		assert_int_equal(access(scene->bundle.files[i].source, R_OK), 0);
}

static void closure_of_a_script_is_itself(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *path = write_file(scene, "script", "#!/bin/sh\n");
	struct err err = {0};

	assert_true(
		closure_add(&scene->bundle, "bin/script", path, &scene->loop, &err));
	assert_int_equal(scene->bundle.count, 1);
}

static void closure_names_what_is_missing(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};

	assert_false(
		closure_add(&scene->bundle, "bin/a", "/nowhere/a", &scene->loop, &err));
	assert_non_null(strstr(err.text, "/nowhere/a"));
}

static void tool_tells_what_was_said_on_stderr(void **state)
{
	static const char *const argv[] = {
		"sh", "-c", "echo out; echo why >&2; exit 3", NULL};
	struct scene *scene = *state;
	SCOPED(buf_done) struct buf out = {0};
	struct err err = {0};

	assert_false(tool_run(&scene->loop, argv, &out, &err));
	assert_string_equal(err.text, "sh: why");
	assert_string_equal(buf_text(&out), "out\n");
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(bundle_hash_changes_with_every_content),
		SCENE(bundle_hash_is_that_of_the_places_not_of_the_order),
		SCENE(bundle_names_a_file_that_is_missing),
		SCENE(bundle_is_written_as_a_tar_that_follows_links),
		SCENE(closure_has_the_loader_and_the_libraries),
		SCENE(closure_of_a_script_is_itself),
		SCENE(closure_names_what_is_missing),
		SCENE(tool_tells_what_was_said_on_stderr),
	};
#undef SCENE

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
