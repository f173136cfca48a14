#include "lib/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/latency.h"
#include "lib/mem.h"

struct phase {
	struct latency latency;
	int fault;
};

struct stop_options {
	int64_t grace_ns;
	char *when;
	struct phase archive;
};

struct fields_sample {
	bool loud;
	int64_t sessions, seed;
	struct stop_options stop;
	char *exit; /* "ignore", or whatever text */
};

static bool read_exit(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	char **text = out;

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err, "exit, please");
	mem_free(text);
	*text = mem_text(node->valuestring);
	return true;
}

static cJSON *exit_schema(void)
{
	return json_parse("{\"minLength\":1}", 15);
}

static const struct field_type exit_type = {
	.read = read_exit, .done = mem_free, .schema = exit_schema, .open = true};

static const char *const faults[] = {"none", "hang", "reset", NULL};

static const struct field phase_fields[] = {
	{"latency", FIELD_OTHER, offsetof(struct phase, latency), .preset = "20ms",
		.type = &latency_type, .help = "before it is answered"},
	{"fault", FIELD_CHOICE, offsetof(struct phase, fault), .choices = faults,
		.help = "what goes wrong"},
	{0},
};

static const struct field stop_fields[] = {
	{"grace", FIELD_DURATION, offsetof(struct stop_options, grace_ns),
		.preset = "10s", .help = "how long the engine waits"},
	{"when", FIELD_TEXT, offsetof(struct stop_options, when),
		.preset = "sessions.ready", .help = "the event that triggers it"},
	{"archive", FIELD_OBJECT, offsetof(struct stop_options, archive),
		.help = "a phase", .fields = phase_fields},
	{0},
};

static const struct field world_fields[] = {
	{"loud", FIELD_BOOL, offsetof(struct fields_sample, loud), .preset = "true",
		.help = "say more"},
	{"sessions", FIELD_INT, offsetof(struct fields_sample, sessions), .preset = "3",
		.min = 1, .max = 5000, .help = "how many"},
	{"seed", FIELD_INT, offsetof(struct fields_sample, seed),
		.help = "of the dice"},
	{"stop", FIELD_OBJECT, offsetof(struct fields_sample, stop), .help = "the stop",
		.fields = stop_fields},
	{"exit", FIELD_OTHER, offsetof(struct fields_sample, exit), .preset = "ignore",
		.type = &exit_type, .help = "what to do"},
	{0},
};

static bool read_text(struct fields_sample *world, const char *text, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	if (!json_doc_parse(&doc, "t", text, strlen(text), err))
		return false;
	return fields_read(world_fields, world, &doc, doc.root, "", err);
}

static void preset_fills_in_every_field(void **state UNUSED)
{
	struct fields_sample world = {.stop.archive.fault = 2, .seed = 9};

	memset(&world.stop, 0x5a, sizeof world.stop);
	fields_preset(world_fields, &world);
	assert_true(world.loud);
	assert_int_equal(world.sessions, 3);
	assert_int_equal(world.seed, 0);
	assert_int_equal(world.stop.grace_ns, 10 * CLOCK_S);
	assert_string_equal(world.stop.when, "sessions.ready");
	assert_int_equal(world.stop.archive.latency.a_ns, 20 * CLOCK_MS);
	assert_int_equal(world.stop.archive.fault, 0);
	assert_string_equal(world.exit, "ignore");
	fields_done(world_fields, &world);
}

/* In a child, because it ends in abort(). */
static void preset_aborts_on_our_mistakes(void **state UNUSED)
{
	static const struct field wrong[][2] = {
		{{"n", FIELD_INT, 0, .preset = "0", .min = 1, .max = 5}, {0}},
		{{"n", FIELD_INT, 0, .preset = "ten"}, {0}},
		{{"n", FIELD_BOOL, 0, .preset = "maybe"}, {0}},
		{{"n", FIELD_DURATION, 0, .preset = "10"}, {0}},
		{{"n", FIELD_CHOICE, 0, .preset = "hung", .choices = faults}, {0}},
		{{"n", FIELD_OTHER, 0, .preset = "{}", .type = &latency_type}, {0}},
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct fields_sample world = {0};
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			fields_preset(wrong[i], &world);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

static void read_keeps_what_is_absent(void **state UNUSED)
{
	struct fields_sample world = {0};
	struct err err;

	fields_preset(world_fields, &world);
	assert_true(read_text(&world,
		"{\"loud\": false, \"seed\": -9007199254740992, \"stop\": {\"when\": \"\", "
		"\"archive\": {\"fault\": \"reset\"}}, \"exit\": \"spin\"}",
		&err));
	assert_false(world.loud);
	assert_int_equal(world.sessions, 3);
	assert_true(world.seed == -(INT64_C(1) << 53));
	assert_int_equal(world.stop.grace_ns, 10 * CLOCK_S);
	assert_string_equal(world.stop.when, "");
	assert_int_equal(world.stop.archive.fault, 2);
	assert_int_equal(world.stop.archive.latency.a_ns, 20 * CLOCK_MS);
	assert_string_equal(world.exit, "spin");

	assert_true(read_text(&world,
		"{\"sessions\": 5000, \"stop\": {\"grace\": \"1m30s\", \"archive\": "
		"{\"latency\": {\"distribution\": \"empirical\", \"values\": "
		"[\"1s\"]}}}}",
		&err));
	assert_int_equal(world.sessions, 5000);
	assert_int_equal(world.stop.grace_ns, 90 * CLOCK_S);
	assert_int_equal(world.stop.archive.latency.kind, LATENCY_EMPIRICAL);
	fields_done(world_fields, &world);
	assert_null(world.stop.when);
	assert_null(world.exit);
	fields_done(world_fields, &world);
}

static void read_reports_an_error_with_its_position(void **state UNUSED)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"[]", "t:1:1: expected an object, not an array"},
		{"{\"lout\": 1}", "t:1:2: lout: no such key; did you mean \"loud\"?"},
		{"{\"stop.grace\": 1}",
			"t:1:2: stop.grace: no such key; \"grace\" belongs into an object "
			"\"stop\""},
		{"{\"xyz\": 1}",
			"t:1:2: xyz: no such key; there are: loud, sessions, seed, stop, "
			"exit"},
		{"{\"Loud\": true}",
			"t:1:2: Loud: no such key; did you mean \"loud\"?"},
		{"{\"stop\": {\"grase\": \"1s\"}}",
			"t:1:11: stop.grase: no such key; did you mean \"grace\"?"},
		{"{\"stop\":\n {\"archive\": {\"x\": 1}}}",
			"t:2:15: stop.archive.x: no such key; there are: latency, fault"},
		{"{\"stop\": null}", "t:1:2: stop: expected an object, not null"},
		{"{\"loud\": \"yes\"}",
			"t:1:2: loud: expected true or false, not a string"},
		{"{\"sessions\": 0}",
			"t:1:2: sessions: expected a whole number from 1 to 5000, not 0"},
		{"{\"sessions\": 2.5}",
			"t:1:2: sessions: expected a whole number from 1 to 5000, not 2.5"},
		{"{\"sessions\": \"3\"}",
			"t:1:2: sessions: expected a whole number from 1 to 5000, not a "
			"string"},
		{"{\"seed\": true}",
			"t:1:2: seed: expected a whole number such as 3, not true"},
		{"{\"seed\": 9007199254740994}",
			"t:1:2: seed: expected a whole number such as 3, not "
			"9007199254740994"},
		{"{\"stop\": {\"grace\": 10}}",
			"t:1:11: stop.grace: expected a duration such as \"250ms\", not a "
			"number"},
		{"{\"stop\": {\"grace\": \"10\"}}",
			"t:1:11: stop.grace: \"10\": the unit is missing"},
		{"{\"stop\": {\"when\": 10}}",
			"t:1:11: stop.when: expected a string such as \"sessions.ready\", "
			"not a number"},
		{"{\"stop\": {\"archive\": {\"fault\": \"hnag\"}}}",
			"t:1:23: stop.archive.fault: there is no \"hnag\"; did you mean "
			"\"hang\"?"},
		{"{\"stop\": {\"archive\": {\"fault\": \"explode\"}}}",
			"t:1:23: stop.archive.fault: there is no \"explode\"; there are: "
			"none, hang, reset"},
		{"{\"stop\": {\"archive\": {\"fault\": 1}}}",
			"t:1:23: stop.archive.fault: expected a name such as \"none\", not "
			"a number"},
		{"{\"stop\": {\"archive\": {\"latency\": {}}}}",
			"t:1:23: latency: \"distribution\" is missing"},
		{"{\"exit\": {}}", "t:1:2: exit, please"},
	};
	struct fields_sample world = {0};
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		fields_preset(world_fields, &world);
		assert_false(read_text(&world, rows[i].text, &err));
		if (strncmp(err.text, rows[i].why, strlen(rows[i].why)))
			fail_msg("%s says: %s", rows[i].text, err.text);
		fields_done(world_fields, &world);
	}
}

static void on_wrong(void *arg, const struct err *err)
{
	struct buf *lines = arg;

	buf_addf(lines, "%s\n", err->text);
}

static void read_all_reports_every_wrong_member(void **state UNUSED)
{
	static const char text[] =
		"{\"loud\": 1, \"sessions\": 7, \"stop\": {\"grace\": \"\", \"x\": 1,\n"
		"\"archive\": {\"latency\": {}}}, \"exit\": 2}";
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(buf_done) struct buf lines = {0};
	struct fields_sample world = {0};
	struct err err;

	fields_preset(world_fields, &world);
	assert_true(json_doc_parse(&doc, "t", text, strlen(text), &err));
	assert_int_equal(fields_read_all(world_fields, &world, &doc, doc.root, "",
				 on_wrong, &lines),
		5);
	assert_string_equal(buf_text(&lines),
		"t:1:2: loud: expected true or false, not a number\n"
		"t:1:37: stop.grace: \"\": no number; expected a duration such as \"250ms\" or "
		"\"1m30s\" (units ns us ms s m h)\n"
		"t:1:50: stop.x: no such key; there are: grace, when, archive\n"
		"t:2:13: latency: \"distribution\" is missing; there are: uniform, "
		"normal, lognormal, exponential, pareto, empirical\n"
		"t:2:30: exit, please\n");
	assert_int_equal(world.sessions, 7);
	assert_true(world.loud);
	fields_done(world_fields, &world);
}

static void read_reports_a_missing_key(void **state UNUSED)
{
	static const struct field table[] = {
		{"name", FIELD_TEXT, 0, .required = true}, {0}};
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(mem_free) char *name = NULL, *text = NULL;
	SCOPED(json_free) cJSON *schema = fields_schema(table);
	struct err err;

	assert_true(json_doc_parse(&doc, "t", "{}", 2, &err));
	assert_false(fields_read(table, &name, &doc, doc.root, "", &err));
	assert_string_equal(err.text, "t:1:1: \"name\" is missing");
	assert_false(fields_read(table, &name, &doc, doc.root, "it", &err));
	assert_string_equal(err.text, "t:1:1: it: \"name\" is missing");
	text = json_print(json_get(schema, "required"));
	assert_string_equal(text, "[\"name\"]");
}

static void read_of_an_endless_key_still_reports_the_error(void **state UNUSED)
{
	char text[4096] = "{\"";
	struct fields_sample world = {0};
	struct err err;

	memset(text + 2, 'k', 4000);
	strcpy(text + 4002, "\": 1}");
	assert_false(read_text(&world, text, &err));
	assert_non_null(strstr(err.text, "kkk: no such key; there are: loud"));
}

static void knows_its_paths(void **state UNUSED)
{
	static const char *const rows[] = {
		"loud",
		"stop",
		"stop.grace",
		"stop.archive",
		"stop.archive.fault",
		"stop.archive.latency",
		"stop.archive.latency.mean",
		"exit",
		"exit.any.thing",
	};
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (!fields_knows(world_fields, rows[i], &err))
			fail_msg("%s: %s", rows[i], err.text);
}

static void knows_names_the_unknown_part_of_a_path(void **state UNUSED)
{
	static const struct {
		const char *path, *why;
	} rows[] = {
		{"lout", "lout: no such key; did you mean \"loud\"?"},
		{"stop.grase", "stop.grase: no such key; did you mean \"grace\"?"},
		{"stpo.grace", "stpo: no such key; did you mean \"stop\"?"},
		{"stop.archive.none",
			"stop.archive.none: no such key; there are: latency, fault"},
		{"stop.grace.x",
			"stop.grace.x: no such key; stop.grace has none below it"},
		{"stop.", "stop.: no such key; there are: grace, when, archive"},
		{"", ": no such key; there are: loud, sessions, seed, stop, exit"},
	};
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(fields_knows(world_fields, rows[i].path, &err));
		assert_string_equal(err.text, rows[i].why);
	}
}

static void hint_leaves_out_a_long_list(void **state UNUSED)
{
	struct field many[14] = {{0}};
	struct err err;

	for (size_t i = 0; i < 13; i++)
		many[i] = (struct field){.name = "a name", .kind = FIELD_BOOL};
	assert_false(fields_knows(many, "something", &err));
	assert_string_equal(err.text, "something: no such key");
	assert_false(fields_knows(many + 1, "something", &err));
	assert_non_null(strstr(err.text, "no such key; there are: a name, a name, "));
}

static void schema_describes_the_table(void **state UNUSED)
{
	SCOPED(json_free) cJSON *schema = fields_schema(world_fields);
	static const struct {
		const char *path, *json;
	} rows[] = {
		{"type", "\"object\""},
		{"additionalProperties", "false"},
		{"properties.loud",
			"{\"type\":\"boolean\",\"description\":\"say more\","
			"\"default\":true}"},
		{"properties.sessions",
			"{\"type\":\"integer\",\"minimum\":1,\"maximum\":5000,"
			"\"description\":\"how many\",\"default\":3}"},
		{"properties.seed",
			"{\"type\":\"integer\",\"description\":\"of the dice\"}"},
		{"properties.exit",
			"{\"minLength\":1,\"description\":\"what to do\","
			"\"default\":\"ignore\"}"},
		{"properties.stop.description", "\"the stop\""},
		{"properties.stop.additionalProperties", "false"},
		{"properties.stop.properties.grace.type", "\"string\""},
		{"properties.stop.properties.grace.default", "\"10s\""},
		{"properties.stop.properties.when",
			"{\"type\":\"string\",\"description\":\"the event that triggers "
			"it\",\"default\":\"sessions.ready\"}"},
		{"properties.stop.properties.archive.properties.fault",
			"{\"enum\":[\"none\",\"hang\",\"reset\"],\"description\":\"what "
			"goes wrong\"}"},
		{"properties.stop.properties.archive.properties.latency.anyOf.1.type",
			"\"object\""},
		{"properties.stop.properties.archive.properties.latency.default",
			"\"20ms\""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const cJSON *node = json_at(schema, rows[i].path);
		char *text;

		if (!node)
			fail_msg("%s is missing", rows[i].path);
		text = json_print(node);
		assert_string_equal(text, rows[i].json);
		free(text);
	}
}

static void help_has_a_line_for_every_leaf(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};

	fields_help(world_fields, "", &text);
	assert_string_equal(buf_text(&text),
		"  loud                  true            say more\n"
		"  sessions              3               how many\n"
		"  seed                  -               of the dice\n"
		"  stop.grace            10s             how long the engine waits\n"
		"  stop.when             sessions.ready  the event that triggers it\n"
		"  stop.archive.latency  20ms            before it is answered\n"
		"  stop.archive.fault    none            what goes wrong: none, hang, "
		"reset\n"
		"  exit                  ignore          what to do\n");
	buf_clear(&text);
	fields_help(phase_fields, "agent.archive", &text);
	assert_string_equal(buf_text(&text),
		"  agent.archive.latency  20ms  before it is answered\n"
		"  agent.archive.fault    none  what goes wrong: none, hang, reset\n");
}

static void help_is_no_wider_than_a_page(void **state UNUSED)
{
	static const struct field wide[] = {
		{"wordy", FIELD_BOOL, 0,
			.help = "one two three four five six seven eight nine ten "
				"eleven twelve thirteen fourteen fifteen "
				"an-endless-word-that-fits-in-no-line-of-this-page-but-has-"
				"to-stand-somewhere end"},
		{0},
	};
	SCOPED(buf_done) struct buf text = {0};

	fields_help(wide, "", &text);
	assert_string_equal(buf_text(&text),
		"  wordy  false  one two three four five six seven eight nine ten eleven "
		"twelve\n"
		"                thirteen fourteen fifteen\n"
		"                an-endless-word-that-fits-in-no-line-of-this-page-but-has-"
		"to-stand-somewhere\n"
		"                end\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preset_fills_in_every_field),
		cmocka_unit_test(preset_aborts_on_our_mistakes),
		cmocka_unit_test(read_keeps_what_is_absent),
		cmocka_unit_test(read_reports_an_error_with_its_position),
		cmocka_unit_test(read_all_reports_every_wrong_member),
		cmocka_unit_test(read_reports_a_missing_key),
		cmocka_unit_test(read_of_an_endless_key_still_reports_the_error),
		cmocka_unit_test(knows_its_paths),
		cmocka_unit_test(knows_names_the_unknown_part_of_a_path),
		cmocka_unit_test(hint_leaves_out_a_long_list),
		cmocka_unit_test(schema_describes_the_table),
		cmocka_unit_test(help_has_a_line_for_every_leaf),
		cmocka_unit_test(help_is_no_wider_than_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
