/*
 * answer - what the API answers: an object, or a Status that says why not.
 */
#ifndef KUBE_FAKE_ANSWER_H
#define KUBE_FAKE_ANSWER_H

#include <cjson/cJSON.h>

#include "kube-fake/resource.h"
#include "lib/web.h"

/* Takes json. */
void answer_json(struct web_exchange *exchange, unsigned status, cJSON *json);

/* A Status with a reason ("NotFound"); the caller's. */
cJSON *status_json(unsigned code, const char *reason, const char *message) MUST_CHECK;

void answer_status(struct web_exchange *exchange, unsigned code, const char *reason,
	const char *format, ...) PRINTF(4, 5);

/* "deployments.apps", "pods": as messages have it; the caller's. */
char *answer_resource(const struct resource *resource) MUST_CHECK;

#endif
