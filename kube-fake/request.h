/*
 * request - what a path of the API names.
 */
#ifndef KUBE_FAKE_REQUEST_H
#define KUBE_FAKE_REQUEST_H

#include "kube-fake/resource.h"
#include "lib/web.h"

struct kube_request {
	const struct resource *resource;
	char *namespace; /* NULL: all of them, or the resource is in none */
	char *name;      /* NULL: the collection */
	char *subresource;
	const char *verb; /* "get", "list", "watch", "create", ... */
};

/* False: the path names nothing. */
bool request_parse(
	struct kube_request *request, const struct web_exchange *exchange) MUST_CHECK;
void request_done(struct kube_request *request);

#endif
