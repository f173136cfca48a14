#include "kube-fake/request.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define STEPS_MAX 8

/* Cuts path at its slashes; gives the number of its steps, 0 when there are too many. */
static unsigned cut(char *path, char *steps[STEPS_MAX])
{
	char *rest = NULL, *step;
	unsigned count = 0;

	for (step = strtok_r(path, "/", &rest); step;
		step = strtok_r(NULL, "/", &rest)) {
		if (count == STEPS_MAX)
			return 0;
		steps[count++] = step;
	}
	return count;
}

static const char *verb_of(
	const struct kube_request *request, const struct web_exchange *exchange)
{
	const char *method = exchange->method;
	const char *watch = web_query(exchange, "watch", 0);

	if (!strcmp(method, "POST"))
		return "create";
	if (!strcmp(method, "PUT"))
		return "update";
	if (!strcmp(method, "PATCH"))
		return "patch";
	if (!strcmp(method, "DELETE"))
		return request->name ? "delete" : "deletecollection";
	if (watch && (!strcmp(watch, "true") || !strcmp(watch, "1")))
		return "watch";
	return request->name ? "get" : "list";
}

/* steps: [namespaces NAMESPACE] PLURAL [NAME [SUBRESOURCE]]. */
static bool read_steps(struct kube_request *request, const char *group,
	const char *version, char **steps, unsigned count)
{
	if (count >= 3 && !strcmp(steps[0], "namespaces") &&
		resource_find(group, version, steps[2])) {
		request->namespace = mem_text(steps[1]);
		steps += 2;
		count -= 2;
	}
	request->resource = count > 0 ? resource_find(group, version, steps[0]) : NULL;
	request->name = count > 1 ? mem_text(steps[1]) : NULL;
	request->subresource = count > 2 ? mem_text(steps[2]) : NULL;
	return request->resource && count <= 3 &&
		(request->resource->namespaced || !request->namespace) &&
		(!request->resource->namespaced || request->namespace ||
			!request->name);
}

bool request_parse(struct kube_request *request, const struct web_exchange *exchange)
{
	SCOPED(mem_free) char *path = mem_text(exchange->path);
	char *steps[STEPS_MAX];
	unsigned count = cut(path, steps);
	bool ok = false;

	*request = (struct kube_request){0};
	if (count >= 3 && !strcmp(steps[0], "api"))
		ok = read_steps(request, "", steps[1], steps + 2, count - 2);
	else if (count >= 4 && !strcmp(steps[0], "apis"))
		ok = read_steps(request, steps[1], steps[2], steps + 3, count - 3);
	if (!ok) {
		request_done(request);
		return false;
	}
	request->verb = verb_of(request, exchange);
	return true;
}

void request_done(struct kube_request *request)
{
	free(request->namespace);
	free(request->name);
	free(request->subresource);
	*request = (struct kube_request){0};
}
