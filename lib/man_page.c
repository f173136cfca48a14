#include "lib/man_page.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/version.h"

#define PROGRAM "stopbench" /* the page that all others refer to */

/* --- texts --- */

/* A character as roff prints it. */
static void put_char(FILE *out, char c)
{
	static const struct {
		char c;
		const char *roff;
	} rows[] = {{'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"},
		{'^', "\\(ha"}, {'~', "\\(ti"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].c == c) {
			fputs(rows[i].roff, out);
			return;
		}
	}
	fputc(c, out);
}

static void put_word(FILE *out, const char *word)
{
	for (; *word; word++)
		put_char(out, *word);
}

/* One line of the source. `words` in backquotes are bold. */
static void put_line(FILE *out, const char *line, size_t len)
{
	bool bold = false;

	if (len > 0 && line[0] == '.')
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '`' &&
			(bold || memchr(line + i + 1, '`', len - i - 1))) {
			bold = !bold;
			fputs(bold ? "\\fB" : "\\fR", out);
		} else {
			put_char(out, line[i]);
		}
	}
	fputc('\n', out);
}

/* Lines are filled; those that begin with a blank are kept, at the left margin, because
 * they are as wide as a screen. */
static void put_text(FILE *out, const char *text)
{
	bool kept = false, gap = false;

	for (size_t len; *text; text += len + (text[len] == '\n')) {
		bool keep = text[0] == ' ';

		len = strcspn(text, "\n");
		if (len == 0) {
			gap = true;
			continue;
		}
		if (kept && !keep)
			fputs(".fi\n.in\n", out);
		if (gap)
			fputs(kept && keep ? ".sp\n" : ".PP\n", out);
		if (keep && !kept)
			fputs(".in 0\n.nf\n", out);
		put_line(out, text, len);
		kept = keep;
		gap = false;
	}
	if (kept)
		fputs(".fi\n.in\n", out);
}

/* What argp would print in its place, to free(). */
static char *filtered(const struct argp *argp, const struct argp_option *option)
{
	const char *doc = option->doc;
	char *help =
		argp->help_filter ? argp->help_filter(option->key, doc, NULL) : NULL;
	char *copy = mem_text(help ? help : doc ? doc : "");

	if (help != doc)
		free(help);
	return copy;
}

/* --- the page --- */

/* "stopbench-run" of "stopbench run". */
static char *page_name(const char *name)
{
	char *page = mem_text(name);

	for (char *at = page; (at = strchr(at, ' '));)
		*at = '-';
	return page;
}

static void print_head(FILE *out, const char *page, const char *about)
{
	size_t len = strcspn(about, ".:;\v\n");

	/* The dot of "./scenarios" ends no sentence. */
	while (about[len] == '.' && about[len + 1] &&
		!isspace((unsigned char)about[len + 1]))
		len += 1 + strcspn(about + len + 1, ".:;\v\n");
	fputs(".\\\" Printed by the program itself, from its table of options.\n.TH ",
		out);
	for (const char *at = page; *at; at++)
		put_char(out, (char)toupper((unsigned char)*at));
	fprintf(out, " 1 \"\" \"stopbench %s\" \"User Commands\"\n.SH NAME\n",
		STOPBENCH_VERSION);
	put_word(out, page);
	fputs(" \\- ", out);
	if (len > 0 && islower((unsigned char)about[1])) {
		fputc(tolower((unsigned char)about[0]), out);
		put_line(out, about + 1, len - 1);
	} else {
		put_line(out, about, len);
	}
}

/* A line for each form of the arguments. */
static void print_synopsis(FILE *out, const char *name, const char *args)
{
	fputs(".SH SYNOPSIS\n", out);
	do {
		size_t len = args ? strcspn(args, "\n") : 0;

		fputs("\\fB", out);
		put_word(out, name);
		fputs("\\fR [\\fIOPTION\\fR...] ", out);
		put_line(out, args ? args : "", len);
		args = args && args[len] ? args + len + 1 : NULL;
		if (args)
			fputs(".br\n", out);
	} while (args);
}

static bool has_letter(const struct argp_option *option)
{
	return option->key > 0 && option->key < 128 && isprint(option->key);
}

static void print_option(
	FILE *out, const struct argp *argp, const struct argp_option *option)
{
	bool plain = option->flags & OPTION_DOC;
	SCOPED(mem_free) char *doc = filtered(argp, option);

	if (!option->name && !has_letter(option)) {
		fputs(".SS ", out);
		put_line(out, doc, strcspn(doc, ":"));
		return;
	}
	fputs(".TP\n", out);
	if (!plain && has_letter(option))
		fprintf(out, "\\fB\\-%c\\fR%s", option->key, option->name ? ", " : "");
	if (option->name) {
		fprintf(out, "\\fB%s", plain ? "" : "\\-\\-");
		put_word(out, option->name);
		fputs("\\fR", out);
	}
	if (option->arg) {
		bool optional = option->flags & OPTION_ARG_OPTIONAL;

		fprintf(out, "%s=\\fI", optional ? "[" : "");
		put_word(out, option->arg);
		fprintf(out, "\\fR%s", optional ? "]" : "");
	}
	fputc('\n', out);
	put_text(out, doc);
}

static void print_options(FILE *out, const struct argp *argp)
{
	static const struct argp none = {0};
	static const struct argp_option own[] = {
		{"help", 'h', NULL, 0, "give the list of options", 0},
		{"usage", 0, NULL, 0, "give a short usage message", 0},
		{"version", 'V', NULL, 0, "print the program's version", 0},
	};
	size_t count = argp_program_version ? 3 : 2;

	fputs(".SH OPTIONS\n", out);
	for (const struct argp_option *option = argp->options;
		option && (option->name || option->key || option->doc); option++) {
		if (!(option->flags & OPTION_HIDDEN))
			print_option(out, argp, option);
	}
	if (argp->options && argp->options->group)
		fputs(".SS Help\n", out);
	for (size_t i = 0; i < count; i++)
		print_option(out, &none, &own[i]);
}

/* What follows the options, a paragraph at a time. */
static void print_rest(FILE *out, const char *rest)
{
	static const struct {
		const char *begin, *section;
	} rows[] = {{"Exit codes: ", "EXIT STATUS"}, {"Environment:", "ENVIRONMENT"},
		{"Files:", "FILES"}};
	SCOPED(buf_done) struct buf text = {0};
	bool headed = false;

	while (*rest) {
		const char *end = strstr(rest, "\n\n");
		size_t len = end ? (size_t)(end - rest) + 2 : strlen(rest);
		const char *section = NULL;
		size_t skip = 0;

		for (size_t i = 0; i < COUNT(rows); i++) {
			if (strncmp(rest, rows[i].begin, strlen(rows[i].begin)) == 0) {
				section = rows[i].section;
				skip = strlen(rows[i].begin);
			}
		}
		if (section || !headed)
			fprintf(out, ".SH \"%s\"\n", section ? section : "DETAILS");
		else
			fputs(".PP\n", out);
		headed = true;
		while (rest[skip] == '\n')
			skip++;
		buf_clear(&text);
		buf_add(&text, rest + skip, len - skip);
		put_text(out, buf_text(&text));
		rest += len;
	}
}

void man_page_print(FILE *out, const struct argp *argp, const char *name)
{
	SCOPED(mem_free) char *page = page_name(name);
	const char *whole = argp->doc ? argp->doc : "";
	const char *rest = strchr(whole, '\v');
	SCOPED(mem_free)
	char *about = mem_textf(
		"%.*s", (int)(rest ? (size_t)(rest - whole) : strlen(whole)), whole);

	print_head(out, page, about);
	print_synopsis(out, name, argp->args_doc);
	fputs(".SH DESCRIPTION\n", out);
	put_text(out, about);
	print_options(out, argp);
	if (rest)
		print_rest(out, rest + 1);
	if (strcmp(page, PROGRAM) != 0)
		fputs(".SH \"SEE ALSO\"\n\\fB" PROGRAM "\\fR(1)\n", out);
}
