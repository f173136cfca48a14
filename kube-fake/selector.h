/*
 * selector - labelSelector and fieldSelector of a request.
 */
#ifndef KUBE_FAKE_SELECTOR_H
#define KUBE_FAKE_SELECTOR_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* "app=web,tier!=db,env in (a,b),!old"; NULL and "" match all. */
bool selector_matches_labels(const char *text, const cJSON *labels);

/* "metadata.name=web,spec.nodeName!=n1"; NULL and "" match all. */
bool selector_matches_fields(const char *text, const cJSON *object);

/* A LabelSelector of an object: {"matchLabels": {...}}. */
bool selector_object_matches(const cJSON *selector, const cJSON *labels);

#endif
