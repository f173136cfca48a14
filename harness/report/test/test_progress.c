#include "harness/report/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "harness/report/terminal.h"
#include "lib/buf.h"
#include "lib/mem.h"
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

static void two_rounds(struct progress_scene *scene)
{
	begin(scene, 12);
	begin_round(scene, "kill/10-x");
	progress_step(scene->progress, scene->round, "stopping");
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

static void progress_draws_its_line_over_the_last_one(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene, "kill/10-x");
	assert_string_equal(output_of(scene), "\r[1/3] kill/10-x: starting 0s\033[K");
	progress_step(scene->progress, scene->round, "stopping");
	assert_string_equal(output_of(scene), "\r[1/3] kill/10-x: stopping 0s\033[K");
	progress_over(scene->progress, scene->round, PROGRESS_MET, "clean");
	assert_string_equal(
		output_of(scene), "\r\033[K[1/3] ok       kill/10-x: clean\n");
}

static void progress_draws_the_round_that_began_first(void **state)
{
	struct progress_scene *scene = *state;
	struct progress_round *first;

	begin(scene, 3);
	begin_round(scene, "a");
	first = scene->round;
	begin_round(scene, "b");
	output_of(scene);
	progress_step(scene->progress, first, "stopping");
	assert_string_equal(output_of(scene), "\r[1/3] a: stopping 0s, 1 more\033[K");
	progress_over(scene->progress, first, PROGRESS_MET, "clean");
	assert_string_equal(output_of(scene),
		"\r\033[K[1/3] ok       a: clean\n\r[2/3] b: starting 0s\033[K");
}

static void progress_keeps_what_was_said_above_its_line(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	progress_say(scene->progress, "before");
	assert_string_equal(output_of(scene), "before\n");
	begin_round(scene, "a");
	output_of(scene);
	progress_say(scene->progress, "meanwhile");
	assert_string_equal(
		output_of(scene), "\r\033[Kmeanwhile\n\r[1/3] a: starting 0s\033[K");
}

static void progress_cuts_the_title_and_keeps_the_step(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 3);
	begin_round(scene,
		"history/10-before-and-after service.env.DISCONNECT=none (twin)");
	output_of(scene);
	progress_step(scene->progress, scene->round, "opening 20 sessions");
	/* One column less than there are: a full line may wrap. */
	assert_string_equal(output_of(scene),
		"\r[1/3] history/10-before-and-after …: opening 20 sessions 0s\033[K");
}

static void progress_is_never_wider_than_the_terminal(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 1000);
	for (unsigned short width = 2; width < 90; width++) {
		struct winsize size = {.ws_col = width, .ws_row = 25};
		char *line;

		ioctl(scene->reader, TIOCSWINSZ, &size);
		begin_round(scene,
			"\u65e5\u672c\u8a9e \u65e5\u672c\u8a9e \u65e5\u672c\u8a9e "
			"\u65e5\u672c\u8a9e kill/20-sequential-over-grace");
		output_of(scene);
		progress_step(scene->progress, scene->round,
			"waiting until it is ready, which takes long");
		output_of(scene);
		line = strndup(
			scene->text.data + 1, strcspn(scene->text.data, "\033") - 1);
		assert_true(terminal_columns(line) < width);
		free(line);
	}
}

static void on_timer(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
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
	assert_non_null(strstr(output_of(scene), "\r[1/1] a: starting 1s\033[K"));
	progress_step(scene->progress, scene->round, "stopping");
	assert_string_equal(output_of(scene), "\r[1/1] a: stopping 0s\033[K");
}

static void progress_shows_nothing_that_moves_the_cursor(void **state)
{
	struct progress_scene *scene = *state;

	begin(scene, 1);
	begin_round(scene, "a\033[2J");
	progress_step(scene->progress, scene->round, "b\r\nc");
	progress_over(scene->progress, scene->round, PROGRESS_UNMET,
		"last line: \033]0;x\007\n");
	output_of(scene);
	/* What it draws with is all that there is: \r, the end of line and \033[K. */
	for (const char *at = scene->text.data; *at; at++) {
		if (strncmp(at, "\033[K", 3) == 0)
			at += 2;
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
	assert_string_equal(output_of(scene), "\r\033[K\n");
}

static void progress_marks_in_colors_where_there_are_some(void **state)
{
	struct progress_scene *scene = *state;

	unsetenv("NO_COLOR");
	begin(scene, 2);
	begin_round(scene, "a");
	output_of(scene);
	progress_over(scene->progress, scene->round, PROGRESS_UNMET, "killed");
	assert_string_equal(output_of(scene),
		"\r\033[K[1/2] \033[1;31mNOT MET \033[0m a: killed\n");
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
		TERMINAL(progress_draws_its_line_over_the_last_one),
		TERMINAL(progress_draws_the_round_that_began_first),
		TERMINAL(progress_keeps_what_was_said_above_its_line),
		TERMINAL(progress_cuts_the_title_and_keeps_the_step),
		TERMINAL(progress_is_never_wider_than_the_terminal),
		TERMINAL(progress_counts_the_seconds_of_a_step),
		TERMINAL(progress_shows_nothing_that_moves_the_cursor),
		TERMINAL(progress_leaves_a_clean_line_behind),
		TERMINAL(progress_marks_in_colors_where_there_are_some),
		cmocka_unit_test(progress_that_never_was_may_be_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
