#include "harness/report/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/terminal.h"
#include "lib/utf8.h"

/* --- where it is printed --- */

static char *take_all(int fd)
{
	struct buf text = {0};
	char block[4096];
	ssize_t len;

	/* A terminal whose other end is closed says EIO, a file 0. */
	while ((len = read(fd, block, sizeof block)) > 0)
		buf_add(&text, block, (size_t)len);
	close(fd);
	return buf_take(&text);
}

static cJSON *parse(const char *text)
{
	cJSON *json = json_parse(text, strlen(text));

	if (!json)
		fail_msg("no JSON: %s", text);
	return json;
}

/* What comes out of a pipe; to free(). */
static char *piped(const char *results)
{
	SCOPED(json_free) cJSON *json = parse(results);
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	table_print(file, json);
	assert_int_equal(fflush(file), 0);
	fd = dup(fileno(file));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	fclose(file);
	return take_all(fd);
}

/* What a terminal of this width is sent; to free(). */
static char *shown(const char *results, unsigned short width)
{
	SCOPED(json_free) cJSON *json = parse(results);
	struct winsize size = {.ws_col = width, .ws_row = 25};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;
	FILE *file;
	pid_t pid;
	char *text;

	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
	file = fopen(ptsname(terminal), "w");
	assert_non_null(file);
	tcgetattr(fileno(file), &raw);
	cfmakeraw(&raw);
	tcsetattr(fileno(file), TCSANOW, &raw);
	/* Another process writes: a terminal holds little that nobody reads. */
	pid = fork();
	if (pid == 0) {
		table_print(file, json);
		_exit(fflush(file));
	}
	fclose(file);
	text = take_all(terminal);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return text;
}

static int set_terminal(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

/* --- what is printed --- */

#define ROUND(id, half, axes, round, sessions, disconnected, code, stop, margin,       \
	verdict, met, rest)                                                            \
	"{\"id\":\"" id "\",\"half\":\"" half "\",\"axes\":{" axes                     \
	"},\"round\":" round ",\"sessions\":" sessions                                 \
	",\"disconnected\":" disconnected ",\"exit_code\":" code ",\"stop_ns\":" stop  \
	",\"grace_ns\":2000000000"                                                     \
	",\"margin_ns\":" margin ",\"verdict\":\"" verdict "\",\"met\":" met "," rest  \
	"}"

#define REST_CLEAN                                                                     \
	"\"could_run\":true,\"reason\":\"12.3ms\",\"folder\":null,"                    \
	"\"diagnoses\":[{\"id\":\"X0\",\"text\":\"clean stop\"}],\"expectations\":[]"

#define W1_TEXT                                                                        \
	"PID 1 (no-handler) has no handler for SIGTERM: the kernel discarded it "      \
	"(seen in the signal trace)"

#define REST_W1                                                                        \
	"\"could_run\":true,\"reason\":\"137: the grace expired\",\"folder\":null,"    \
	"\"diagnoses\":[{\"id\":\"W1\",\"text\":\"" W1_TEXT "\"}],\"expectations\":[]"

#define RESULTS(cases, summary)                                                        \
	"{\"cases\":[" cases "],\"summary\":{" summary ",\"seconds\":34.25}}"

#define IDLE_MAIN                                                                      \
	ROUND("baseline/10-idle", "main", "", "1", "0", "0", "0", "12300000",          \
		"1987700000", "clean", "true", REST_CLEAN)
#define IDLE_TWIN                                                                      \
	ROUND("baseline/10-idle", "twin", "", "1", "3", "1", "137", "2028000000",      \
		"-28000000", "killed", "true", REST_W1)
#define LEGEND_TWIN                                                                    \
	"twin      the case above it with one change, which must change the verdict\n"
#define LEGEND_RELEASED                                                                \
	"RELEASED  how many of its sessions the service disconnected\n\n"
#define LEGEND_W1                                                                      \
	"W1        PID 1 has no handler for the stop signal: the kernel discarded it\n"
#define LEGEND_EXPLAIN                                                                 \
	"          `stopbench explain ID` says how it is proven, and what cures it.\n"
#define TWO_MET "\"cases\":2,\"met\":2,\"unmet\":0,\"not_run\":0"

static void table_has_a_row_for_each_half(void **state)
{
	SCOPED(mem_free) char *text = piped(RESULTS(IDLE_MAIN "," IDLE_TWIN, TWO_MET));

	(void)state;
	/* A killed service took longer than the grace, and nothing of that was left. */
	assert_string_equal(text,
		"CASE             RELEASED EXIT    STOP MARGIN VERDICT\n"
		"baseline/10-idle        -    0  12.3ms  1.99s clean\n"
		"└─twin             1 of 3  137 > 2.00s      - killed\n"
		"      W1 " W1_TEXT
		"\n\n" LEGEND_W1 LEGEND_EXPLAIN LEGEND_TWIN LEGEND_RELEASED
		"2 cases, 2 met, 0 not met in 34.3s\n");
}

static void table_leaves_out_what_nobody_has(void **state)
{
	SCOPED(mem_free) char *text = piped(
		RESULTS(IDLE_MAIN, "\"cases\":1,\"met\":1,\"unmet\":0,\"not_run\":0"));

	(void)state;
	assert_string_equal(text,
		"CASE             EXIT   STOP MARGIN VERDICT\n"
		"baseline/10-idle    0 12.3ms  1.99s clean\n\n"
		"1 case, 1 met, 0 not met in 34.3s\n");
}

static void table_labels_a_twin_by_itself(void **state)
{
	SCOPED(mem_free) char *text = piped(RESULTS(IDLE_TWIN, TWO_MET));

	(void)state;
	assert_non_null(strstr(text, "\nbaseline/10-idle (twin)   1 of 3  137 "));
	assert_null(strstr(text, "\ntwin "));
}

/* SIGKILL did not wait for the grace. */
static void table_says_when_a_service_was_killed_early(void **state)
{
	SCOPED(mem_free) char *text =
		piped(RESULTS(ROUND("a", "main", "", "1", "0", "0", "137", "1500000000",
				      "500000000", "killed", "true", REST_W1),
			TWO_MET));

	(void)state;
	assert_non_null(strstr(text, " 137 > 1.50s      - killed\n"));
}

#define IDLE_ROUND(round, code, stop, margin, verdict, met, rest)                      \
	ROUND("a", "main", "", round, "3", "3", code, stop, margin, verdict, met, rest)

static void table_folds_the_rounds_of_a_case(void **state)
{
	SCOPED(mem_free) char *text = piped(RESULTS(
		IDLE_ROUND("1", "0", "900000000", "1100000000", "clean", "true",
			REST_CLEAN) "," IDLE_ROUND("2", "137", "2000000000", "0",
			"killed", "false",
			"\"could_run\":true,\"reason\":\"137\",\"folder\":\"reports/failed/a\","
			"\"command\":\"stopbench run a\","
			"\"diagnoses\":[{\"id\":\"H2\",\"text\":\"sequential\"}],"
			"\"expectations\":[{\"what\":\"exit_code\",\"wanted\":\"0\","
			"\"seen\":\"137\",\"met\":false},{\"what\":\"lost\",\"wanted\":\"0\","
			"\"seen\":\"0\",\"met\":true}]") "," IDLE_ROUND("3", "0",
			"100000000", "1900000000", "clean", "true",
			REST_CLEAN) "," IDLE_ROUND("4", "0", "200000000", "1800000000",
			"clean", "true", REST_CLEAN),
		"\"cases\":1,\"met\":0,\"unmet\":1,\"not_run\":0"));

	(void)state;
	/* The median of 100, 200, 900 and 2000 ms; the worst verdict; what failed. */
	assert_string_equal(text,
		"CASE RELEASED  EXIT  STOP RANGE          MARGIN VERDICT EXPECTATIONS\n"
		"a      3 of 3 0,137 550ms 100ms..> 2.00s      - killed  NOT MET 1 of 4\n"
		"    H2 sequential\n"
		"    exit_code: wanted 0, seen 137\n"
		"    round 2: stopbench run a\n"
		"    see reports/failed/a/why.txt\n\n"
		"H2        sequential teardown: one session after the other, and too many for the "
		"grace\n" LEGEND_EXPLAIN LEGEND_RELEASED
		"1 case, 0 met, 1 not met in 34.3s\n");
}

static void table_says_a_common_unit_once(void **state)
{
	SCOPED(mem_free) char *text =
		piped(RESULTS(IDLE_ROUND("1", "0", "2010000000", "1", "clean", "true",
				      REST_CLEAN) "," IDLE_ROUND("2", "0", "2040000000",
				      "1", "clean", "true", REST_CLEAN),
			"\"cases\":1,\"met\":1,\"unmet\":0,\"not_run\":0"));

	(void)state;
	assert_non_null(strstr(text, " 2.01..2.04s "));
	assert_non_null(strstr(text, " met 2 of 2\n"));
}

#define COMBINATION(half, how, n, stop)                                                \
	ROUND("history/10", half,                                                      \
		"\"service.env.DISCONNECT\":\"" how "\",\"load.sessions\":" n, "1", n, \
		n, "0", stop, "1000000000", "clean", "true", REST_CLEAN)

static void table_draws_a_matrix_as_a_tree_with_twins_below_their_halves(void **state)
{
	SCOPED(mem_free) char *text = piped(
		RESULTS(COMBINATION("main", "none", "1", "50000000") "," COMBINATION(
				"twin", "none", "1", "51000000") "," COMBINATION("main",
				"none", "20", "60000000") "," COMBINATION("twin",
				"none", "20", "61000000") "," COMBINATION("main",
				"parallel", "1", "70000000") "," IDLE_MAIN,
			TWO_MET));

	(void)state;
	assert_string_equal(text,
		"CASE                  RELEASED EXIT   STOP MARGIN VERDICT\n"
		"history/10\n"
		"├─DISCONNECT=none\n"
		"│ ├─sessions=1          1 of 1    0 50.0ms  1.00s clean\n"
		"│ │ └─twin              1 of 1    0 51.0ms  1.00s clean\n"
		"│ └─sessions=20       20 of 20    0 60.0ms  1.00s clean\n"
		"│   └─twin            20 of 20    0 61.0ms  1.00s clean\n"
		"└─DISCONNECT=parallel\n"
		"  └─sessions=1          1 of 1    0 70.0ms  1.00s clean\n"
		"baseline/10-idle             -    0 12.3ms  1.99s clean\n\n" LEGEND_TWIN
			LEGEND_RELEASED "2 cases, 2 met, 0 not met in 34.3s\n");
}

#define DIED(half, n, text)                                                            \
	ROUND("history/10", half, "\"load.sessions\":" n, "1", n, "0", "137",          \
		"2010000000", "-10000000", "killed", "true",                           \
		"\"could_run\":true,\"reason\":\"137\",\"folder\":null,\"diagnoses\":" \
		"[{\"id\":\"H2\",\"text\":\"" text "\"}],\"expectations\":[]")

static void table_tells_a_matrix_its_reason_once(void **state)
{
	SCOPED(mem_free) char *text = piped(
		RESULTS(DIED("main", "1", "1 of 1 took 1.5s") "," DIED(
				"twin", "1", "1 of 1 took 2s") "," DIED("main", "20",
				"3 of 20 took 10s") "," DIED("twin", "20", "another"),
			TWO_MET));

	(void)state;
	assert_non_null(strstr(text,
		"history/10\n"
		"├─sessions=1    0 of 1  137 > 2.00s      - killed\n"
		"│ │   H2 1 of 1 took 1.5s\n"
		"│ └─twin        0 of 1  137 > 2.00s      - killed\n"
		"│       H2 as above\n"
		"└─sessions=20  0 of 20  137 > 2.00s      - killed\n"
		"  │   H2 as above\n"
		"  └─twin       0 of 20  137 > 2.00s      - killed\n"
		"        H2 another\n\n"));
}

static void table_gives_axes_that_end_alike_their_whole_names(void **state)
{
	SCOPED(mem_free) char *text = piped(RESULTS(
		ROUND("a", "main",
			"\"agent.connect.latency\":\"1s\",\"agent.chunk.latency\":{\"min\":1}",
			"1", "0", "0", "0", "1", "1", "clean", "true", REST_CLEAN),
		TWO_MET));

	(void)state;
	assert_non_null(strstr(text, "─agent.connect.latency=1s\n"));
	assert_non_null(strstr(text, "─agent.chunk.latency={\"min\":1} "));
}

static void table_is_drawn_in_ascii_where_nothing_else_is_known(void **state)
{
	SCOPED(mem_free) char *text = NULL;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	text = piped(RESULTS(COMBINATION("main", "none", "1", "50000000"), TWO_MET));
	assert_non_null(strstr(text, "\n`-DISCONNECT=none\n  `-sessions=1 "));
	for (const char *at = text; *at; at++)
		assert_true((unsigned char)*at < 0x80);
}

static void table_says_why_a_case_could_not_run(void **state)
{
	SCOPED(mem_free) char *text = piped(RESULTS(
		ROUND("a", "main", "", "1", "null", "null", "null", "null", "null",
			"inconclusive", "false",
			"\"could_run\":false,\"reason\":\"no image \\\"x\\\"\",\"folder\":null,"
			"\"diagnoses\":[{\"id\":\"Z0\",\"text\":\"no image\"}],"
			"\"expectations\":[{\"what\":\"exit_code\",\"wanted\":\"0\","
			"\"seen\":\"not known\",\"met\":false}]"),
		"\"cases\":1,\"met\":0,\"unmet\":0,\"not_run\":1,\"passed_over\":3"));

	(void)state;
	assert_string_equal(text,
		"CASE EXIT STOP MARGIN VERDICT EXPECTATIONS\n"
		"a       -    -      - -       NOT RUN\n"
		"    no image \"x\"\n\n"
		"1 case, 0 met, 0 not met, 1 could not run, 3 passed over in 34.3s\n");
}

#define EXIT_1(diagnoses, unmet)                                                         \
	ROUND("a", "main", "", "1", "0", "0", "1", "12300000", "1987700000", "dirty",    \
		"false",                                                                 \
		"\"could_run\":true,\"reason\":\"exit code 1, in words that are long\"," \
		"\"folder\":null,\"diagnoses\":[" diagnoses "],\"expectations\":["       \
		"{\"what\":\"" unmet "\",\"wanted\":\"w\",\"seen\":\"s\","               \
		"\"met\":false}]")
#define ONE_UNMET "\"cases\":1,\"met\":0,\"unmet\":1,\"not_run\":0"

/* Nothing is invented for an exit code that nothing explains; zombies do not. */
static void table_gives_the_verdicts_reason_where_there_is_no_cause(void **state)
{
	SCOPED(mem_free) char *none =
		piped(RESULTS(EXIT_1("", "exit_code"), ONE_UNMET));
	SCOPED(mem_free) char *zombies = piped(
		RESULTS(EXIT_1("{\"id\":\"L3\",\"text\":\"1 zombie\"}", "exit_code"),
			ONE_UNMET));

	(void)state;
	assert_non_null(
		strstr(none, "NOT MET\n    exit code 1, in words that are long\n"));
	assert_string_equal(none, zombies);
}

static void table_tells_such_a_reason_once(void **state)
{
	SCOPED(mem_free) char *told = piped(RESULTS(EXIT_1("", "verdict"), ONE_UNMET));

	(void)state;
	assert_null(strstr(told, "\n    exit code 1, in words"));
	assert_non_null(strstr(told, "\n    verdict: wanted w, seen s\n"));
}

static void table_of_nothing_is_a_summary(void **state)
{
	SCOPED(mem_free) char *text =
		piped(RESULTS("", "\"cases\":0,\"met\":0,\"unmet\":0,\"not_run\":0"));

	(void)state;
	assert_string_equal(text, "0 cases, 0 met, 0 not met in 34.3s\n");
}

/* --- on terminals --- */

#define LONG_UNMET                                                                     \
	ROUND("kill/20-sequential-over-the-grace", "main", "", "1", "8", "4", "137",   \
		"2030000000", "-30000000", "killed", "false",                          \
		"\"could_run\":true,\"reason\":\"137\",\"folder\":null,"               \
		"\"diagnoses\":[{\"id\":\"W1\",\"text\":\"" W1_TEXT "\"}],"            \
		"\"expectations\":[{\"what\":\"verdict\",\"wanted\":\"clean\","        \
		"\"seen\":\"killed: 137: the grace expired\",\"met\":false}]")

static void assert_fits(char *text, unsigned width)
{
	for (char *line = text, *rest; (line = strtok_r(line, "\n", &rest));
		line = NULL) {
		if (terminal_columns(line) > width)
			fail_msg("wider than %u: %s", width, line);
	}
}

static void table_fits_the_terminal(void **state)
{
	static const unsigned short widths[] = {60, 72, 80, 100, 132, 160, 200};

	(void)state;
	for (size_t i = 0; i < COUNT(widths); i++) {
		SCOPED(mem_free) char *text = shown(
			RESULTS(IDLE_MAIN "," IDLE_TWIN "," LONG_UNMET "," IDLE_ROUND(
					"1", "0", "2010000000", "1", "clean", "true",
					REST_CLEAN) "," IDLE_ROUND("2", "0",
					"2040000000", "1", "clean", "true",
					REST_CLEAN) "," COMBINATION("main",
					"sequential", "20", "50000000"),
				"\"cases\":3,\"met\":2,\"unmet\":1,\"not_run\":0"),
			widths[i]);

		assert_fits(text, widths[i]);
	}
}

static void table_folds_a_reason_below_its_row(void **state)
{
	SCOPED(mem_free) char *text =
		shown(RESULTS(LONG_UNMET "," IDLE_TWIN,
			      "\"cases\":2,\"met\":1,\"unmet\":1,\"not_run\":0"),
			80);

	(void)state;
	assert_string_equal(text,
		"CASE                              RELEASED EXIT    STOP VERDICT EXPECTATIONS\n"
		"kill/20-sequential-over-the-grace   4 of 8  137 > 2.00s killed  NOT MET\n"
		"    W1 PID 1 (no-handler) has no handler for SIGTERM: the kernel discarded it\n"
		"    (seen in the signal trace)\n"
		"    verdict: wanted clean, seen killed: 137: the grace expired\n"
		"baseline/10-idle (twin)             1 of 3  137 > 2.00s killed  met\n"
		"    W1 PID 1 (no-handler) has no handler for SIGTERM: the kernel discarded it\n"
		"    (seen in the signal trace)\n\n" LEGEND_W1 LEGEND_EXPLAIN
			LEGEND_RELEASED "2 cases, 1 met, 1 not met in 34.3s\n");
}

static void table_cuts_labels_before_it_gives_up_a_range(void **state)
{
	SCOPED(mem_free) char *text = shown(
		RESULTS(LONG_UNMET "," IDLE_TWIN "," IDLE_ROUND("1", "0", "2010000000",
				"1", "clean", "true", REST_CLEAN) "," IDLE_ROUND("2",
				"0", "2040000000", "1", "clean", "true", REST_CLEAN),
			TWO_MET),
		80);

	(void)state;
	assert_non_null(strstr(text, "\nkill/20-sequential-over-… "));
	assert_non_null(strstr(text, " 2.01..2.04s "));
	assert_null(strstr(text, "MARGIN"));
}

static void table_has_colors_on_a_terminal_alone(void **state)
{
	const char *results = RESULTS(LONG_UNMET "," IDLE_TWIN,
		"\"cases\":2,\"met\":1,\"unmet\":1,\"not_run\":0");
	SCOPED(mem_free) char *coloured = NULL, *plain = NULL, *dumb = NULL,
			      *file = NULL;

	(void)state;
	plain = shown(results, 80);
	unsetenv("NO_COLOR");
	coloured = shown(results, 80);
	file = piped(results);
	setenv("TERM", "dumb", 1);
	dumb = shown(results, 80);
	assert_null(strchr(plain, '\033'));
	assert_null(strchr(file, '\033'));
	assert_null(strchr(dumb, '\033'));
	assert_non_null(strstr(coloured, "\033[31mNOT MET"));
	assert_non_null(strstr(coloured, "\033[32mmet"));
	assert_string_equal(plain, dumb);
}

static void table_shows_nothing_that_moves_the_cursor(void **state)
{
	SCOPED(mem_free) char *text = shown(
		RESULTS(ROUND("a\\u001b[2J", "main", "", "1", "0", "0", "0", "1", "1",
				"dirty", "false",
				"\"could_run\":true,\"reason\":\"x\",\"folder\":null,"
				"\"diagnoses\":[{\"id\":\"X9\",\"text\":\"one\\r\\ntwo\\u0007\"}],"
				"\"expectations\":[{\"what\":\"log\",\"wanted\":\"\\u001b[31m\","
				"\"seen\":\"a\\nb\",\"met\":false}]"),
			TWO_MET),
		120);

	(void)state;
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (unsigned char)*at >= ' ');
	assert_non_null(
		strstr(text, "\n    log: wanted " UTF8_REPLACEMENT "[31m, seen a b\n"));
}

int main(void)
{
#define TABLE(test) cmocka_unit_test_setup(test, set_terminal)
	const struct CMUnitTest tests[] = {
		TABLE(table_has_a_row_for_each_half),
		TABLE(table_leaves_out_what_nobody_has),
		TABLE(table_labels_a_twin_by_itself),
		TABLE(table_says_when_a_service_was_killed_early),
		TABLE(table_folds_the_rounds_of_a_case),
		TABLE(table_says_a_common_unit_once),
		TABLE(table_draws_a_matrix_as_a_tree_with_twins_below_their_halves),
		TABLE(table_tells_a_matrix_its_reason_once),
		TABLE(table_gives_axes_that_end_alike_their_whole_names),
		TABLE(table_is_drawn_in_ascii_where_nothing_else_is_known),
		TABLE(table_says_why_a_case_could_not_run),
		TABLE(table_gives_the_verdicts_reason_where_there_is_no_cause),
		TABLE(table_tells_such_a_reason_once),
		TABLE(table_of_nothing_is_a_summary),
		TABLE(table_fits_the_terminal),
		TABLE(table_folds_a_reason_below_its_row),
		TABLE(table_cuts_labels_before_it_gives_up_a_range),
		TABLE(table_has_colors_on_a_terminal_alone),
		TABLE(table_shows_nothing_that_moves_the_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
