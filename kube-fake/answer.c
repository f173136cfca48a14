#include "kube-fake/answer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

void answer_json(struct web_exchange *exchange, unsigned status, cJSON *json)
{
	SCOPED(mem_free) char *text = json_print(json);

	web_reply(exchange, status, "application/json", text, strlen(text));
	cJSON_Delete(json);
}

cJSON *status_json(unsigned code, const char *reason, const char *message)
{
	return json_fill(NULL,
		"{'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': %s, "
		"'message': %s, 'reason': %s, 'code': %u}",
		code < 300 ? "Success" : "Failure", message, reason, code);
}

void answer_status(struct web_exchange *exchange, unsigned code, const char *reason,
	const char *format, ...)
{
	SCOPED(buf_done) struct buf message = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&message, format, args);
	va_end(args);
	answer_json(exchange, code, status_json(code, reason, buf_text(&message)));
}

char *answer_resource(const struct resource *resource)
{
	return resource->group[0]
		? mem_textf("%s.%s", resource->plural, resource->group)
		: mem_text(resource->plural);
}
