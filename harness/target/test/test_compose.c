/*
 * What `stopbench stop --compose` finds: a project's containers, and their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/target/compose_file.h"
#include "harness/target/compose_project.h"
#include "lib/fs.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

/* "db redis" */
static char *needs_text(const char *text, const char *service)
{
	SCOPED(strlist_done) struct strlist needs = {0};
	struct buf joined = {0};

	compose_file_needs(text, service, &needs);
	for (unsigned i = 0; i < needs.count; i++)
		buf_addf(&joined, "%s%s", i ? " " : "", needs.item[i]);
	return joined.len ? buf_take(&joined) : mem_text("");
}

#define WEB "services:\n  web:\n"

static void compose_file_says_what_a_service_needs(void **state UNUSED)
{
	static const struct {
		const char *text, *needs, *why;
	} rows[] = {
		{WEB "    depends_on:\n      - db\n      - \"redis\"\n", "db redis",
			"a list, quoted or not"},
		{WEB "    depends_on:\n    - db\n    image: x\n", "db",
			"a list as deep as its key"},
		{WEB "    depends_on: [db, 'redis']\n", "db redis", "a flow list"},
		{WEB "    depends_on: [db,\n      redis]\n    image: x\n", "db redis",
			"over two lines"},
		{WEB "    depends_on:\n      db:\n        condition: service_healthy\n"
		     "      redis: {condition: service_started}\n",
			"db redis", "a mapping"},
		{WEB "    depends_on: {db: {condition: x, required: true}, redis: {}}\n",
			"db redis", "a flow mapping"},
		{WEB "    links:\n      - db:database\n", "db", "a link with an alias"},
		{WEB "    network_mode: \"service:vpn\"\n", "vpn",
			"a shared namespace"},
		{WEB "    network_mode: host\n", "", "the host's is nobody's"},
		{WEB "    volumes_from:\n      - data:ro\n", "data", "volumes"},
		{WEB "    environment:\n      depends_on: db\n      links: db\n", "",
			"a variable of that name"},
		{WEB "    image: x # depends_on: [db]\n    # depends_on: [db]\n", "",
			"a comment"},
		{WEB "# note: less\n    depends_on: # all\n      - db # not: redis\n",
			"db", "comments beside and between"},
		{WEB "    command: [\"a\n    depends_on: [db]\n", "",
			"a list that is never closed swallows what follows"},
		{"x-a:\n  web:\n    depends_on: [no]\nservices:\n  db:\n    image: x\n"
		 "\n  web:\r\n    depends_on: [db]\r\nvolumes:\n  web:\n"
		 "    depends_on: [no]\n",
			"db", "of services, not of another part"},
		{"services:\n  db:\n    depends_on: [web]\n", "", "of another service"},
		{"services:\n  web: {depends_on: [db]}\n", "",
			"a whole service in flow style is not read"},
		{"", "", "an empty file"},
		{":\n- :\n[\n{\n\"\n", "", "not a compose file"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *needs = needs_text(rows[i].text, "web");

		if (strcmp(needs, rows[i].needs) != 0)
			fail_msg("%s: wanted \"%s\", got \"%s\"", rows[i].why,
				rows[i].needs, needs);
	}
}

static void compose_file_has_a_name_at_its_top(void **state UNUSED)
{
	SCOPED(mem_free) char *named = compose_file_name("# x\nname: \"shop\"\n" WEB);
	SCOPED(mem_free) char *none = compose_file_name(WEB "    name: shop\n");

	assert_string_equal(named, "shop");
	assert_null(none);
}

/* --- projects --- */

struct scene {
	char *root, *folder, *file;
	cJSON *listed;
	struct compose_project project;
};

static int set_up(void **state)
{
	static const char text[] = WEB
		"    depends_on: [api]\n  api:\n    depends_on: [db]\n  db:\n    image: x\n";
	struct scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	scene->root = temp_dir_create();
	scene->folder = mem_textf("%s/My.Shop", scene->root);
	scene->file = mem_textf("%s/compose.yml", scene->folder);
	scene->listed = cJSON_CreateArray();
	unsetenv("COMPOSE_PROJECT_NAME");
	*state = scene;
	return fs_write_file(scene->file, text, strlen(text), &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	compose_project_done(&scene->project);
	cJSON_Delete(scene->listed);
	temp_dir_remove(scene->root);
	free(scene->folder);
	free(scene->file);
	free(scene);
	unsetenv("COMPOSE_PROJECT_NAME");
	return 0;
}

/* A container as the daemon lists it. `files` NULL: it says nothing of its file. */
static void list(struct scene *scene, const char *project, const char *service,
	const char *state, const char *files, const char *needs)
{
	SCOPED(mem_free) char *name = mem_textf("/%s_%s_1", project, service);
	cJSON *names = cJSON_CreateArray();
	cJSON *container = json_fill(NULL,
		"{'State': %s, 'Labels': {'com.docker.compose.project': %s, "
		"'com.docker.compose.service': %s, "
		"'com.docker.compose.project.working_dir': %s, "
		"'com.docker.compose.project.config_files': %s, "
		"'com.docker.compose.depends_on': %s}}",
		state, project, service, scene->folder, files, needs);

	cJSON_AddItemToArray(names, cJSON_CreateString(name));
	cJSON_AddItemToObject(container, "Names", names);
	cJSON_AddItemToArray(scene->listed, container);
}

static bool read_project(struct scene *scene, const char *service, struct err *err)
{
	return compose_project_read(&scene->project, scene->listed, scene->file,
		&service, service ? 1 : 0, err);
}

/* "my.Shop" becomes "myshop", whether it is named by itself or by its containers. */
static void compose_project_is_found_by_its_folder(void **state)
{
	struct scene *scene = *state;
	struct err err;

	list(scene, "other", "web", "running", NULL, NULL);
	list(scene, "myshop", "web", "running", NULL, NULL);
	assert_true(read_project(scene, NULL, &err));
	assert_string_equal(scene->project.name, "myshop");
	assert_int_equal(scene->project.count, 1);
	assert_string_equal(scene->project.containers[0].name, "myshop_web_1");
}

static void compose_project_is_found_by_its_file(void **state)
{
	/* As it was given to v1: below the folder, or from elsewhere; and as v2 has it. */
	static const char *const given[] = {"compose.yml", "../elsewhere/compose.yml",
		"more.yml,compose.yml", NULL};
	struct scene *scene = *state;
	struct err err;

	for (size_t i = 0; i < COUNT(given); i++) {
		cJSON_Delete(scene->listed);
		scene->listed = cJSON_CreateArray();
		list(scene, "staging", "web", "running",
			given[i] ? given[i] : scene->file, NULL);
		list(scene, "other", "web", "running", "/nonexistent/compose.yml",
			NULL);
		assert_true(read_project(scene, NULL, &err));
		assert_string_equal(scene->project.name, "staging");
		compose_project_done(&scene->project);
	}
}

static void compose_project_is_not_guessed_among_several(void **state)
{
	struct scene *scene = *state;
	struct err err;

	list(scene, "staging", "web", "running", "compose.yml", NULL);
	list(scene, "live", "web", "running", "compose.yml", NULL);
	assert_false(read_project(scene, NULL, &err));
	assert_non_null(strstr(err.text, "staging and live"));
	setenv("COMPOSE_PROJECT_NAME", "live", 1);
	assert_true(read_project(scene, NULL, &err));
	assert_string_equal(scene->project.name, "live");
	compose_project_done(&scene->project);
	unsetenv("COMPOSE_PROJECT_NAME");
	/* Compose itself takes this one. */
	list(scene, "myshop", "web", "running", "compose.yml", NULL);
	assert_true(read_project(scene, NULL, &err));
	assert_string_equal(scene->project.name, "myshop");
}

static void compose_project_names_what_is_not_there(void **state)
{
	struct scene *scene = *state;
	struct err err;

	assert_false(read_project(scene, NULL, &err));
	assert_non_null(strstr(err.text, "no container of a project \"myshop\""));
	list(scene, "myshop", "web", "exited", NULL, NULL);
	assert_false(read_project(scene, "wbe", &err));
	assert_non_null(strstr(err.text, "service \"wbe\""));
	assert_true(read_project(scene, "web", &err));
	assert_false(scene->project.containers[0].running);
}

/* web needs api, which needs db. */
static void expect_order(struct scene *scene)
{
	const struct compose_project *project = &scene->project;
	const struct compose_container *web = &project->containers[0];
	const struct compose_container *db = &project->containers[1];

	assert_true(compose_project_depends(project, web, db));
	assert_false(compose_project_depends(project, db, web));
	assert_false(compose_project_depends(project, web, web));
}

/* Of v1: api does not run, and web depends on db all the same. */
static void compose_project_orders_by_its_file(void **state)
{
	struct scene *scene = *state;
	struct err err;

	list(scene, "myshop", "web", "running", "compose.yml", NULL);
	list(scene, "myshop", "db", "running", "compose.yml", NULL);
	list(scene, "myshop", "api", "exited", "compose.yml", NULL);
	assert_true(read_project(scene, "web", &err));
	assert_true(scene->project.containers[0].chosen);
	assert_false(scene->project.containers[1].chosen);
	expect_order(scene);
}

/* Of v2: the label counts and not the file, which may have changed since. */
static void compose_project_orders_by_its_labels(void **state)
{
	struct scene *scene = *state;
	struct err err;

	list(scene, "myshop", "web", "running", scene->file,
		"cache:service_started:false,db:service_healthy:true");
	list(scene, "myshop", "db", "running", scene->file, "");
	list(scene, "myshop", "cache", "running", scene->file, "");
	assert_true(read_project(scene, NULL, &err));
	expect_order(scene);
}

static void compose_project_in_a_circle_ends(void **state)
{
	struct scene *scene = *state;
	struct err err;

	list(scene, "myshop", "web", "running", NULL, "db:x:true");
	list(scene, "myshop", "db", "running", NULL, "web:x:true");
	assert_true(read_project(scene, NULL, &err));
	assert_true(compose_project_depends(&scene->project,
		&scene->project.containers[0], &scene->project.containers[1]));
	assert_true(compose_project_depends(&scene->project,
		&scene->project.containers[1], &scene->project.containers[0]));
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compose_file_says_what_a_service_needs),
		cmocka_unit_test(compose_file_has_a_name_at_its_top),
		SCENE(compose_project_is_found_by_its_folder),
		SCENE(compose_project_is_found_by_its_file),
		SCENE(compose_project_is_not_guessed_among_several),
		SCENE(compose_project_names_what_is_not_there),
		SCENE(compose_project_orders_by_its_file),
		SCENE(compose_project_orders_by_its_labels),
		SCENE(compose_project_in_a_circle_ends),
	};
#undef SCENE

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
