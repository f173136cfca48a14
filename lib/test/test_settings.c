#include "lib/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

struct settings_sample {
	char *host, *folder, *key;
	int64_t max_sessions, offset, grace_ns;
	int disconnect;
	bool quick, colour;
};

static const char *const ways[] = {"parallel", "sequential", "none", NULL};

static const struct field settings[] = {
	{"TS_HOST", FIELD_TEXT, offsetof(struct settings_sample, host), "127.0.0.1",
		.help = "where to listen"},
	{"TS_FOLDER", FIELD_TEXT, offsetof(struct settings_sample, folder), NULL,
		.help = "where to keep things"},
	{"TS_KEY", FIELD_TEXT, offsetof(struct settings_sample, key), NULL,
		.help = "of the API", .secret = true},
	{"TS_MAX_SESSIONS", FIELD_INT, offsetof(struct settings_sample, max_sessions),
		"20", .help = "how many", .min = 1, .max = 100},
	{"TS_OFFSET", FIELD_INT, offsetof(struct settings_sample, offset), NULL,
		.help = "any number"},
	{"TS_GRACE", FIELD_DURATION, offsetof(struct settings_sample, grace_ns), "10s",
		.help = "how long we have"},
	{"TS_DISCONNECT", FIELD_CHOICE, offsetof(struct settings_sample, disconnect),
		"parallel", .help = "in which order", .choices = ways},
	{"TS_QUICK", FIELD_BOOL, offsetof(struct settings_sample, quick), NULL,
		.help = "hurry"},
	{"TS_COLOUR", FIELD_BOOL, offsetof(struct settings_sample, colour), "yes",
		.help = "paint"},
	{0},
};

static int forget_environment(void **state UNUSED)
{
	for (const struct field *setting = settings; setting->name; setting++)
		unsetenv(setting->name);
	return 0;
}

/* Up to three flags, NULL where there is none. argp wants to sort them. */
static bool read_with(struct settings_sample *config, const char *one, const char *two,
	const char *three, struct err *err)
{
	const char *const given[] = {"program", one, two, three, NULL};
	char copies[4][64], *argv[5] = {0};
	int argc = 0;

	for (; given[argc]; argc++) {
		assert_true(strlen(given[argc]) < sizeof copies[argc]);
		argv[argc] = strcpy(copies[argc], given[argc]);
	}
	return settings_read(settings, "", config, argc, argv, "It does things.", err);
}

static void settings_are_their_presets_without_variables_and_flags(void **state UNUSED)
{
	struct settings_sample config;
	struct err err;

	memset(&config, 0x5a, sizeof config);
	assert_true(read_with(&config, NULL, NULL, NULL, &err));
	assert_string_equal(config.host, "127.0.0.1");
	assert_null(config.folder);
	assert_null(config.key);
	assert_int_equal(config.max_sessions, 20);
	assert_int_equal(config.offset, 0);
	assert_int_equal(config.grace_ns, 10 * CLOCK_S);
	assert_int_equal(config.disconnect, 0);
	assert_false(config.quick);
	assert_true(config.colour);
	fields_done(settings, &config);
	assert_null(config.host);
	fields_done(settings, &config);
}

static void environment_overrides_presets_and_flags_override_both(void **state UNUSED)
{
	struct settings_sample config;
	struct err err;

	setenv("TS_HOST", "::1", 1);
	setenv("TS_GRACE", "1m30s", 1);
	setenv("TS_DISCONNECT", "none", 1);
	setenv("TS_QUICK", "on", 1);
	setenv("TS_OFFSET", "-9223372036854775808", 1);
	setenv("TS_KEY", "sesame", 1);
	assert_true(read_with(
		&config, "--ts-host=0.0.0.0", "--ts-disconnect", "sequential", &err));
	assert_string_equal(config.host, "0.0.0.0");
	assert_int_equal(config.grace_ns, 90 * CLOCK_S);
	assert_int_equal(config.disconnect, 1);
	assert_true(config.quick);
	assert_true(config.offset == INT64_MIN);
	assert_string_equal(config.key, "sesame");
	fields_done(settings, &config);
}

static void prefix_is_that_of_variables_and_of_no_flag(void **state UNUSED)
{
	char name[] = "program", flag[] = "--ts-grace=2s", *argv[] = {name, flag, NULL};
	struct settings_sample config;
	struct err err;

	setenv("TS_HOST", "::1", 1);
	setenv("OUR_TS_FOLDER", "/tmp", 1);
	setenv("OUR_TS_GRACE", "1s", 1);
	assert_true(settings_read(settings, "OUR_", &config, 2, argv, NULL, &err));
	assert_string_equal(config.host, "127.0.0.1");
	assert_string_equal(config.folder, "/tmp");
	assert_int_equal(config.grace_ns, 2 * CLOCK_S);
	fields_done(settings, &config);
	setenv("OUR_TS_GRACE", "soon", 1);
	assert_false(settings_read(settings, "OUR_", &config, 1, argv, NULL, &err));
	assert_memory_equal(err.text, "OUR_TS_GRACE: ", strlen("OUR_TS_GRACE: "));
	unsetenv("OUR_TS_FOLDER");
	unsetenv("OUR_TS_GRACE");
}

static void empty_variable_is_unset_and_an_empty_flag_is_empty(void **state UNUSED)
{
	struct settings_sample config;
	struct err err;

	setenv("TS_HOST", "", 1);
	setenv("TS_GRACE", "", 1);
	assert_true(read_with(&config, "--ts-folder=", NULL, NULL, &err));
	assert_string_equal(config.host, "127.0.0.1");
	assert_int_equal(config.grace_ns, 10 * CLOCK_S);
	assert_string_equal(config.folder, "");
	fields_done(settings, &config);
}

static void bool_has_many_spellings(void **state UNUSED)
{
	static const struct {
		const char *flag;
		bool value;
	} rows[] = {
		{"--ts-quick", true},
		{"--ts-quick=1", true},
		{"--ts-quick=true", true},
		{"--ts-quick=YES", true},
		{"--ts-quick=on", true},
		{"--ts-colour=0", false},
		{"--ts-colour=False", false},
		{"--ts-colour=no", false},
		{"--ts-colour=off", false},
	};
	struct settings_sample config;
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(read_with(&config, rows[i].flag, NULL, NULL, &err));
		assert_int_equal(
			strstr(rows[i].flag, "quick") ? config.quick : config.colour,
			rows[i].value);
		fields_done(settings, &config);
	}
}

static void int_may_be_its_least_and_its_most(void **state UNUSED)
{
	struct settings_sample config;
	struct err err;

	assert_true(read_with(&config, "--ts-max-sessions=1", NULL, NULL, &err));
	assert_int_equal(config.max_sessions, 1);
	fields_done(settings, &config);
	assert_true(read_with(&config, "--ts-max-sessions=100", NULL, NULL, &err));
	assert_int_equal(config.max_sessions, 100);
	fields_done(settings, &config);
}

static void wrong_flag_is_an_error_with_its_name(void **state UNUSED)
{
	static const struct {
		const char *flag, *why;
	} rows[] = {
		{"--ts-max-sessions=0",
			"--ts-max-sessions: expected a whole number from 1 to 100, not \"0\""},
		{"--ts-max-sessions=101",
			"--ts-max-sessions: expected a whole number from 1 to 100, not \"101\""},
		{"--ts-max-sessions=3x",
			"--ts-max-sessions: expected a whole number from 1 to 100, not \"3x\""},
		{"--ts-max-sessions=",
			"--ts-max-sessions: expected a whole number from 1 to 100, not \"\""},
		{"--ts-max-sessions= 3",
			"--ts-max-sessions: expected a whole number from 1 to 100, not \" 3\""},
		{"--ts-offset=9223372036854775808",
			"--ts-offset: expected a whole number such as 3, not "
			"\"9223372036854775808\""},
		{"--ts-grace=10", "--ts-grace: \"10\": the unit is missing; expected"},
		{"--ts-disconnect=both",
			"--ts-disconnect: there is no \"both\"; there are: "
			"parallel, sequential, none"},
		{"--ts-quick=maybe",
			"--ts-quick: expected true or false, not \"maybe\""},
	};
	struct settings_sample config;
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(read_with(
			&config, "--ts-folder=/tmp", rows[i].flag, NULL, &err));
		if (strncmp(err.text, rows[i].why, strlen(rows[i].why)))
			fail_msg("%s says: %s", rows[i].flag, err.text);
		assert_null(config.folder);
	}
}

static void wrong_variable_is_an_error_with_its_name(void **state UNUSED)
{
	struct settings_sample config;
	struct err err;

	setenv("TS_DISCONNECT", "both", 1);
	assert_false(read_with(&config, "--ts-disconnect=none", NULL, NULL, &err));
	assert_string_equal(err.text,
		"TS_DISCONNECT: there is no \"both\"; there are: parallel, sequential, none");
	assert_null(config.host);
}

/* What a child that reads its settings says on stdout and stderr, and its exit code. */
static int say_with(const char *flag, struct buf *said)
{
	int ends[2], status;
	char piece[4096];
	ssize_t len;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct settings_sample config;
		struct err err;

		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		setenv("ARGP_HELP_FMT", "rmargin=200", 1);
		_exit(read_with(&config, flag, NULL, NULL, &err) ? 100 : 101);
	}
	close(ends[1]);
	while ((len = read(ends[0], piece, sizeof piece)) > 0)
		buf_add(said, piece, (size_t)len);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_says(const struct buf *said, const char *text)
{
	if (!strstr(buf_text(said), text))
		fail_msg("\"%s\" is not in: %s", text, buf_text(said));
}

static void help_lists_every_flag_and_exits_with_0(void **state UNUSED)
{
	SCOPED(buf_done) struct buf said = {0};

	assert_int_equal(say_with("--help", &said), 0);
	assert_says(&said, "It does things.");
	assert_says(&said, "--ts-max-sessions=NUMBER");
	assert_says(&said, "how many (or TS_MAX_SESSIONS; default 20)");
	assert_says(&said, "--ts-disconnect=parallel|sequential|none");
	assert_says(&said, "--ts-quick[=BOOL]");
	assert_says(&said, "--ts-folder=TEXT");
	assert_says(&said, "where to keep things (or TS_FOLDER)");
	assert_says(&said, "TS_KEY");
	assert_says(&said, "of the API (only as a variable of the environment)");
	assert_null(strstr(buf_text(&said), "--ts-key"));
	assert_null(strstr(buf_text(&said), "--TS"));
}

static void usage_error_exits_with_2(void **state UNUSED)
{
	static const struct {
		const char *flag, *why;
	} rows[] = {
		{"--ts-nothing", "unrecognized option '--ts-nothing'"},
		{"--ts-grace", "option '--ts-grace' requires an argument"},
		{"--ts-key=sesame", "unrecognized option '--ts-key=sesame'"},
		{"-g", "invalid option -- 'g'"},
		{"something", "Too many arguments"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf said = {0};

		assert_int_equal(say_with(rows[i].flag, &said), 2);
		assert_says(&said, rows[i].why);
	}
}

static void bad_value_prints_nothing(void **state UNUSED)
{
	SCOPED(buf_done) struct buf said = {0};

	assert_int_equal(say_with("--ts-grace=10", &said), 101);
	assert_string_equal(buf_text(&said), "");
}

static void wrong_preset_aborts(void **state UNUSED)
{
	static const struct field wrong[] = {
		{"TS_GRACE", FIELD_DURATION, offsetof(struct settings_sample, grace_ns),
			"10", .help = "how long"},
		{0},
	};
	char name[] = "program", *argv[] = {name, NULL};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct settings_sample config;
		struct err err;

		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		_exit(settings_read(wrong, "", &config, 1, argv, NULL, &err));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void log_reports_every_setting_and_no_secret(void **state UNUSED)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{"TS_HOST", "\"127.0.0.1\""},
		{"TS_FOLDER", "null"},
		{"TS_KEY", "\"(set)\""},
		{"TS_MAX_SESSIONS", "20"},
		{"TS_OFFSET", "0"},
		{"TS_GRACE", "\"12345ms\""},
		{"TS_DISCONNECT", "\"none\""},
		{"TS_QUICK", "false"},
		{"TS_COLOUR", "true"},
	};
	SCOPED(buf_done) struct buf said = {0};
	struct settings_sample config;
	struct err err;
	char piece[4096], *line;
	size_t count = 0;
	int ends[2];
	ssize_t len;

	setenv("TS_KEY", "sesame", 1);
	setenv("TS_GRACE", "12.345s", 1);
	assert_true(read_with(&config, "--ts-disconnect=none", NULL, NULL, &err));
	assert_int_equal(pipe(ends), 0);
	log_to(ends[1]);
	settings_log(settings, &config);
	log_to(STDERR_FILENO);
	close(ends[1]);
	fields_done(settings, &config);
	while ((len = read(ends[0], piece, sizeof piece)) > 0)
		buf_add(&said, piece, (size_t)len);
	close(ends[0]);

	assert_null(strstr(buf_text(&said), "sesame"));
	for (line = strtok(said.data, "\n"); line; line = strtok(NULL, "\n")) {
		SCOPED(json_free) cJSON *event = json_parse(line, strlen(line));
		char *value;

		assert_non_null(event);
		assert_true(count < COUNT(rows));
		assert_string_equal(json_text(event, "event"), "setting");
		assert_string_equal(json_text(event, "name"), rows[count].name);
		value = json_print(json_get(event, "value"));
		assert_string_equal(value, rows[count].value);
		free(value);
		count++;
	}
	assert_int_equal(count, COUNT(rows));
}

static void log_writes_durations_exactly(void **state UNUSED)
{
	static const char *const said[] = {
		"0s", "1ns", "1500us", "250ms", "59s", "90s", "2m", "3600m"};
	SCOPED(buf_done) struct buf lines = {0};
	struct settings_sample config;
	char piece[4096], *at;
	struct err err;
	int ends[2];
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	log_to(ends[1]);
	for (size_t i = 0; i < COUNT(said); i++) {
		setenv("TS_GRACE", said[i], 1);
		assert_true(read_with(&config, NULL, NULL, NULL, &err));
		settings_log(settings, &config);
		fields_done(settings, &config);
	}
	log_to(STDERR_FILENO);
	close(ends[1]);
	while ((len = read(ends[0], piece, sizeof piece)) > 0)
		buf_add(&lines, piece, (size_t)len);
	close(ends[0]);
	at = lines.data;
	for (size_t i = 0; i < COUNT(said); i++) {
		char wanted[64] = "\"TS_GRACE\",\"value\":\"";

		strcat(strcat(wanted, said[i]), "\"}");
		at = strstr(at, wanted);
		if (!at)
			fail_msg("%s is not in: %s", wanted, lines.data);
	}
}

int main(void)
{
#define settings_test(test)                                                            \
	cmocka_unit_test_setup_teardown(test, forget_environment, forget_environment)
	const struct CMUnitTest tests[] = {
		settings_test(settings_are_their_presets_without_variables_and_flags),
		settings_test(environment_overrides_presets_and_flags_override_both),
		settings_test(prefix_is_that_of_variables_and_of_no_flag),
		settings_test(empty_variable_is_unset_and_an_empty_flag_is_empty),
		settings_test(bool_has_many_spellings),
		settings_test(int_may_be_its_least_and_its_most),
		settings_test(wrong_flag_is_an_error_with_its_name),
		settings_test(wrong_variable_is_an_error_with_its_name),
		settings_test(help_lists_every_flag_and_exits_with_0),
		settings_test(usage_error_exits_with_2),
		settings_test(bad_value_prints_nothing),
		settings_test(wrong_preset_aborts),
		settings_test(log_reports_every_setting_and_no_secret),
		settings_test(log_writes_durations_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
