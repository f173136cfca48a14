#include "harness/scenario/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

/* A folder of files, and the plan that is made of it. Tests run inside of it. */
struct plan_scene {
	char *folder;
	int back; /* to where we came from */
	struct plan plan;
	struct plan_options options;
	struct buf wrong; /* one line for each mistake */
};

static int open_scene(void **state)
{
	struct plan_scene *scene = mem_zeroed(sizeof *scene);

	scene->folder = temp_dir_create();
	scene->back = open(".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (chdir(scene->folder) != 0)
		return -1;
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct plan_scene *scene = *state;
	int back = fchdir(scene->back);

	close(scene->back);
	plan_done(&scene->plan);
	buf_done(&scene->wrong);
	temp_dir_remove(scene->folder);
	free(scene);
	return back;
}

/* Folders on the way are made. */
static void write_file(const char *path, const char *text)
{
	FILE *file;

	for (const char *slash = strchr(path, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		SCOPED(mem_free) char *folder =
			mem_textf("%.*s", (int)(slash - path), path);

		assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void take_line(void *arg, const struct err *err)
{
	struct buf *lines = arg;

	buf_addf(lines, "%s%s", lines->len ? "\n" : "", err->text);
}

static bool add(struct plan_scene *scene, const char *path)
{
	return plan_add(&scene->plan, path, &scene->options, take_line, &scene->wrong);
}

static void add_text(struct plan_scene *scene, const char *text)
{
	write_file("s.json", text);
	if (!add(scene, "s.json"))
		fail_msg("%s", buf_text(&scene->wrong));
}

/* "main load.sessions=1; twin load.sessions=1; ..." */
static void assert_cases(const struct plan_scene *scene, const char *wanted)
{
	SCOPED(buf_done) struct buf list = {0};

	for (unsigned i = 0; i < scene->plan.count; i++) {
		const struct plan_case *plan_case = scene->plan.cases[i];

		buf_addf(&list, "%s%s%s%s", i ? "; " : "", half_names[plan_case->half],
			plan_case->axes[0] ? " " : "", plan_case->axes);
	}
	assert_string_equal(buf_text(&list), wanted);
}

static const struct scenario *nth(const struct plan_scene *scene, unsigned n)
{
	assert_true(n < scene->plan.count);
	return &scene->plan.cases[n]->scenario;
}

/* --- good ones --- */

static void plan_makes_one_case_of_a_plain_file(void **state)
{
	struct plan_scene *scene = *state;

	write_file("scenarios/kill/10-x.json", "{\"name\":\"x\"}");
	assert_true(add(scene, "scenarios/kill/10-x.json"));
	assert_cases(scene, "main");
	assert_string_equal(scene->plan.cases[0]->id, "kill/10-x");
	assert_string_equal(
		scene->plan.cases[0]->alone, "scenarios/kill/10-x.json --half main");
	assert_int_equal(scene->plan.files, 1);
}

static void plan_knows_the_line_of_what_a_half_expects(void **state)
{
	struct plan_scene *scene = *state;

	add_text(scene,
		"{\"name\": \"x\",\n\"load\": {\"sessions\": 1},\n"
		"\"expect\": {\"exit_code\": 0},\n"
		"\"twin\": {\"set\": {\"load.sessions\": 2},\n"
		"\"expect\": {\"exit_code\": 1}},\n"
		"\"matrix\": {\"stop.grace\": [\"1s\", \"2s\"]}}");
	assert_cases(scene,
		"main stop.grace=1s; twin stop.grace=1s; "
		"main stop.grace=2s; twin stop.grace=2s");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(scene->plan.cases[i]->line, i % 2 ? 5 : 3);
	add_text(scene, "\n\n{\"name\": \"x\"}");
	assert_int_equal(scene->plan.cases[4]->line, 1);
}

static void plan_turns_the_last_axis_fastest(void **state)
{
	struct plan_scene *scene = *state;

	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"service.env.DISCONNECT\":[\"none\",\"parallel\"],"
		"\"load.sessions\":[1,3]}}");
	assert_cases(scene,
		"main service.env.DISCONNECT=none load.sessions=1; "
		"main service.env.DISCONNECT=none load.sessions=3; "
		"main service.env.DISCONNECT=parallel load.sessions=1; "
		"main service.env.DISCONNECT=parallel load.sessions=3");
	assert_int_equal(nth(scene, 1)->load.sessions, 3);
	assert_string_equal(scenario_env(nth(scene, 2), "DISCONNECT"), "parallel");
	assert_int_equal(json_int(scene->plan.cases[3]->values, "load.sessions", 0), 3);
}

static void plan_changes_the_combinations_that_a_variant_matches(void **state)
{
	struct plan_scene *scene = *state;

	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,3]},"
		"\"variants\":[{\"where\":{\"load.sessions\":3},"
		"\"set\":{\"stop.grace\":\"5s\",\"expect\":{\"verdict\":\"killed\"}}}]}");
	assert_int_equal(nth(scene, 0)->stop.grace_ns, INT64_C(10000000000));
	assert_int_equal(nth(scene, 0)->expect.verdicts, 1u << VERDICT_CLEAN);
	assert_int_equal(nth(scene, 1)->stop.grace_ns, INT64_C(5000000000));
	assert_int_equal(nth(scene, 1)->expect.verdicts, 1u << VERDICT_KILLED);
}

static void plan_puts_each_twin_behind_its_main_half(void **state)
{
	struct plan_scene *scene = *state;

	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,3]},"
		"\"expect\":{\"exit_code\":0,\"orphans\":0},"
		"\"twin\":{\"set\":{\"service.env.DISCONNECT\":\"none\"},"
		"\"expect\":{\"exit_code\":137}}}");
	assert_cases(scene,
		"main load.sessions=1; twin load.sessions=1; "
		"main load.sessions=3; twin load.sessions=3");
	assert_null(scenario_env(nth(scene, 2), "DISCONNECT"));
	assert_string_equal(scenario_env(nth(scene, 3), "DISCONNECT"), "none");
	assert_int_equal(nth(scene, 3)->load.sessions, 3);
	assert_int_equal(nth(scene, 2)->expect.orphans, 0);
	/* Its expect is in place of the main half's, not over it. */
	assert_int_equal(nth(scene, 3)->expect.orphans, EXPECT_ANY);
	assert_int_equal(nth(scene, 3)->expect.exit_codes.code[0], 137);
}

static void plan_runs_the_half_that_was_asked_for(void **state)
{
	struct plan_scene *scene = *state;
	const char *text = "{\"name\":\"x\",\"twin\":{\"set\":{\"load.sessions\":1},"
			   "\"expect\":{}}}";

	scene->options.main_only = true;
	add_text(scene, text);
	assert_cases(scene, "main");
	scene->options = (struct plan_options){.twin_only = true};
	add_text(scene, text);
	assert_cases(scene, "main; twin");
}

static void plan_changes_or_removes_the_twin_by_a_variant(void **state)
{
	struct plan_scene *scene = *state;

	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,2,3]},"
		"\"twin\":{\"set\":{\"stop.grace\":\"1s\"},\"expect\":{}},"
		"\"variants\":["
		"{\"where\":{\"load.sessions\":2},\"set\":{\"twin\":null}},"
		"{\"where\":{\"load.sessions\":3},\"set\":{\"twin\":"
		"{\"set\":{\"stop.grace\":\"3s\"},\"expect\":{}}}}]}");
	assert_cases(scene,
		"main load.sessions=1; twin load.sessions=1; main load.sessions=2; "
		"main load.sessions=3; twin load.sessions=3");
	assert_int_equal(nth(scene, 1)->stop.grace_ns, INT64_C(1000000000));
	assert_int_equal(nth(scene, 4)->stop.grace_ns, INT64_C(3000000000));
}

static void plan_pins_an_axis_from_the_command_line(void **state)
{
	static const char *const sets[] = {"load.sessions=20", NULL};
	struct plan_scene *scene = *state;

	scene->options.sets = sets;
	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,3],"
		"\"load.turns\":[0,1]}}");
	assert_cases(scene, "main load.turns=0; main load.turns=1");
	assert_int_equal(nth(scene, 1)->load.sessions, 20);
	assert_string_equal(scene->plan.cases[1]->alone,
		"s.json --set load.turns=1 --set load.sessions=20 --half main");
}

static void plan_pins_every_axis_below_a_path(void **state)
{
	static const char *const sets[] = {"load={\"sessions\":7}", NULL};
	struct plan_scene *scene = *state;

	scene->options.sets = sets;
	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,3],"
		"\"load.turns\":[0,1]}}");
	assert_cases(scene, "main");
	assert_int_equal(nth(scene, 0)->load.sessions, 7);
}

static void plan_prefers_the_command_line_to_variants(void **state)
{
	static const char *const sets[] = {
		"stop.grace=7s", "load.sessions=3", "service.env.A=b=c", NULL};
	struct plan_scene *scene = *state;

	scene->options.sets = sets;
	add_text(scene,
		"{\"name\":\"x\",\"variants\":[{\"where\":{\"load.sessions\":3},"
		"\"set\":{\"stop.grace\":\"5s\",\"repeat\":4}}]}");
	/* The variant saw the pinned value, and still does not win. */
	assert_int_equal(nth(scene, 0)->repeat, 4);
	assert_int_equal(nth(scene, 0)->stop.grace_ns, INT64_C(7000000000));
	assert_string_equal(scenario_env(nth(scene, 0), "A"), "b=c");
}

/* A word or more of the alone string, as a shell would take it. */
static const char **split(const char *text, struct buf *bytes)
{
	SCOPED(mem_free) char *command = mem_textf("printf '%%s\\n' %s", text);
	const char **words = mem_zeroed(16 * sizeof *words);
	FILE *shell = popen(command, "r");
	unsigned count = 0;
	int c;

	assert_non_null(shell);
	while ((c = fgetc(shell)) != EOF)
		buf_add(bytes, &(char){(char)(c == '\n' ? '\0' : c)}, 1);
	assert_int_equal(pclose(shell), 0);
	for (size_t at = 0; at < bytes->len; at += strlen(bytes->data + at) + 1)
		words[count++] = bytes->data + at;
	return words;
}

static void plan_makes_the_same_case_again_from_its_alone_string(void **state)
{
	struct plan_scene *scene = *state;
	struct plan all;

	/* Strings that look like JSON, quotes, blanks: all must survive a shell. */
	add_text(scene,
		"{\"name\":\"x\",\"matrix\":{"
		"\"service.env.A\":[\"3\",\"it's\",\"a b\",\"$HOME\",\"true\",\"\"],"
		"\"service.command\":[[\"sh\",\"-c\",\"exec 'a'\"]],"
		"\"service.env.U\":[\"{agent_url}\"],"
		"\"agent.disconnect\":[{\"latency\":\"4s\"}]},"
		"\"twin\":{\"set\":{\"load.sessions\":1},\"expect\":{}}}");
	all = scene->plan;
	scene->plan = (struct plan){0};
	for (unsigned i = 0; i < all.count; i++) {
		SCOPED(buf_done) struct buf bytes = {0};
		SCOPED(mem_free) const char **words =
			split(all.cases[i]->alone, &bytes);
		const char *sets[8] = {0};
		unsigned count = 0, at = 1;

		for (; strcmp(words[at], "--set") == 0; at += 2)
			sets[count++] = words[at + 1];
		assert_string_equal(words[at], "--half");
		scene->options = (struct plan_options){
			.sets = sets,
			.main_only = strcmp(words[at + 1], "main") == 0,
			.twin_only = strcmp(words[at + 1], "twin") == 0,
		};
		assert_true(add(scene, words[0]));
		assert_int_equal(scene->plan.count, 1);
		assert_string_equal(scene->plan.cases[0]->json, all.cases[i]->json);
		plan_done(&scene->plan);
	}
	assert_int_equal(all.count, 12);
	plan_done(&all);
}

static void plan_names_the_command_for_one_round(void **state)
{
	struct plan_scene *scene = *state;
	SCOPED(mem_free) char *once = NULL, *again = NULL;

	add_text(scene, "{\"name\":\"x\"}");
	add_text(scene, "{\"name\":\"x\",\"repeat\":5}");
	once = plan_command(scene->plan.cases[0], "docker", UINT64_MAX);
	again = plan_command(scene->plan.cases[1], "process", 7);
	assert_string_equal(once,
		"stopbench run s.json --half main --engine docker --seed "
		"18446744073709551615");
	assert_string_equal(again,
		"stopbench run s.json --half main --engine process --seed 7 --repeat 1");
}

static void plan_takes_a_folder_in_the_order_of_its_names(void **state)
{
	struct plan_scene *scene = *state;

	write_file("scenarios/b/20-two.json", "{\"name\":\"x\"}");
	write_file("scenarios/b/10-one.json", "{\"name\":\"x\"}");
	write_file("scenarios/a.json", "{\"name\":\"x\"}");
	write_file("scenarios/schema.json", "{\"type\":\"object\"}");
	write_file("scenarios/.hidden.json", "{");
	write_file("scenarios/README.md", "#");
	write_file("scenarios/b/json", "{");
	assert_int_equal(symlink("..", "scenarios/b/round"), 0);
	assert_true(add(scene, "scenarios/"));
	assert_int_equal(scene->plan.count, 3);
	assert_string_equal(scene->plan.cases[0]->id, "a");
	assert_string_equal(scene->plan.cases[1]->id, "b/10-one");
	assert_string_equal(scene->plan.cases[2]->id, "b/20-two");
	assert_string_equal(scene->plan.cases[1]->path, "scenarios/b/10-one.json");
}

static void plan_names_a_case_by_the_last_folder_of_scenarios(void **state)
{
	static const struct {
		const char *path, *id;
	} rows[] = {
		{"x.json", "x"},
		{"my/x.json", "my/x"},
		{"myscenarios/x.json", "myscenarios/x"},
		{"scenarios/scenarios/x.json", "x"},
		{"scenarios/x.json.json", "x.json"},
	};
	struct plan_scene *scene = *state;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		write_file(rows[i].path, "{\"name\":\"x\"}");
		assert_true(add(scene, rows[i].path));
		assert_string_equal(scene->plan.cases[i]->id, rows[i].id);
	}
}

/* --- bad ones --- */

static const struct {
	const char *text, *set, *wrong, *why;
} bad_files[] = {
	{"[]", NULL, "s.json:1:1: expected an object, not an array", "no object"},
	{"{\"name\":\"x\"", NULL,
		"s.json:1:12: expected ',' or '}', found the end of the text",
		"cut short"},
	{"{\"name\":\"x\",\"matrix\":{\n\"load.sesions\":[1]}}", NULL,
		"s.json:2:1: load.sesions: no such key; did you mean \"sessions\"?",
		"an axis that nothing has"},
	{"{\"name\":\"x\",\"matrix\":{\n\"loda.sessions\":[1]}}", NULL,
		"s.json:2:1: loda: no such key; did you mean \"load\"?",
		"nor a part of that name"},
	{"{\"name\":\"x\",\"matrix\":[1]}", NULL,
		"s.json:1:13: matrix: expected an object such as {\"load.sessions\": [1, 3]}, "
		"not an array",
		"a matrix without axes"},
	{"{\"name\":\"x\",\"matrix\":{\"load.sessions\":3}}", NULL,
		"s.json:1:23: load.sessions: expected a list of values, not a number",
		"an axis with one value"},
	{"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[]}}", NULL,
		"s.json:1:23: load.sessions: expected a list of values, not an empty one",
		"an axis without values"},
	{"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,3,1]}}", NULL,
		"s.json:1:44: load.sessions: this value is there twice",
		"two cases of one name"},
	{"{\"name\":\"x\",\"matrix\":{\"matrix.load\":[1]}}", NULL,
		"s.json:1:23: matrix.load: can't be changed", "a matrix in a matrix"},
	{"{\"name\":\"x\",\"matrix\":{\"load.sessions\":[1,\n\"3\",\n-1]}}", NULL,
		"s.json:2:1: matrix: load.sessions: expected a whole number from 0 to 10000, "
		"not a string\n"
		"s.json:3:1: matrix: load.sessions: expected a whole number from 0 to 10000, "
		"not -1",
		"values that the key refuses, each at its place"},
	{"{\"name\":\"x\",\"load\":{\"turns\":2},\n\"matrix\":{\"load.sessions\":[3,1]}}",
		NULL,
		"s.json:2:1: load.sessions=1: load.turns: more than load.sessions (1)",
		"good with one value, wrong with the next"},
	{"{\"name\":\"x\",\"variants\":{}}", NULL,
		"s.json:1:13: variants: expected a list of {\"where\": {...}, \"set\": {...}}, "
		"not an object",
		"variants are a list"},
	{"{\"name\":\"x\",\"variants\":[{\"where\":{}}]}", NULL,
		"s.json:1:25: variants: expected {\"where\": {...}, \"set\": {...}}",
		"a variant of nothing"},
	{"{\"name\":\"x\",\"variants\":[{\"where\":{\"load.sesions\":1},\"set\":{}}]}",
		NULL,
		"s.json:1:35: load.sesions: no such key; did you mean \"sessions\"?",
		"a where that can't match"},
	{"{\"name\":\"x\",\"variants\":[{\"where\":{},\"set\":{\"stop.grace\":\"5\"}}]}",
		NULL,
		"s.json:1:44: variants: stop.grace: \"5\": the unit is missing; expected a "
		"duration such as \"250ms\" or \"1m30s\" (units ns us ms s m h)",
		"a variant's bad value"},
	{"{\"name\":\"x\",\"twin\":{\"set\":{\"load.sessions\":1}}}", NULL,
		"s.json:1:13: twin: expected {\"set\": {...}, \"expect\": {...}}",
		"a twin that expects nothing"},
	{"{\"name\":\"x\",\"twin\":{\"set\":{},\"expect\":{}}}", NULL,
		"s.json:1:21: twin: its set changes nothing",
		"a twin that is the same"},
	{"{\"name\":\"x\",\"twin\":{\"set\":[],\"expect\":{}}}", NULL,
		"s.json:1:13: twin: expected {\"set\": {...}, \"expect\": {...}}",
		"a twin's set is an object"},
	{"{\"name\":\"x\",\"twin\":{\"set\":{\"service.comand\":[]},\"expect\":{}}}",
		NULL,
		"s.json:1:28: service.comand: no such key; did you mean \"command\"?",
		"a twin's misspelt path"},
	{"{\"name\":\"x\",\"twin\":{\"set\":{\"load.sessions\":1},\n\"expect\":"
	 "{\"verdict\":\"kiled\"}}}",
		NULL,
		"s.json:2:1: twin: verdict: there is no \"kiled\"; did you mean \"killed\"?",
		"a twin's bad expect"},
	{"{\"name\":\"x\",\"load\":{\"sessions\":2,\"turns\":2},\n\"twin\":{\"set\":"
	 "{\"load.sessions\":1},\"expect\":{}}}",
		NULL, "s.json:2:1: twin: load.turns: more than load.sessions (1)",
		"a twin that does not fit together"},
	{"{\"name\":\"x\",\"variants\":[{\"where\":{},\"set\":{\n\"twin\":{\"set\":"
	 "{\"load.sesions\":1},\"expect\":{}}}}]}",
		NULL,
		"s.json:2:16: load.sesions: no such key; did you mean \"sessions\"?",
		"a twin that a variant brings"},
	{"{\"name\":\"x\",\"twin\":{\"set\":{\"load.sessions.1\":1},\"expect\":{}}}",
		NULL,
		"s.json:1:28: load.sessions.1: no such key; load.sessions has none below it",
		"a path past a number"},
	{"{\"name\":\"x\"}", "load.sesions=3",
		"--set load.sesions=3: load.sesions: no such key; did you mean \"sessions\"?",
		"a misspelt --set"},
	{"{\"name\":\"x\"}", "load.sessions", "--set load.sessions: expected KEY=VALUE",
		"half a --set"},
	{"{\"name\":\"x\"}", "load.sessions=many",
		"--set load.sessions=many: load.sessions: expected a whole number from "
		"0 to 10000, not a string",
		"a bad value from the command line"},
	{"{\"name\":\"x\"}", "matrix.load.sessions=[1]",
		"--set matrix.load.sessions=[1]: matrix.load.sessions: can't be changed",
		"the file's own business"},
	{"{\"name\":\"x\",\"load\":{\"turns\":1,\"sessions\":1}}", "load.sessions=0",
		"s.json: --set load.sessions=0: load.turns: more than load.sessions (0)",
		"a --set that does not fit"},
};

static void plan_reports_an_error_with_its_position(void **state)
{
	struct plan_scene *scene = *state;

	for (size_t i = 0; i < COUNT(bad_files); i++) {
		const char *sets[] = {bad_files[i].set, NULL};

		scene->options.sets = sets;
		write_file("s.json", bad_files[i].text);
		buf_clear(&scene->wrong);
		if (add(scene, "s.json"))
			fail_msg("%s: was accepted", bad_files[i].why);
		if (strcmp(buf_text(&scene->wrong), bad_files[i].wrong) != 0)
			fail_msg("%s: %s\n  wanted %s\n  got    %s", bad_files[i].why,
				bad_files[i].text, bad_files[i].wrong,
				buf_text(&scene->wrong));
	}
}

static void plan_reports_the_errors_of_all_files(void **state)
{
	struct plan_scene *scene = *state;

	write_file("f/a.json", "{\"nam\":1}");
	write_file("f/b.json", "{\"name\":\"x\"}");
	write_file("f/c.json", "{");
	assert_int_equal(symlink("nowhere", "f/d.json"), 0);
	assert_false(add(scene, "f"));
	assert_string_equal(buf_text(&scene->wrong),
		"f/a.json:1:2: nam: no such key; did you mean \"name\"?\n"
		"f/a.json:1:1: \"name\" is missing\n"
		"f/c.json:1:2: expected a key in double quotes, found the end of the text\n"
		"f/d.json: No such file or directory");
	assert_int_equal(scene->plan.count, 1);
	assert_int_equal(scene->plan.files, 4);
}

static void plan_names_a_path_that_is_not_there(void **state)
{
	struct plan_scene *scene = *state;

	assert_false(add(scene, "nowhere/x.json"));
	assert_string_equal(buf_text(&scene->wrong),
		"nowhere/x.json: no such scenario or folder; tried nowhere/x.json, "
		"scenarios/nowhere/x.json");
	buf_clear(&scene->wrong);
	assert_false(add(scene, "/nowhere/x"));
	assert_string_equal(buf_text(&scene->wrong),
		"/nowhere/x: no such scenario or folder; tried /nowhere/x, "
		"/nowhere/x.json");
	write_file("x.json", "");
	buf_clear(&scene->wrong);
	assert_false(add(scene, "x.json/y"));
	assert_string_equal(buf_text(&scene->wrong), "x.json/y: Not a directory");
}

static void plan_finds_a_scenario_by_its_id(void **state)
{
	static const char *const paths[] = {"scenarios/kill/1-a.json",
		"scenarios/kill/1-a", "kill/1-a.json", "kill/1-a", "kill"};
	struct plan_scene *scene = *state;

	write_file("scenarios/kill/1-a.json", "{\"name\":\"x\"}");
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (!add(scene, paths[i]))
			fail_msg("%s", buf_text(&scene->wrong));
		assert_int_equal(scene->plan.count, 1);
		assert_string_equal(scene->plan.cases[0]->id, "kill/1-a");
		assert_string_equal(
			scene->plan.cases[0]->path, "scenarios/kill/1-a.json");
		plan_done(&scene->plan);
	}
}

static void plan_takes_the_ids_that_its_filter_names(void **state)
{
	static const struct {
		const char *filter;
		unsigned count;
	} rows[] = {{"kill", 2}, {"/1", 2}, {"kill/1-a", 1}, {"ki*a", 1}, {"*", 3},
		{"1-?", 0}, {"*[b]", 2}, {"none", 0}};
	struct plan_scene *scene = *state;

	write_file("scenarios/kill/1-a.json", "{\"name\":\"x\"}");
	write_file("scenarios/kill/2-b.json", "{\"name\":\"x\"}");
	write_file("scenarios/other/1-b.json", "{\"name\":\"x\"}");
	for (size_t i = 0; i < COUNT(rows); i++) {
		scene->options.filter = rows[i].filter;
		assert_true(add(scene, "scenarios"));
		if (scene->plan.count != rows[i].count)
			fail_msg("%s: %u", rows[i].filter, scene->plan.count);
		assert_int_equal(scene->plan.files, rows[i].count);
		plan_done(&scene->plan);
	}
}

static void plan_shows_no_control_character_of_a_file(void **state)
{
	struct plan_scene *scene = *state;

	write_file("e\x1b[31m.json",
		"{\"name\":\"x\",\"stop\":{\"when\":\"exit\",\"\\u001b]0;t\\u0007\":1},"
		"\"expect\":{\"verdict\":\"\\u202eclean\\u009b\"}}");
	assert_false(add(scene, "e\x1b[31m.json"));
	for (const char *at = buf_text(&scene->wrong); *at; at++)
		assert_true((unsigned char)*at >= ' ' || *at == '\n');
	assert_null(strstr(buf_text(&scene->wrong), "\xe2\x80\xae"));
	assert_null(strstr(buf_text(&scene->wrong), "\xc2\x9b"));
	assert_non_null(strstr(buf_text(&scene->wrong), "]0;t"));
	assert_non_null(strstr(buf_text(&scene->wrong), "clean"));
}

static void plan_reports_every_contradiction_of_a_plain_file(void **state)
{
	struct plan_scene *scene = *state;

	write_file("s.json",
		"{\"name\":\"x\",\"load\":{\"turns\":1},\n\"stop\":{\"count\":2},\n"
		"\"twin\":{\"set\":{\"stop.grace\":\"1s\"},\"expect\":{}}}");
	assert_false(add(scene, "s.json"));
	assert_string_equal(buf_text(&scene->wrong),
		"s.json:1:21: load.turns: more than load.sessions (0)\n"
		"s.json:2:9: stop.count: \"sessions.ready\" comes once");
}

static void plan_says_whose_a_command_for_a_node_is(void **state)
{
	struct plan_scene *scene = *state;

	write_file("s.json",
		"{\"name\":\"x\",\"load\":{\"request\":{\"path\":\"/\"}},\n"
		"\"rollout\":{\"replicas\":2,\"action\":\"update\",\"kill_node\":[\"true\"]}}");
	assert_false(add(scene, "s.json"));
	assert_non_null(strstr(buf_text(&scene->wrong),
		"rollout.kill_node: only \"node-death\" has it"));
	buf_clear(&scene->wrong);
	write_file("s.json",
		"{\"name\":\"x\",\"load\":{\"request\":{\"path\":\"/\"}},\n"
		"\"rollout\":{\"replicas\":2,\"action\":\"node-death\"}}");
	assert_false(add(scene, "s.json"));
	assert_non_null(strstr(buf_text(&scene->wrong), "\"node-death\" needs it"));
}

static void schema_describes_every_part_of_the_format(void **state UNUSED)
{
	SCOPED(json_free) cJSON *schema = plan_schema();
	const cJSON *properties = json_get(schema, "properties");

	assert_string_equal(json_text(schema, "$schema"),
		"http://json-schema.org/draft-07/schema#");
	assert_true(cJSON_IsFalse(json_get(schema, "additionalProperties")));
	for (const struct field *field = scenario_fields; field->name; field++) {
		const cJSON *property = json_get(properties, field->name);

		assert_non_null(property);
		assert_non_null(json_text(property, "description"));
	}
	assert_string_equal(
		json_text(json_at(properties, "stop.properties.grace"), "default"),
		"10s");
	assert_non_null(
		json_at(properties, "agent.properties.disconnect.properties.fault"));
	assert_non_null(json_at(properties, "mcp.items.properties.on_eof"));
}

static char *read_docs(const char *path)
{
	FILE *file = fopen(path, "r");
	struct buf text = {0};
	char line[1024];

	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		buf_adds(&text, line);
	fclose(file);
	return buf_take(&text);
}

static void assert_documented(
	const char *docs, const struct field *fields, const char *prefix)
{
	for (const struct field *field = fields; field->name; field++) {
		SCOPED(mem_free) char *path =
			mem_textf("%s%s%s", prefix, *prefix ? "." : "", field->name);
		SCOPED(mem_free) char *row = mem_textf("\n| `%s` |", path);

		if (field->kind == FIELD_OBJECT)
			assert_documented(docs, field->fields, path);
		else if (field->name[0] != '$' && !strstr(docs, row))
			fail_msg("scenarios/README.md does not have %s", path);
	}
}

static void readme_documents_every_key_and_every_placeholder(void **state UNUSED)
{
	SCOPED(mem_free) char *docs = read_docs("scenarios/README.md");

	assert_documented(docs, scenario_fields, "");
	for (unsigned i = 0; i < PLACEHOLDERS; i++) {
		SCOPED(mem_free) char *row =
			mem_textf("\n| `{%s}` |", placeholder_names[i]);

		if (!strstr(docs, row))
			fail_msg("scenarios/README.md lacks %s", placeholder_names[i]);
	}
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
	const struct CMUnitTest tests[] = {
		SCENE(plan_makes_one_case_of_a_plain_file),
		SCENE(plan_knows_the_line_of_what_a_half_expects),
		SCENE(plan_turns_the_last_axis_fastest),
		SCENE(plan_changes_the_combinations_that_a_variant_matches),
		SCENE(plan_puts_each_twin_behind_its_main_half),
		SCENE(plan_runs_the_half_that_was_asked_for),
		SCENE(plan_changes_or_removes_the_twin_by_a_variant),
		SCENE(plan_pins_an_axis_from_the_command_line),
		SCENE(plan_pins_every_axis_below_a_path),
		SCENE(plan_prefers_the_command_line_to_variants),
		SCENE(plan_makes_the_same_case_again_from_its_alone_string),
		SCENE(plan_names_the_command_for_one_round),
		SCENE(plan_takes_a_folder_in_the_order_of_its_names),
		SCENE(plan_names_a_case_by_the_last_folder_of_scenarios),
		SCENE(plan_reports_an_error_with_its_position),
		SCENE(plan_reports_the_errors_of_all_files),
		SCENE(plan_names_a_path_that_is_not_there),
		SCENE(plan_finds_a_scenario_by_its_id),
		SCENE(plan_takes_the_ids_that_its_filter_names),
		SCENE(plan_shows_no_control_character_of_a_file),
		SCENE(plan_reports_every_contradiction_of_a_plain_file),
		SCENE(plan_says_whose_a_command_for_a_node_is),
		cmocka_unit_test(schema_describes_every_part_of_the_format),
		cmocka_unit_test(readme_documents_every_key_and_every_placeholder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
