/*
 * The lines of --help for a table of fields.
 */
#include "lib/fields.h"

#include <string.h>

#include "lib/mem.h"

#define HELP_WIDTH 78 /* argp breaks lines that are longer */

static const char *preset_shown(const struct field *field)
{
	if (field->preset)
		return field->preset;
	if (field->kind == FIELD_CHOICE)
		return field->choices[0];
	return field->kind == FIELD_BOOL ? "false" : "-";
}

struct widths {
	size_t name, preset;
};

/* Fills lines word by word, all but the first one indented. */
static void add_words(struct buf *text, const char *words, size_t indent)
{
	size_t column = indent;

	while (*(words += strspn(words, " "))) {
		size_t len = strcspn(words, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			buf_addf(text, "\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			buf_adds(text, " ");
			column++;
		}
		buf_add(text, words, len);
		column += len;
		words += len;
	}
	buf_adds(text, "\n");
}

/* The words of a field, in lines below each other. */
static void add_field(const struct field *field, const char *name,
	const struct widths *widths, struct buf *text)
{
	SCOPED(buf_done) struct buf words = {0};

	buf_addf(text, "  %-*s  %-*s  ", (int)widths->name, name, (int)widths->preset,
		preset_shown(field));
	buf_adds(&words, field->help ? field->help : "");
	for (size_t i = 0; field->kind == FIELD_CHOICE && field->choices[i]; i++)
		buf_addf(&words, "%s %s", i == 0 ? ":" : ",", field->choices[i]);
	add_words(text, buf_text(&words), 6 + widths->name + widths->preset);
}

/* text NULL: measures the widths. */
static void add_fields(const struct field *fields, const char *prefix,
	struct widths *widths, struct buf *text)
{
	for (const struct field *field = fields; field->name; field++) {
		SCOPED(mem_free) char *name =
			mem_textf("%s%s%s", prefix, *prefix ? "." : "", field->name);

		if (field->kind == FIELD_OBJECT) {
			add_fields(field->fields, name, widths, text);
		} else if (text) {
			add_field(field, name, widths, text);
		} else {
			size_t len = strlen(name), shown = strlen(preset_shown(field));

			widths->name = widths->name > len ? widths->name : len;
			widths->preset =
				widths->preset > shown ? widths->preset : shown;
		}
	}
}

void fields_help(const struct field *fields, const char *prefix, struct buf *text)
{
	struct widths widths = {0, 0};

	add_fields(fields, prefix, &widths, NULL);
	add_fields(fields, prefix, &widths, text);
}
