#include "lib/json_write.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The letter behind the backslash; 0: it is written as \u00XX, or as it is. */
static char short_escape(char byte)
{
	switch (byte) {
	case '"':
	case '\\':
		return byte;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static bool is_plain(char byte)
{
	return (unsigned char)byte >= ' ' && byte != '"' && byte != '\\';
}

void json_write_escaped(struct buf *text, const char *part, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const size_t from = i;
		char letter;

		while (i < len && is_plain(part[i]))
			i++;
		buf_add(text, part + from, i - from);
		if (i == len)
			return;
		letter = short_escape(part[i]);
		if (letter)
			buf_add(text, (const char[]){'\\', letter}, 2);
		else
			buf_addf(text, "\\u%04x", (unsigned char)part[i]);
	}
}

void json_write_text(struct buf *text, const char *string)
{
	if (!string) {
		buf_add(text, "null", 4);
		return;
	}
	buf_add(text, "\"", 1);
	json_write_escaped(text, string, strlen(string));
	buf_add(text, "\"", 1);
}

/* Most numbers are integers; printf's way to write a double is a long one. */
static void add_number(struct buf *text, double value)
{
	if (fabs(value) < 1e15 && value == (double)(int64_t)value)
		buf_addi(text, (int64_t)value);
	else
		buf_addf(text, "%.17g", value);
}

static void add_value(struct buf *text, char kind, va_list *args)
{
	if (kind == 's')
		json_write_text(text, va_arg(*args, const char *));
	else if (kind == 'd')
		buf_addi(text, va_arg(*args, int));
	else if (kind == 'u')
		buf_addi(text, va_arg(*args, unsigned));
	else if (kind == 'g')
		add_number(text, va_arg(*args, double));
	else
		assert(!"a kind of value that templates have");
}

/* Text of a template up to a value: its quotes become those of JSON. */
static void add_plain(struct buf *text, const char *plain, size_t len)
{
	char *at;

	if (!buf_add(text, plain, len) || len == 0)
		return;
	at = text->data + text->len - len;
	while ((at = memchr(at, '\'', (size_t)(text->data + text->len - at))))
		*at++ = '"';
}

void json_writev(struct buf *text, const char *template, va_list args)
{
	const char *at = template;
	va_list values;

	va_copy(values, args);
	while (*at) {
		size_t plain = strcspn(at, "%");

		add_plain(text, at, plain);
		at += plain;
		if (*at == '%') {
			add_value(text, at[1], &values);
			at += 2;
		}
	}
	va_end(values);
}

void json_write(struct buf *text, const char *template, ...)
{
	va_list args;

	va_start(args, template);
	json_writev(text, template, args);
	va_end(args);
}
