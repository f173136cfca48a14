#include "harness/report/live_area.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define WIPE_SIZE 32

struct live_area {
	FILE *out;
	unsigned *columns; /* of each line that stands there */
	unsigned count;
};

/* --- a crash --- */

/* What wipes the area, for a handler that can do nothing but write it. */
static struct {
	char text[WIPE_SIZE];
	volatile sig_atomic_t len;
	int fd;
	pid_t owner; /* a process that it forked has no area */
} on_crash;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};

static void wipe_and_die(int number)
{
	if (getpid() == on_crash.owner && on_crash.len > 0 &&
		write(on_crash.fd, on_crash.text, (size_t)on_crash.len) < 0)
		on_crash.len = 0;
	raise(number); /* the handler is gone: SA_RESETHAND */
}

/* A handler that is there already, a sanitizer's, says more. */
static void catch_crashes(int fd)
{
	on_crash.fd = fd;
	on_crash.owner = getpid();
	for (size_t i = 0; i < COUNT(crashes); i++) {
		struct sigaction action = {.sa_handler = wipe_and_die,
			.sa_flags = SA_RESETHAND | SA_NODEFER};
		struct sigaction old;

		if (sigaction(crashes[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(crashes[i], &action, NULL);
	}
}

static void let_crash(void)
{
	on_crash.len = 0;
	for (size_t i = 0; i < COUNT(crashes); i++) {
		struct sigaction old;

		if (sigaction(crashes[i], NULL, &old) == 0 &&
			old.sa_handler == wipe_and_die)
			signal(crashes[i], SIG_DFL);
	}
}

/* --- the area --- */

/* How far the cursor, at the end of the last line, is below the first. A terminal that
 * was made narrower has broken lines that it could not hold. */
static unsigned rows_below(const struct live_area *area, unsigned width)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < area->count; i++) {
		unsigned columns = area->columns[i];

		rows += columns > 0 && width > 0 ? (columns - 1) / width + 1 : 1;
	}
	return rows > 0 ? rows - 1 : 0;
}

static void add_wipe(struct buf *text, const struct live_area *area, unsigned width)
{
	unsigned rows = rows_below(area, width);

	if (area->count == 0)
		return;
	buf_adds(text, "\r");
	if (rows > 0)
		buf_addf(text, "\033[%uA", rows);
	buf_adds(text, "\033[J");
}

/* Also for a crash. */
static void take_lines(
	struct live_area *area, const struct strlist *lines, unsigned width)
{
	SCOPED(buf_done) struct buf wipe = {0};

	on_crash.len = 0;
	area->count = lines ? lines->count : 0;
	area->columns =
		mem_grown(area->columns, area->count + 1, sizeof *area->columns);
	for (unsigned i = 0; i < area->count; i++)
		area->columns[i] = terminal_columns(lines->item[i]);
	add_wipe(&wipe, area, width);
	if (wipe.len < WIPE_SIZE) {
		memcpy(on_crash.text, buf_text(&wipe), wipe.len);
		on_crash.len = (sig_atomic_t)wipe.len;
	}
}

struct live_area *live_area_create(FILE *out)
{
	struct live_area *area = mem_zeroed(sizeof *area);

	area->out = out;
	catch_crashes(fileno(out));
	return area;
}

void live_area_draw(
	struct live_area *area, const char *above, const struct strlist *lines)
{
	unsigned width = terminal_of(area->out).width;
	struct buf text = {.ceiling = SIZE_MAX};

	add_wipe(&text, area, width);
	buf_adds(&text, above);
	for (unsigned i = 0; lines && i < lines->count; i++)
		buf_addf(&text, "%s%s", i > 0 ? "\n" : "", lines->item[i]);
	take_lines(area, lines, width);
	fwrite(buf_text(&text), 1, text.len, area->out);
	fflush(area->out);
	buf_done(&text);
}

void live_area_destroy(struct live_area *area)
{
	if (!area)
		return;
	live_area_draw(area, "", NULL);
	let_crash();
	free(area->columns);
	free(area);
}
