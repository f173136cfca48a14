#include "balancer/control.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/web.h"

#define CONNECTIONS   64
#define BACKENDS_MOST 10000

struct control {
	struct backends *backends;
	struct web *web;
};

static void answer(struct web_exchange *exchange, unsigned status, const cJSON *json)
{
	SCOPED(mem_free) char *text = json_print(json);

	web_reply(exchange, status, "application/json", text, strlen(text));
}

static void refuse(struct web_exchange *exchange, unsigned status, const char *why)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	json_add_text(json, "error", why);
	answer(exchange, status, json);
}

static void show(const struct control *control, struct web_exchange *exchange)
{
	SCOPED(json_free) cJSON *json = backends_json(control->backends);

	answer(exchange, 200, json);
}

/* {"backends": [...]}, and nothing else. */
static bool read_addresses(
	const cJSON *root, const char ***addresses, unsigned *count, struct err *err)
{
	const cJSON *list = json_get(root, "backends");
	int items = cJSON_GetArraySize(list);
	unsigned read = 0;
	const cJSON *item;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(root) != 1 ||
		items > BACKENDS_MOST)
		return err_set(err,
			"expected {\"backends\": [\"ADDRESS:PORT\", ...]}, at most %d",
			BACKENDS_MOST);
	*addresses = mem_zeroed((size_t)(items + 1) * sizeof **addresses);
	cJSON_ArrayForEach(item, list) {
		if (!cJSON_IsString(item))
			return err_set(err, "backends: expected strings, not %s",
				json_kind(item));
		(*addresses)[read++] = item->valuestring;
	}
	*count = read;
	return true;
}

static void change(struct control *control, struct web_exchange *exchange)
{
	SCOPED(json_free)
	cJSON *root = json_parse(buf_text(&exchange->body), exchange->body.len);
	SCOPED(mem_free) const char **addresses = NULL;
	unsigned count = 0;
	struct err err;

	if (!root)
		refuse(exchange, 400, "the body is no JSON");
	else if (!read_addresses(root, &addresses, &count, &err) ||
		!backends_set(control->backends, addresses, count, &err))
		refuse(exchange, 400, err.text);
	else
		show(control, exchange);
}

static void handle(void *arg, struct web_exchange *exchange)
{
	struct control *control = arg;

	if (strcmp(exchange->path, "/control/backends") != 0) {
		refuse(exchange, 404, "there is /control/backends");
	} else if (strcmp(exchange->method, "GET") == 0) {
		show(control, exchange);
	} else if (strcmp(exchange->method, "PUT") == 0) {
		change(control, exchange);
	} else {
		web_add_header(exchange, "Allow", "GET, PUT");
		refuse(exchange, 405, "GET or PUT");
	}
}

struct control *control_create(
	uv_loop_t *loop, const char *path, struct backends *backends, struct err *err)
{
	struct control *control = mem_zeroed(sizeof *control);

	control->backends = backends;
	control->web = web_create(loop,
		&(struct web_options){
			.socket = path,
			.connections = CONNECTIONS,
			.handle = handle,
			.arg = control,
		},
		err);
	if (!control->web) {
		control_destroy(control);
		err_while(err, "--control");
		return NULL;
	}
	return control;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	web_destroy(control->web);
	free(control);
}
