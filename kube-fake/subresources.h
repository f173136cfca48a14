/*
 * subresources - deployments/scale and pods/eviction.
 */
#ifndef KUBE_FAKE_SUBRESOURCES_H
#define KUBE_FAKE_SUBRESOURCES_H

#include "kube-fake/fake.h"
#include "kube-fake/request.h"

/* Answers the exchange. json: its body, or NULL. */
void subresources_handle(struct kube_fake *fake, const struct kube_request *request,
	struct object *object, struct web_exchange *exchange, const cJSON *json);

#endif
