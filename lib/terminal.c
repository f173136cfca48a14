#include "lib/terminal.h"

#include <langinfo.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#define WIDTH_USUAL  80
#define HEIGHT_USUAL 24

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

struct terminal terminal_of(FILE *out)
{
	struct terminal terminal = {
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.red = "",
		.green = "",
		.yellow = "",
		.plain = "",
	};
	struct winsize size = {0};
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return terminal;
	ioctl(fd, TIOCGWINSZ, &size);
	terminal.width = size.ws_col > 0 ? size.ws_col : WIDTH_USUAL;
	terminal.height = size.ws_row > 0 ? size.ws_row : HEIGHT_USUAL;
	terminal.live = is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
	terminal.colors = terminal.live && !is_set("NO_COLOR");
	if (terminal.colors) {
		terminal.red = "\033[1;31m";
		terminal.green = "\033[32m";
		terminal.yellow = "\033[33m";
		terminal.plain = "\033[0m";
	}
	return terminal;
}

/* What was taken off the front of a text: its bytes and its columns. */
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

	/* Not a character of this locale; another reader may know it. */
	if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
		*state = (mbstate_t){0};
		return (struct piece){.len = 1, .columns = 1};
	}
	columns = wcwidth(c);
	if (columns < 0)
		return (struct piece){.len = len, .columns = 1, .blank = true};
	return (struct piece){.len = len, .columns = (unsigned)columns};
}

/* The beginning of the text that fits into width. */
static struct piece take_fitting(const char *text, unsigned width)
{
	mbstate_t state = {0};
	struct piece whole = {0};

	while (text[whole.len]) {
		struct piece piece = take_piece(text + whole.len, &state);

		if (whole.columns + piece.columns > width)
			break;
		whole.columns += piece.columns;
		whole.len += piece.len;
	}
	return whole;
}

unsigned terminal_columns(const char *text)
{
	return take_fitting(text, UINT_MAX).columns;
}

char *terminal_fit(const struct terminal *terminal, const char *text, unsigned width)
{
	const char *ellipsis = terminal->utf8 ? "\u2026" : "...";
	unsigned ellipsis_width = terminal->utf8 ? 1 : 3;
	SCOPED(mem_free) char *inert = utf8_mend(text, "");
	struct buf line = {0};
	mbstate_t state = {0};
	struct piece piece;

	for (const char *at = inert; *at; at += piece.len) {
		piece = take_piece(at, &state);
		if (piece.blank)
			buf_adds(&line, " ");
		else
			buf_add(&line, at, piece.len);
	}
	if (width && terminal_columns(buf_text(&line)) > width) {
		bool marked = width > ellipsis_width;

		line.len =
			take_fitting(line.data, marked ? width - ellipsis_width : width)
				.len;
		line.data[line.len] = '\0';
		if (marked)
			buf_adds(&line, ellipsis);
	}
	return buf_take(&line);
}

void terminal_print(FILE *out, const char *format, ...)
{
	struct buf text = {.ceiling = SIZE_MAX};
	SCOPED(mem_free) char *inert = NULL;
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	inert = utf8_mend(buf_text(&text), "\n\t");
	buf_done(&text);
	fputs(inert, out);
}

void terminal_fold(const struct terminal *terminal, FILE *out, const char *first,
	const char *rest, const char *text)
{
	SCOPED(mem_free) char *line = terminal_fit(terminal, text, 0);
	const char *beginning = first;
	unsigned column = 0; /* 0: nothing of this line is printed */

	for (char *after = line, *word; (word = strtok_r(after, " ", &after));) {
		unsigned width = terminal_columns(word);

		if (column && terminal->width && column + 1 + width > terminal->width) {
			fputs("\n", out);
			beginning = rest;
			column = 0;
		}
		fprintf(out, "%s%s", column ? " " : beginning, word);
		column = (column ? column + 1 : terminal_columns(beginning)) + width;
	}
	if (column)
		fputs("\n", out);
}

void terminal_paragraph(
	const struct terminal *terminal, FILE *out, unsigned indent, const char *text)
{
	SCOPED(mem_free) char *blanks = mem_textf("%*s", (int)indent, "");

	terminal_fold(terminal, out, blanks, blanks, text);
}

void terminal_item(const struct terminal *terminal, FILE *out, unsigned indent,
	const char *label, const char *text)
{
	unsigned column = 2 + terminal_columns(label);
	unsigned pad = column < indent ? indent - column : 1;
	SCOPED(mem_free) char *first = mem_textf("  %s%*s", label, (int)pad, "");
	SCOPED(mem_free) char *rest = mem_textf("%*s", (int)indent, "");

	terminal_fold(terminal, out, first, rest, text);
}
