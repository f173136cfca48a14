#include "harness/report/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/terminal.h"
#include "lib/utf8.h"

#define WIDTH 60

/* A progress on a terminal, or on a pipe, and who reads there. */
struct progress_scene {
	uv_loop_t loop;
	FILE *out;
	int reader;
	struct buf text;
	struct progress *progress;
	struct progress_round *round; /* that began last */
};

static void set_surroundings(void)
{
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	unsetenv("CI");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

static struct progress_scene *open_on(int reader, int writer)
{
	struct progress_scene *scene = mem_zeroed(sizeof *scene);

	scene->reader = reader;
	scene->out = fdopen(writer, "w");
	assert_non_null(scene->out);
	setvbuf(scene->out, NULL, _IONBF, 0); /* as stderr is */
	fcntl(reader, F_SETFL, O_NONBLOCK);
	uv_loop_init(&scene->loop);
	return scene;
}

static int open_terminal(void **state)
{
	struct winsize size = {.ws_col = WIDTH, .ws_row = 25};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;
	int inside;

	set_surroundings();
	if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
		return -1;
	ioctl(terminal, TIOCSWINSZ, &size);
	inside = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(inside, &raw);
	cfmakeraw(&raw);
	tcsetattr(inside, TCSANOW, &raw);
	*state = open_on(terminal, inside);
	return 0;
}

static int open_pipe(void **state)
{
	int ends[2];

	set_surroundings();
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	*state = open_on(ends[0], ends[1]);
	return 0;
}

static int close_scene(void **state)
{
	struct progress_scene *scene = *state;

	progress_destroy(scene->progress);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	fclose(scene->out);
	close(scene->reader);
	buf_done(&scene->text);
	free(scene);
	return 0;
}

static void begin(struct progress_scene *scene, unsigned rounds)
{
	scene->progress = progress_create(&scene->loop, scene->out, rounds);
}

static void step(struct progress_scene *scene, const char *what)
{
	progress_step(scene->progress, scene->round, &(struct case_step){.what = what});
}

static void begin_round(struct progress_scene *scene, const char *title)
{
	scene->round = progress_begin(scene->progress, title);
}

/* What was written since the last time. */
static const char *output_of(struct progress_scene *scene)
{
	char block[4096];
	ssize_t len;

	buf_clear(&scene->text);
	while ((len = read(scene->reader, block, sizeof block)) > 0)
		buf_add(&scene->text, block, (size_t)len);
	return buf_text(&scene->text);
}

static void set_size(struct progress_scene *scene, unsigned columns, unsigned rows)
{
	struct winsize size = {
		.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};

	ioctl(scene->reader, TIOCSWINSZ, &size);
}

static void two_rounds(struct progress_scene *scene)
{
	begin(scene, 12);
	begin_round(scene, "kill/10-x");
	step(scene, "stopping");
	progress_over(scene->progress, scene->round, PROGRESS_MET, "clean: 418us");
	begin_round(scene, "kill/10-x (twin)");
	progress_over(scene->progress, scene->round, PROGRESS_UNMET, "killed: 137");
	progress_say(scene->progress, "  see reports/failed/x/why.txt");
	begin_round(scene, "kill/20-y");
	progress_over(scene->progress, scene->round, PROGRESS_NOT_RUN,
		"could not run: no image");
}

static const char two_rounds_plainly[] =
	"[ 1/12] ok       kill/10-x: clean: 418us\n"
	"[ 2/12] NOT MET  kill/10-x (twin): killed: 137\n"
	"  see reports/failed/x/why.txt\n"
	"[ 3/12] NOT RUN  kill/20-y: could not run: no image\n";

static void progress_has_a_line_for_each_round_in_a_pipe(void **state)
{
	struct progress_scene *scene = *state;

	two_rounds(scene);
	assert_string_equal(output_of(scene), two_rounds_plainly);
}

static void progress_is_as_plain_in_ci(void **state)
{
	struct progress_scene *scene = *state;

	setenv("CI", "true", 1);
	two_rounds(scene);
	assert_string_equal(output_of(scene), two_rounds_plainly);
}

static void progress_is_as_plain_on_a_dumb_terminal(void **state)
{
	struct progress_scene *scene = *state;

	setenv("TERM", "dumb", 1);
	two_rounds(scene);
	assert_string_equal(output_of(scene), two_rounds_plainly);
}

static void on_timer(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
}

/* The way back to the first of so many lines, and the end of all. */
#define WIPE_2 "\r\033[1A\033[J"
#define WIPE_3 "\r\033[2A\033[J"

static void progress_draws_its_lines_over_the_last_ones(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene, "kill/10-x");
	assert_string_equal(output_of(scene), "kill/10-x  starting 0s\n0 of 3 done");
	step(scene, "stopping");
	assert_string_equal(
		output_of(scene), WIPE_2 "kill/10-x  stopping 0s\n0 of 3 done");
	progress_over(scene->progress, scene->round, PROGRESS_MET, "clean");
	assert_string_equal(
		output_of(scene), WIPE_2 "[1/3] ok       kill/10-x: clean\n");
}

static void progress_has_a_line_for_each_round_under_way(void **state)
{
	struct progress_scene *scene = *state;
	struct progress_round *first;

	begin(scene, 3);
	begin_round(scene, "a");
	first = scene->round;
	begin_round(scene, "b, longer");
	output_of(scene);
	progress_step(scene->progress, first, &(struct case_step){.what = "stopping"});
	assert_string_equal(output_of(scene),
		WIPE_3 "a          stopping 0s\nb, longer  starting 0s\n0 of 3 done");
	progress_over(scene->progress, first, PROGRESS_UNMET, "killed");
	assert_string_equal(output_of(scene),
		WIPE_3 "[1/3] NOT MET  a: killed\n"
		       "b, longer  starting 0s\n1 of 3 done, 1 not met");
}

static void progress_shows_the_grace_and_the_sessions(void **state)
{
	static const struct {
		double asked_s, grace_s; /* so long ago; 0: not yet */
		unsigned sessions;
		const char *shown;
	} rows[] = {
		{0, 10, 0, "stopping 0s"},
		{0, 10, 1, "stopping 0s, 1 session open"},
		{3.2, 10, 20, "stopping 3s, 7s left, 20 sessions open"},
		{0.2, 0.5, 0, "stopping 0s, 1s left"},
		{2.2, 2, 2, "stopping 2s, 0s left, 2 sessions open"},
		{5.2, 2, 0, "stopping 5s, 3s over its grace"},
	};
	struct progress_scene *scene = *state;

	begin(scene, 1);
	begin_round(scene, "a");
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ago_ns = (int64_t)(rows[i].asked_s * (double)CLOCK_S);
		SCOPED(mem_free)
		char *line = mem_textf("a  %s\n0 of 1 done", rows[i].shown);

		output_of(scene);
		progress_step(scene->progress, scene->round,
			&(struct case_step){
				.what = "stopping",
				.sessions = rows[i].sessions,
				.asked_ns = ago_ns ? clock_now() - ago_ns : 0,
				.grace_ns =
					(int64_t)(rows[i].grace_s * (double)CLOCK_S),
			});
		if (!strstr(output_of(scene), line))
			fail_msg("%s\n%s", rows[i].shown, scene->text.data);
	}
}

static void progress_estimates_what_is_left(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 1000);
	for (unsigned i = 0; i < 3; i++) {
		begin_round(scene, "a");
		assert_null(strstr(output_of(scene), "left"));
		progress_over(scene->progress, scene->round, PROGRESS_MET, "clean");
	}
	begin_round(scene, "a");
	/* Not a second has passed. */
	assert_non_null(strstr(output_of(scene), "3 of 1000 done, about 5s left"));
}

static void progress_shows_no_more_rounds_than_half_the_rows_hold(void **state)
{
	static const struct {
		unsigned rows;
		const char *shown;
	} heights[] = {
		{25, "a\na\na\na\na\na\n0 of 9 done"},
		{8, "a\na\na\n0 of 9 done, and 3 more running"},
		{4, "a\n0 of 9 done, and 5 more running"},
		{2, "0 of 9 done, and 6 more running"},
		{1, "0 of 9 done, and 6 more running"},
	};
	struct progress_scene *scene = *state;

	begin(scene, 9);
	for (unsigned i = 0; i < 6; i++)
		begin_round(scene, "a");
	for (size_t i = 0; i < COUNT(heights); i++) {
		SCOPED(buf_done) struct buf shown = {0};

		set_size(scene, WIDTH, heights[i].rows);
		output_of(scene);
		step(scene, "starting");
		for (const char *at = strrchr(output_of(scene), 'J') + 1; *at; at++)
			buf_add(&shown, at, 1);
		for (char *at; (at = strstr(buf_text(&shown), "  starting 0s"));)
			memmove(at, at + 13, strlen(at + 13) + 1);
		assert_string_equal(buf_text(&shown), heights[i].shown);
	}
}

static void progress_keeps_what_was_said_above_its_lines(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	progress_say(scene->progress, "before");
	assert_string_equal(output_of(scene), "before\n");
	begin_round(scene, "a");
	output_of(scene);
	progress_say(scene->progress, "meanwhile");
	assert_string_equal(
		output_of(scene), WIPE_2 "meanwhile\na  starting 0s\n0 of 3 done");
}

static void progress_cuts_the_middle_of_a_title(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene,
		"history/10-before-and-after service.env.DISCONNECT=none (twin)");
	output_of(scene);
	step(scene, "opening 20 sessions");
	/* One column less than there are: a full line may wrap. */
	assert_non_null(strstr(output_of(scene),
		"\033[Jhistory/10-befor\u2026ONNECT=none (twin)"
		"  opening 20 sessions 0s\n"));
}

static void progress_leaves_sessions_out_where_there_is_no_room(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene, "history/10-before-and-after load.sessions=3");
	set_size(scene, 40, 24);
	progress_step(scene->progress, scene->round,
		&(struct case_step){.what = "stopping",
			.sessions = 20,
			.asked_ns = clock_now(),
			.grace_ns = 10 * CLOCK_S});
	assert_non_null(strstr(
		output_of(scene), "history\u2026ssions=3  stopping 0s, 10s left\n"));
}

/* Of each line, and of the last so much that a "^C" behind it fits. */
static void progress_is_never_wider_than_the_terminal(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 1000);
	begin_round(scene,
		"\u65e5\u672c\u8a9e \u65e5\u672c\u8a9e \u65e5\u672c\u8a9e "
		"\u65e5\u672c\u8a9e kill/20-sequential-over-grace");
	for (unsigned width = 2; width < 90; width++) {
		char *at, *line;

		set_size(scene, width, 25);
		output_of(scene);
		step(scene, "waiting until it is ready, which takes long");
		output_of(scene);
		at = strrchr(scene->text.data, 'J');
		at = at ? at + 1 : scene->text.data;
		while ((line = strsep(&at, "\n")))
			assert_true(terminal_columns(line) + (at ? 0 : 2) < width ||
				width <= 3);
	}
}

static void progress_finds_its_lines_when_the_terminal_was_made_narrower(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene, "kill/20-sequential-over-grace");
	assert_string_equal(output_of(scene),
		"kill/20-sequential-over-grace  starting 0s\n0 of 3 done");
	/* 42 columns are three rows of 20. */
	set_size(scene, 20, 25);
	step(scene, "starting");
	assert_int_equal(strncmp(output_of(scene), "\r\033[3A\033[J", 8), 0);
}

static void progress_draws_again_when_the_terminal_is_resized(void **state)
{
	struct progress_scene *scene = *state;
	uv_timer_t timer;

	begin(scene, 3);
	begin_round(scene, "a");
	output_of(scene);
	uv_timer_init(&scene->loop, &timer);
	uv_timer_start(
		&timer, on_timer, 20, 0); /* an unreferenced handle is not polled */
	raise(SIGWINCH);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(output_of(scene), WIPE_2 "a  starting 0s\n0 of 3 done");
}

/* From then on a signal may kill the process at any time. */
static void progress_leaves_nothing_once_it_is_interrupted(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene, "a");
	output_of(scene);
	progress_interrupt(scene->progress);
	assert_string_equal(output_of(scene),
		WIPE_2 "interrupted: 1 case is brought down (again: at once)\n");
	step(scene, "stopping");
	assert_string_equal(output_of(scene), "");
	progress_over(scene->progress, scene->round, PROGRESS_NOT_RUN, "interrupted");
	assert_string_equal(output_of(scene), "[1/3] NOT RUN  a: interrupted\n");
}

static void progress_leaves_nothing_when_the_program_crashes(void **state)
{
	struct progress_scene *scene = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* In place of what cmocka, or a sanitizer, does with them. */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		begin(scene, 3);
		begin_round(scene, "a");
		/* A child of it has no lines there. */
		pid = fork();
		if (pid == 0)
			raise(SIGABRT);
		waitpid(pid, &status, 0);
		raise(SIGSEGV);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_string_equal(output_of(scene), "a  starting 0s\n0 of 3 done" WIPE_2);
}

static void progress_counts_the_seconds_of_a_step(void **state)
{
	struct progress_scene *scene = *state;
	uv_timer_t timer;

	begin(scene, 1);
	begin_round(scene, "a");
	output_of(scene);
	uv_timer_init(&scene->loop, &timer);
	uv_timer_start(&timer, on_timer, 1500, 0);
	uv_run(&scene->loop, UV_RUN_DEFAULT); /* ends: progress keeps no loop running */
	assert_non_null(strstr(output_of(scene), "\033[Ja  starting 1s\n"));
	step(scene, "starting");
	assert_non_null(strstr(output_of(scene), "\033[Ja  starting 1s\n"));
	step(scene, "stopping");
	assert_non_null(strstr(output_of(scene), "\033[Ja  stopping 0s\n"));
}

static void progress_shows_nothing_that_moves_the_cursor(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 1);
	begin_round(scene, "a\033[2J");
	step(scene, "b\r\nc");
	progress_over(scene->progress, scene->round, PROGRESS_UNMET,
		"last line: \033]0;x\007\n");
	output_of(scene);
	/* What it draws with is all that there is: the way back and the end of line. */
	for (const char *at = scene->text.data; *at; at++) {
		if (strncmp(at, WIPE_2, strlen(WIPE_2)) == 0)
			at += strlen(WIPE_2) - 1;
		else
			assert_true(*at == '\r' || *at == '\n' ||
				(unsigned char)*at >= ' ');
	}
	assert_non_null(strstr(scene->text.data,
		"] NOT MET  a" UTF8_REPLACEMENT "[2J: last line: " UTF8_REPLACEMENT
		"]0;x" UTF8_REPLACEMENT " \n"));
}

static void progress_leaves_a_clean_line_behind(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 2);
	begin_round(scene, "a");
	output_of(scene);
	progress_destroy(scene->progress);
	scene->progress = NULL;
	assert_string_equal(output_of(scene), WIPE_2 "\n");
}

static void progress_marks_in_colors_where_there_are_some(void **state)
{
	struct progress_scene *scene = *state;

	unsetenv("NO_COLOR");
	begin(scene, 2);
	begin_round(scene, "a");
	output_of(scene);
	progress_over(scene->progress, scene->round, PROGRESS_UNMET, "killed");
	assert_string_equal(
		output_of(scene), WIPE_2 "[1/2] \033[1;31mNOT MET \033[0m a: killed\n");
}

static void progress_that_never_was_may_be_destroyed(void **state)
{
	(void)state;
	progress_destroy(NULL);
}

int main(void)
{
#define TERMINAL(test) cmocka_unit_test_setup_teardown(test, open_terminal, close_scene)
#define PIPE(test)     cmocka_unit_test_setup_teardown(test, open_pipe, close_scene)
	const struct CMUnitTest tests[] = {
		PIPE(progress_has_a_line_for_each_round_in_a_pipe),
		TERMINAL(progress_is_as_plain_in_ci),
		TERMINAL(progress_is_as_plain_on_a_dumb_terminal),
		TERMINAL(progress_draws_its_lines_over_the_last_ones),
		TERMINAL(progress_has_a_line_for_each_round_under_way),
		TERMINAL(progress_shows_the_grace_and_the_sessions),
		TERMINAL(progress_estimates_what_is_left),
		TERMINAL(progress_shows_no_more_rounds_than_half_the_rows_hold),
		TERMINAL(progress_keeps_what_was_said_above_its_lines),
		TERMINAL(progress_cuts_the_middle_of_a_title),
		TERMINAL(progress_leaves_sessions_out_where_there_is_no_room),
		TERMINAL(progress_finds_its_lines_when_the_terminal_was_made_narrower),
		TERMINAL(progress_draws_again_when_the_terminal_is_resized),
		TERMINAL(progress_leaves_nothing_once_it_is_interrupted),
		TERMINAL(progress_leaves_nothing_when_the_program_crashes),
		TERMINAL(progress_is_never_wider_than_the_terminal),
		TERMINAL(progress_counts_the_seconds_of_a_step),
		TERMINAL(progress_shows_nothing_that_moves_the_cursor),
		TERMINAL(progress_leaves_a_clean_line_behind),
		TERMINAL(progress_marks_in_colors_where_there_are_some),
		cmocka_unit_test(progress_that_never_was_may_be_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
