#include "harness/report/progress.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/terminal.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define SECOND_MS 1000
#define TICK_EARLY_NS                                                                  \
	(50 * CLOCK_MS) /* a tick may come a moment before its second is full */

struct progress {
	FILE *out;
	bool live; /* a line that is drawn again is welcome */
	unsigned number, rounds;
	char *title; /* of the round under way, NULL: none */
	char *step;
	int64_t step_ns; /* when it began */
	bool drawn;      /* a line under way stands on the screen */
	uv_timer_t second;
};

/* In CI, logs keep every drawing of a line. */
static bool in_ci(void)
{
	const char *ci = getenv("CI");

	return ci && ci[0] && strcmp(ci, "false") != 0;
}

/* As wide as the last one's: "[ 3/18]". */
static char *number_of(const struct progress *progress)
{
	char all[16];

	snprintf(all, sizeof all, "%u", progress->rounds);
	return mem_textf("[%*u/%s]", (int)strlen(all), progress->number, all);
}

/* The step and its seconds are what moves: where there is no room for all it is the
 * title that is cut, and that much of it stays. */
#define TITLE_LEAST 16

/* What stands on the screen while the round is under way. The last column stays free: a
 * terminal that has filled it may begin a new line. */
static char *line_of(const struct progress *progress, const struct terminal *terminal)
{
	SCOPED(mem_free) char *number = number_of(progress);
	SCOPED(mem_free) char *step = mem_textf(": %s %llds", progress->step,
		(long long)((clock_now() - progress->step_ns + TICK_EARLY_NS) /
			CLOCK_S));
	SCOPED(mem_free) char *whole_step = terminal_fit(terminal, step, 0);
	unsigned room = terminal->width - 1;
	unsigned taken = (unsigned)strlen(number) + 1 + terminal_columns(whole_step);
	SCOPED(mem_free) char *title = terminal_fit(terminal, progress->title,
		room > taken + TITLE_LEAST ? room - taken : TITLE_LEAST);
	SCOPED(mem_free) char *line = mem_textf("%s %s%s", number, title, whole_step);

	return terminal_fit(terminal, line, room);
}

/* One write: over what is there, then to the end of the line. Nothing flickers. */
static void draw(struct progress *progress)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *line = NULL;

	if (!progress->live || !progress->title || terminal.width < 2)
		return;
	line = line_of(progress, &terminal);
	fprintf(progress->out, "\r%s\033[K", line);
	fflush(progress->out);
	progress->drawn = true;
}

/* What makes room for a line that stays. */
static const char *wiping(struct progress *progress)
{
	bool drawn = progress->drawn;

	progress->drawn = false;
	return drawn ? "\r\033[K" : "";
}

static void on_second(uv_timer_t *timer)
{
	draw(timer->data);
}

struct progress *progress_create(uv_loop_t *loop, FILE *out, unsigned rounds)
{
	struct progress *progress = mem_zeroed(sizeof *progress);

	progress->out = out;
	progress->rounds = rounds;
	progress->live = terminal_of(out).live && !in_ci();
	uv_timer_init(loop, &progress->second);
	progress->second.data = progress;
	if (progress->live)
		uv_timer_start(&progress->second, on_second, SECOND_MS, SECOND_MS);
	uv_unref((uv_handle_t *)&progress->second);
	return progress;
}

static void on_closed(uv_handle_t *handle)
{
	struct progress *progress = handle->data;

	free(progress->title);
	free(progress->step);
	free(progress);
}

void progress_destroy(struct progress *progress)
{
	if (!progress)
		return;
	/* What comes next stands apart from what scrolled by. */
	fprintf(progress->out, "%s%s", wiping(progress), progress->live ? "\n" : "");
	fflush(progress->out);
	uv_close((uv_handle_t *)&progress->second, on_closed);
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = mem_text(value);
}

void progress_round(struct progress *progress, const char *title)
{
	progress->number++;
	set_text(&progress->title, title);
	progress_step(progress, "starting");
}

void progress_step(struct progress *progress, const char *what)
{
	set_text(&progress->step, what);
	progress->step_ns = clock_now();
	draw(progress);
}

static const char *mark_of(enum progress_mark mark)
{
	switch (mark) {
	case PROGRESS_MET:
		return "ok      ";
	case PROGRESS_UNMET:
		return "NOT MET ";
	case PROGRESS_NOT_RUN:
		return "NOT RUN ";
	}
	return "";
}

static const char *colour_of(const struct terminal *terminal, enum progress_mark mark)
{
	switch (mark) {
	case PROGRESS_MET:
		return terminal_green(terminal);
	case PROGRESS_UNMET:
		return terminal_red(terminal);
	case PROGRESS_NOT_RUN:
		return terminal_yellow(terminal);
	}
	return "";
}

void progress_over(struct progress *progress, enum progress_mark mark, const char *what)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *number = number_of(progress);
	SCOPED(mem_free) char *text =
		mem_textf("%s: %s", progress->title ? progress->title : "", what);
	SCOPED(mem_free) char *line = terminal_fit(&terminal, text, 0);

	fprintf(progress->out, "%s%s %s%s%s %s\n", wiping(progress), number,
		colour_of(&terminal, mark), mark_of(mark), terminal_plain(&terminal),
		line);
	fflush(progress->out);
	set_text(&progress->title, NULL);
}

void progress_say(struct progress *progress, const char *line)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *text = terminal_fit(&terminal, line, 0);

	fprintf(progress->out, "%s%s\n", wiping(progress), text);
	fflush(progress->out);
	draw(progress);
}
