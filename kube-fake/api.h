/*
 * api - a request of the API, from its path to its answer.
 */
#ifndef KUBE_FAKE_API_H
#define KUBE_FAKE_API_H

#include "kube-fake/fake.h"

/* For web; arg is the struct kube_fake. */
void api_handle(void *arg, struct web_exchange *exchange);
void api_over(void *arg, struct web_exchange *exchange, enum web_end end);

/* Deletes the object as DeleteOptions (NULL: none) say, and answers. */
void api_delete(struct kube_fake *fake, struct object *object,
	struct web_exchange *exchange, const cJSON *options);

#endif
