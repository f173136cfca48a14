#include "harness/results/known_failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/results/case_rounds.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

struct scene {
	struct known_failures known;
	char *folder, *path;
	cJSON *rounds;
	struct err err;
};

static int open_scene(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	scene->folder = temp_dir_create();
	scene->path = mem_textf("%s/known.json", scene->folder);
	scene->rounds = cJSON_CreateArray();
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	known_failures_done(&scene->known);
	temp_dir_remove(scene->folder);
	free(scene->path);
	cJSON_Delete(scene->rounds);
	free(scene);
	return 0;
}

static bool read_text(struct scene *scene, const char *text)
{
	struct err err;

	assert_true(fs_write_file(scene->path, text, strlen(text), &err));
	return known_failures_read(&scene->known, scene->path, &scene->err);
}

static cJSON *add(struct scene *scene, const char *id, bool met, const char *cause)
{
	cJSON *round = json_fill(NULL, "{'id': %s, 'half': %s}", id, "main");
	cJSON *diagnoses = cJSON_AddArrayToObject(round, "diagnoses");

	cJSON_AddObjectToObject(round, "axes");
	cJSON_AddBoolToObject(round, "met", met);
	cJSON_AddTrueToObject(round, "could_run");
	if (cause)
		cJSON_AddItemToArray(diagnoses, json_fill(NULL, "{'id': %s}", cause));
	cJSON_AddItemToArray(scene->rounds, round);
	return round;
}

#define LIST(entries) "{\"known_failures\": [" entries "]}"
#define H2_OF_A       "{\"case\": \"a\", \"diagnosis\": \"H2\", \"why\": \"issue 12\"}"

static void a_failure_on_the_list_is_known(void **state)
{
	struct scene *scene = *state;
	cJSON *unmet = add(scene, "a", false, "H2"), *met = add(scene, "a", true, NULL);
	cJSON *other = add(scene, "b", false, "H2");

	assert_true(read_text(scene, LIST(H2_OF_A)));
	known_failures_mark(&scene->known, scene->rounds);
	assert_int_equal(case_rounds_outcome(unmet), OUTCOME_KNOWN);
	assert_int_equal(case_rounds_outcome(met), OUTCOME_KNOWN);
	assert_int_equal(case_rounds_outcome(other), OUTCOME_UNMET);
	assert_string_equal(
		json_text(json_get(unmet, "known_failure"), "why"), "issue 12");
}

static void one_that_is_met_has_to_come_off_the_list(void **state)
{
	struct scene *scene = *state;
	cJSON *met = add(scene, "a", true, NULL);

	assert_true(read_text(scene, LIST(H2_OF_A)));
	known_failures_mark(&scene->known, scene->rounds);
	assert_int_equal(case_rounds_outcome(met), OUTCOME_UNMET);
	assert_true(json_bool(json_get(met, "known_failure"), "passes", false));
}

static void one_with_another_cause_is_not_known(void **state)
{
	struct scene *scene = *state;
	cJSON *known = add(scene, "a", false, "H2"),
	      *new = add(scene, "a", false, "L1");

	assert_true(read_text(scene, LIST(H2_OF_A)));
	known_failures_mark(&scene->known, scene->rounds);
	assert_int_equal(case_rounds_outcome(known), OUTCOME_UNMET);
	assert_int_equal(case_rounds_outcome(new), OUTCOME_UNMET);
}

static void one_that_could_not_run_is_not_known(void **state)
{
	struct scene *scene = *state;
	cJSON *round = add(scene, "a", false, "H2");

	cJSON_ReplaceItemInObject(round, "could_run", cJSON_CreateFalse());
	assert_true(read_text(scene, LIST(H2_OF_A)));
	known_failures_mark(&scene->known, scene->rounds);
	assert_int_equal(case_rounds_outcome(round), OUTCOME_NOT_RUN);
}

static void a_list_that_is_wrong_says_where(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"[]", "known.json:1:1: expected {\"known_failures\": [...]}"},
		{LIST("{\"case\": \"a\"}"), "why"},
		{LIST("{\"case\": \"a\", \"why\": \"x\", \"cause\": \"H2\"}"), "cause"},
		{LIST("{\"case\": \"a\", \"why\": \"x\", \"diagnosis\": \"Q9\"}"),
			"there is no Q9"},
		{"{\"known_failures\": [", "known.json:"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(read_text(scene, rows[i].text));
		if (!strstr(scene->err.text, rows[i].says))
			fail_msg("%s does not say \"%s\"", scene->err.text,
				rows[i].says);
	}
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_failure_on_the_list_is_known),
		SCENE(one_that_is_met_has_to_come_off_the_list),
		SCENE(one_with_another_cause_is_not_known),
		SCENE(one_that_could_not_run_is_not_known),
		SCENE(a_list_that_is_wrong_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
