#include "lib/json_fill.h"

#include <assert.h>
#include <stdarg.h>

#include "lib/buf.h"
#include "lib/json_write.h"

#define TEXT_CEILING ((size_t)1 << 30)

cJSON *json_fill(cJSON *object, const char *template, ...)
{
	SCOPED(buf_done) struct buf text = {0};
	va_list args;
	cJSON *filled;

	buf_init(&text, TEXT_CEILING);
	va_start(args, template);
	json_writev(&text, template, args);
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
