#include "lib/json_fill.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define TEXT_CEILING ((size_t)1 << 30)

static void add_string(struct buf *text, const char *string)
{
	SCOPED(json_free) cJSON *node =
		string ? cJSON_CreateStringReference(string) : cJSON_CreateNull();
	SCOPED(mem_free) char *json = json_print(node);

	buf_adds(text, json);
}

static void add_value(struct buf *text, char kind, va_list *args)
{
	if (kind == 's')
		add_string(text, va_arg(*args, const char *));
	else if (kind == 'd')
		buf_addf(text, "%d", va_arg(*args, int));
	else if (kind == 'u')
		buf_addf(text, "%u", va_arg(*args, unsigned));
	else if (kind == 'g')
		buf_addf(text, "%.17g", va_arg(*args, double));
	else
		assert(!"a kind of value that templates have");
}

cJSON *json_fill(cJSON *object, const char *template, ...)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *at = template;
	va_list args;
	cJSON *filled;

	buf_init(&text, TEXT_CEILING);
	va_start(args, template);
	while (*at) {
		size_t plain = strcspn(at, "'%");

		buf_add(&text, at, plain);
		at += plain;
		if (*at == '\'')
			buf_adds(&text, "\"");
		else if (*at == '%')
			add_value(&text, *++at, &args);
		at += *at != '\0';
	}
	va_end(args);
	filled = cJSON_Parse(buf_text(&text));
	assert(filled);
	if (!object)
		return filled;
	while (filled->child)
		cJSON_AddItemToArray(
			object, cJSON_DetachItemViaPointer(filled, filled->child));
	cJSON_Delete(filled);
	return object;
}
