#include "harness/report/screen.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define WIDTH_USUAL 80

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

static unsigned width_of(int fd)
{
	struct winsize size = {0};

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_USUAL;
}

struct screen screen_of(FILE *out)
{
	struct screen screen = {.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
	const char *kind = getenv("TERM");
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return screen;
	screen.width = width_of(fd);
	screen.live = kind && kind[0] && strcmp(kind, "dumb") != 0;
	screen.colours = screen.live && !is_set("NO_COLOR");
	return screen;
}

/* One character off the front of a text: its bytes and its columns. */
struct piece {
	size_t len;
	unsigned columns;
	bool blank; /* to be shown as a blank */
};

static struct piece take_piece(const char *text, mbstate_t *state)
{
	wchar_t c;
	size_t len = mbrtowc(&c, text, MB_CUR_MAX, state);
	int columns;

	/* Not of this locale: whoever reads it may still know it. */
	if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
		*state = (mbstate_t){0};
		return (struct piece){.len = 1, .columns = 1};
	}
	columns = wcwidth(c);
	if (columns < 0)
		return (struct piece){.len = len, .columns = 1, .blank = true};
	return (struct piece){.len = len, .columns = (unsigned)columns};
}

unsigned screen_columns(const char *text)
{
	mbstate_t state = {0};
	unsigned columns = 0;

	while (*text) {
		struct piece piece = take_piece(text, &state);

		columns += piece.columns;
		text += piece.len;
	}
	return columns;
}

/* Bytes of the text that fit into width. */
static size_t fitting(const char *text, unsigned width)
{
	mbstate_t state = {0};
	unsigned columns = 0;
	const char *at = text;

	while (*at) {
		struct piece piece = take_piece(at, &state);

		columns += piece.columns;
		if (columns > width)
			break;
		at += piece.len;
	}
	return (size_t)(at - text);
}

char *screen_fit(const struct screen *screen, const char *text, unsigned width)
{
	const char *ellipsis = screen->utf8 ? "\u2026" : "...";
	unsigned ellipsis_width = screen->utf8 ? 1 : 3;
	struct buf line = {0};
	mbstate_t state = {0};
	struct piece piece;

	for (const char *at = text; *at; at += piece.len) {
		piece = take_piece(at, &state);
		if (piece.blank)
			buf_adds(&line, " ");
		else
			buf_add(&line, at, piece.len);
	}
	if (width && screen_columns(buf_text(&line)) > width) {
		bool marked = width > ellipsis_width;

		line.len = fitting(line.data, marked ? width - ellipsis_width : width);
		line.data[line.len] = '\0';
		if (marked)
			buf_adds(&line, ellipsis);
	}
	return buf_take(&line);
}

void screen_paragraph(
	const struct screen *screen, FILE *out, unsigned indent, const char *text)
{
	SCOPED(mem_free) char *line = screen_fit(screen, text, 0);
	unsigned column = 0;

	for (char *rest = line, *word; (word = strtok_r(rest, " ", &rest));) {
		unsigned width = screen_columns(word);
		bool first = column == 0;

		if (!first && screen->width && column + 1 + width > screen->width) {
			fputs("\n", out);
			first = true;
		}
		fprintf(out, "%*s%s", first ? (int)indent : 1, "", word);
		column = (first ? indent : column + 1) + width;
	}
	if (column > 0)
		fputs("\n", out);
}

static const char *sequence(const struct screen *screen, const char *text)
{
	return screen->colours ? text : "";
}

const char *screen_red(const struct screen *screen)
{
	return sequence(screen, "\033[1;31m");
}

const char *screen_green(const struct screen *screen)
{
	return sequence(screen, "\033[32m");
}

const char *screen_yellow(const struct screen *screen)
{
	return sequence(screen, "\033[33m");
}

const char *screen_plain(const struct screen *screen)
{
	return sequence(screen, "\033[0m");
}
