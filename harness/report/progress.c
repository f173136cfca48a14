#include "harness/report/progress.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/live_area.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define SECOND_MS      1000
#define TICK_EARLY_NS  (50 * CLOCK_MS) /* a tick may come before its second is full */
#define HANDLES        3
#define TITLE_LEAST    16 /* columns */
#define ECHO_WIDTH     3  /* "^C", and the last column */
#define ESTIMATE_LEAST 3  /* rounds that are over before the rest is estimated */

struct progress_round {
	struct progress_round *next; /* began later */
	char *title;
	char *what;      /* it is doing */
	int64_t what_ns; /* when that began */
	unsigned sessions;
	int64_t asked_ns, grace_ns; /* as in case_step.h */
};

struct progress {
	FILE *out;
	unsigned over, unmet, rounds;
	struct progress_round *under_way;
	int64_t began_ns;       /* the first round; 0: not yet */
	struct live_area *area; /* NULL: lines cannot be drawn again, or no more */
	uv_timer_t second;
	uv_signal_t resized, suspended;
	unsigned open; /* handles */
};

static uv_handle_t *handle_of(struct progress *progress, unsigned i)
{
	uv_handle_t *handles[HANDLES] = {(uv_handle_t *)&progress->second,
		(uv_handle_t *)&progress->resized, (uv_handle_t *)&progress->suspended};

	return handles[i];
}

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

/* --- the live view --- */

static int64_t seconds_since(int64_t ns)
{
	return (clock_now() - ns + TICK_EARLY_NS) / CLOCK_S;
}

/* "stopping 4s, 6s left, 3 sessions open" */
static char *status_of(const struct progress_round *round, bool with_sessions)
{
	int64_t left_ns = round->grace_ns - seconds_since(round->asked_ns) * CLOCK_S;
	struct buf text = {0};

	buf_addf(&text, "%s %llds", round->what,
		(long long)seconds_since(
			round->asked_ns ? round->asked_ns : round->what_ns));
	if (round->asked_ns && left_ns >= 0)
		buf_addf(&text, ", %llds left",
			(long long)((left_ns + CLOCK_S - 1) / CLOCK_S));
	else if (round->asked_ns)
		buf_addf(&text, ", %llds over its grace",
			(long long)((-left_ns + CLOCK_S - 1) / CLOCK_S));
	if (with_sessions && round->sessions > 0)
		buf_addf(&text, ", %u session%s open", round->sessions,
			round->sessions == 1 ? "" : "s");
	return buf_take(&text);
}

/* "about 40s left": as long for each round as for those that are over. */
static void add_estimate(struct buf *text, const struct progress *progress)
{
	int64_t so_far_s = (clock_now() - progress->began_ns) / CLOCK_S;
	int64_t left_s;

	if (progress->over < ESTIMATE_LEAST)
		return;
	left_s = so_far_s * (progress->rounds - progress->over) / progress->over;
	if (left_s < 90)
		buf_addf(text, ", about %llds left", (long long)(left_s + 5) / 5 * 5);
	else if (left_s < 90 * 60)
		buf_addf(text, ", about %lldm left", (long long)(left_s + 59) / 60);
	else
		buf_addf(text, ", about %lldh left", (long long)(left_s + 3599) / 3600);
}

/* "3 of 18 done, 2 more running, about 40s left, 1 not met" */
static char *summary_of(const struct progress *progress, unsigned more)
{
	struct buf text = {0};

	buf_addf(&text, "%u of %u done", progress->over, progress->rounds);
	if (more > 0)
		buf_addf(&text, ", and %u more running", more);
	add_estimate(&text, progress);
	if (progress->unmet > 0)
		buf_addf(&text, ", %u not met", progress->unmet);
	return buf_take(&text);
}

static unsigned most(unsigned one, unsigned other)
{
	return one > other ? one : other;
}

/* A title of `width` columns or fewer. What tells two of them apart, the axes and the
 * half, stands at the end: the middle is cut. */
static char *title_of(const struct terminal *terminal,
	const struct progress_round *round, unsigned width)
{
	SCOPED(mem_free) char *whole = terminal_fit(terminal, round->title, 0);
	SCOPED(mem_free) char *head = terminal_fit(terminal, whole, width / 2);
	const char *tail = whole;

	if (terminal_columns(whole) <= width)
		return mem_text(whole);
	while (*tail &&
		((*tail & 0xc0) == 0x80 ||
			terminal_columns(tail) > width - terminal_columns(head)))
		tail++;
	return mem_textf("%s%s", head, tail);
}

/* The columns of the rounds' lines: the title, and what it does. */
struct columns {
	unsigned title_width;
	bool with_sessions; /* there is room for them */
};

/* Where there is no room titles are cut, down to TITLE_LEAST columns. */
static struct columns fit_columns(const struct progress_round *round,
	const struct terminal *terminal, unsigned count, unsigned room)
{
	unsigned title_width = 0, width[2] = {0};
	struct columns columns;

	for (unsigned i = 0; i < count; i++, round = round->next) {
		SCOPED(mem_free) char *title = terminal_fit(terminal, round->title, 0);

		title_width = most(title_width, terminal_columns(title));
		for (unsigned full = 0; full < 2; full++) {
			SCOPED(mem_free) char *status = status_of(round, full);

			width[full] = most(width[full], terminal_columns(status));
		}
	}
	columns.with_sessions = TITLE_LEAST + 2 + width[1] <= room;
	columns.title_width = title_width;
	if (title_width + 2 + width[columns.with_sessions] > room)
		columns.title_width = most(TITLE_LEAST,
			most(room, 2 + width[columns.with_sessions]) - 2 -
				width[columns.with_sessions]);
	return columns;
}

/* The last column stays free, because a terminal may begin a new line behind it. */
static void add_rounds(struct strlist *lines, const struct progress *progress,
	const struct terminal *terminal, unsigned count)
{
	const struct progress_round *round = progress->under_way;
	unsigned room = terminal->width - 1;
	struct columns columns = fit_columns(round, terminal, count, room);

	for (unsigned i = 0; i < count; i++, round = round->next) {
		SCOPED(mem_free)
		char *title = title_of(terminal, round, columns.title_width);
		SCOPED(mem_free) char *status = status_of(round, columns.with_sessions);
		SCOPED(mem_free)
		char *line = mem_textf("%s%*s  %s", title,
			(int)(columns.title_width - terminal_columns(title)), "",
			status);
		SCOPED(mem_free) char *fitted = terminal_fit(terminal, line, room);

		strlist_add(lines, "%s", fitted);
	}
}

/* The rounds that began first, as many as half of the terminal holds, and the summary,
 * behind which a terminal has room to echo "^C". */
static struct strlist lines_of(const struct progress *progress)
{
	struct terminal terminal = terminal_of(progress->out);
	unsigned rows = most(terminal.height / 2, 1) - 1;
	unsigned running = 0, shown;
	struct strlist lines = {0};

	for (const struct progress_round *round = progress->under_way; round;
		round = round->next)
		running++;
	shown = running < rows ? running : rows;
	if (running > 0 && terminal.width > ECHO_WIDTH) {
		SCOPED(mem_free) char *summary = summary_of(progress, running - shown);
		SCOPED(mem_free)
		char *fitted =
			terminal_fit(&terminal, summary, terminal.width - ECHO_WIDTH);

		add_rounds(&lines, progress, &terminal, shown);
		strlist_add(&lines, "%s", fitted);
	}
	return lines;
}

/* `above`: whole lines that stay. */
static void draw(struct progress *progress, const char *above)
{
	SCOPED(strlist_done) struct strlist lines = {0};

	if (!progress->area) {
		fputs(above, progress->out);
		fflush(progress->out);
		return;
	}
	lines = lines_of(progress);
	live_area_draw(progress->area, above, &lines);
}

static void on_second(uv_timer_t *timer)
{
	draw(timer->data, "");
}

static void on_resized(uv_signal_t *signal, int number UNUSED)
{
	draw(signal->data, "");
}

/* A Ctrl-Z: the shell writes where the area stands. */
static void on_suspended(uv_signal_t *signal, int number)
{
	struct progress *progress = signal->data;

	live_area_draw(progress->area, "", NULL);
	uv_signal_stop(signal);
	raise(number); /* returns when the process is continued */
	uv_signal_start(signal, on_suspended, number);
	draw(progress, "");
}

/* --- the run --- */

static void begin_live(struct progress *progress)
{
	progress->area = live_area_create(progress->out);
	uv_timer_start(&progress->second, on_second, SECOND_MS, SECOND_MS);
	uv_signal_start(&progress->resized, on_resized, SIGWINCH);
	uv_signal_start(&progress->suspended, on_suspended, SIGTSTP);
}

static void end_live(struct progress *progress)
{
	live_area_destroy(progress->area);
	progress->area = NULL;
	uv_timer_stop(&progress->second);
	uv_signal_stop(&progress->resized);
	uv_signal_stop(&progress->suspended);
}

struct progress *progress_create(uv_loop_t *loop, FILE *out, unsigned rounds)
{
	struct progress *progress = mem_zeroed(sizeof *progress);

	progress->out = out;
	progress->rounds = rounds;
	uv_timer_init(loop, &progress->second);
	uv_signal_init(loop, &progress->resized);
	uv_signal_init(loop, &progress->suspended);
	for (unsigned i = 0; i < HANDLES; i++) {
		handle_of(progress, i)->data = progress;
		uv_unref(handle_of(progress, i));
	}
	if (terminal_of(out).live && !in_ci())
		begin_live(progress);
	return progress;
}

bool progress_is_live(const struct progress *progress)
{
	return progress->area != NULL;
}

static void free_round(struct progress_round *round)
{
	free(round->title);
	free(round->what);
	free(round);
}

static void on_closed(uv_handle_t *handle)
{
	struct progress *progress = handle->data;

	if (--progress->open == 0)
		free(progress);
}

void progress_add(struct progress *progress, unsigned rounds)
{
	progress->rounds += rounds;
}

void progress_destroy(struct progress *progress)
{
	bool live;

	if (!progress)
		return;
	live = progress_is_live(progress);
	end_live(progress);
	/* An empty line parts the progress from the results. */
	draw(progress, live ? "\n" : "");
	while (progress->under_way) {
		struct progress_round *round = progress->under_way;

		progress->under_way = round->next;
		free_round(round);
	}
	progress->open = HANDLES;
	for (unsigned i = 0; i < HANDLES; i++)
		uv_close(handle_of(progress, i), on_closed);
}

void progress_interrupt(struct progress *progress)
{
	SCOPED(mem_free) char *line = NULL;
	unsigned running = 0;

	if (!progress_is_live(progress))
		return;
	for (struct progress_round *round = progress->under_way; round;
		round = round->next)
		running++;
	/* A second signal kills this process, which could not wipe it then. */
	end_live(progress);
	line = mem_textf("interrupted: %u case%s brought down (again: at once)\n",
		running, running == 1 ? " is" : "s are");
	draw(progress, line);
}

struct progress_round *progress_begin(struct progress *progress, const char *title)
{
	struct progress_round *round = mem_zeroed(sizeof *round);
	struct progress_round **end = &progress->under_way;

	while (*end)
		end = &(*end)->next;
	*end = round;
	round->title = mem_text(title);
	if (!progress->began_ns)
		progress->began_ns = clock_now();
	progress_step(progress, round, &(struct case_step){.what = "starting"});
	return round;
}

void progress_step(struct progress *progress, struct progress_round *round,
	const struct case_step *step)
{
	if (!round->what || strcmp(round->what, step->what) != 0) {
		free(round->what);
		round->what = mem_text(step->what);
		round->what_ns = clock_now();
	}
	round->sessions = step->sessions;
	round->asked_ns = step->asked_ns;
	round->grace_ns = step->grace_ns;
	if (progress->area)
		draw(progress, "");
}

void progress_over(struct progress *progress, struct progress_round *round,
	enum progress_mark mark, const char *what)
{
	struct terminal terminal = terminal_of(progress->out);
	struct progress_round **at = &progress->under_way;
	SCOPED(mem_free) char *number = number_of(progress, ++progress->over);
	SCOPED(mem_free) char *text = mem_textf("%s: %s", round->title, what);
	SCOPED(mem_free) char *inert = terminal_fit(&terminal, text, 0);
	SCOPED(mem_free) char *line = NULL;
	const struct {
		const char *color, *text;
	} marks[] = {
		[PROGRESS_MET] = {terminal.green, "ok      "},
		[PROGRESS_UNMET] = {terminal.red, "NOT MET "},
		[PROGRESS_NOT_RUN] = {terminal.yellow, "NOT RUN "},
	};

	progress->unmet += mark != PROGRESS_MET;
	line = mem_textf("%s %s%s%s %s\n", number, marks[mark].color, marks[mark].text,
		terminal.plain, inert);
	while (*at != round)
		at = &(*at)->next;
	*at = round->next;
	free_round(round);
	draw(progress, line);
}

void progress_say(struct progress *progress, const char *line)
{
	struct terminal terminal = terminal_of(progress->out);
	SCOPED(mem_free) char *inert = terminal_fit(&terminal, line, 0);
	SCOPED(mem_free) char *text = mem_textf("%s\n", inert);

	draw(progress, text);
}
