#include "harness/report/progress.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/terminal.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define SECOND_MS     1000
#define TICK_EARLY_NS (50 * CLOCK_MS) /* a tick may come before its second is full */

struct progress_round {
	struct progress_round *next; /* began later */
	char *title;
	char *step;
	int64_t step_ns; /* when it began */
};

struct progress {
	FILE *out;
	bool live; /* a line can be drawn again */
	unsigned over, rounds;
	struct progress_round *under_way;
	bool drawn; /* a line under way stands on the screen */
	uv_timer_t second;
};

/* The log of a CI keeps every drawing of a line. */
static bool in_ci(void)
{
	const char *ci = getenv("CI");

	return ci && ci[0] && strcmp(ci, "false") != 0;
}

/* As wide as the last round's: "[ 3/18]". */
static char *number_of(const struct progress *progress, unsigned number)
{
	char all[16];

	snprintf(all, sizeof all, "%u", progress->rounds);
	return mem_textf("[%*u/%s]", (int)strlen(all), number, all);
}

/* ": stopping 4s, 1 more" */
static char *step_of(const struct progress *progress)
{
	const struct progress_round *round = progress->under_way;
	int64_t ns = clock_now() - round->step_ns + TICK_EARLY_NS;
	unsigned more = 0;

	for (const struct progress_round *next = round->next; next; next = next->next)
		more++;
	return more ? mem_textf(": %s %llds, %u more", round->step,
			      (long long)(ns / CLOCK_S), more)
		    : mem_textf(": %s %llds", round->step, (long long)(ns / CLOCK_S));
}

/* Where there is no room for the whole line the title is cut, down to this many
 * columns: the step and its seconds are the news. */
#define TITLE_LEAST 16

/* The line of the round under way. The last column stays free, because a terminal may
 * begin a new line behind it. */
static char *line_of(const struct progress *progress, const struct terminal *terminal)
{
	SCOPED(mem_free) char *number = number_of(progress, progress->over + 1);
	SCOPED(mem_free) char *step = step_of(progress);
	SCOPED(mem_free) char *whole_step = terminal_fit(terminal, step, 0);
	unsigned room = terminal->width - 1;
	unsigned taken = (unsigned)strlen(number) + 1 + terminal_columns(whole_step);
	SCOPED(mem_free) char *title =
		terminal_fit(terminal, progress->under_way->title,
			room > taken + TITLE_LEAST ? room - taken : TITLE_LEAST);
	SCOPED(mem_free) char *line = mem_textf("%s %s%s", number, title, whole_step);

	return terminal_fit(terminal, line, room);
}

/* One write, so that nothing flickers: over the old line, then to its end. */
static void draw(struct progress *progress)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *line = NULL;

	if (!progress->live || !progress->under_way || terminal.width < 2)
		return;
	line = line_of(progress, &terminal);
	fprintf(progress->out, "\r%s\033[K", line);
	fflush(progress->out);
	progress->drawn = true;
}

/* The sequence that makes room for a line that stays. */
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

static void free_round(struct progress_round *round)
{
	free(round->title);
	free(round->step);
	free(round);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void progress_destroy(struct progress *progress)
{
	if (!progress)
		return;
	/* An empty line parts the progress from the results. */
	fprintf(progress->out, "%s%s", wiping(progress), progress->live ? "\n" : "");
	fflush(progress->out);
	while (progress->under_way) {
		struct progress_round *round = progress->under_way;

		progress->under_way = round->next;
		free_round(round);
	}
	uv_close((uv_handle_t *)&progress->second, on_closed);
}

struct progress_round *progress_begin(struct progress *progress, const char *title)
{
	struct progress_round *round = mem_zeroed(sizeof *round);
	struct progress_round **end = &progress->under_way;

	while (*end)
		end = &(*end)->next;
	*end = round;
	round->title = mem_text(title);
	progress_step(progress, round, "starting");
	return round;
}

void progress_step(
	struct progress *progress, struct progress_round *round, const char *what)
{
	free(round->step);
	round->step = mem_text(what);
	round->step_ns = clock_now();
	draw(progress);
}

void progress_over(struct progress *progress, struct progress_round *round,
	enum progress_mark mark, const char *what)
{
	struct terminal terminal = terminal_of(progress->out);
	struct progress_round **at = &progress->under_way;
	SCOPED(mem_free) char *number = number_of(progress, ++progress->over);
	SCOPED(mem_free) char *text = mem_textf("%s: %s", round->title, what);
	SCOPED(mem_free) char *line = terminal_fit(&terminal, text, 0);
	const struct {
		const char *color, *text;
	} marks[] = {
		[PROGRESS_MET] = {terminal.green, "ok      "},
		[PROGRESS_UNMET] = {terminal.red, "NOT MET "},
		[PROGRESS_NOT_RUN] = {terminal.yellow, "NOT RUN "},
	};

	fprintf(progress->out, "%s%s %s%s%s %s\n", wiping(progress), number,
		marks[mark].color, marks[mark].text, terminal.plain, line);
	fflush(progress->out);
	while (*at != round)
		at = &(*at)->next;
	*at = round->next;
	free_round(round);
	draw(progress);
}

void progress_say(struct progress *progress, const char *line)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *text = terminal_fit(&terminal, line, 0);

	fprintf(progress->out, "%s%s\n", wiping(progress), text);
	fflush(progress->out);
	draw(progress);
}
