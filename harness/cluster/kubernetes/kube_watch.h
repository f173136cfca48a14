/*
 * kube_watch - the objects of one list of the API, and each change of them: list, then
 * watch from the list's resourceVersion on.
 *
 * A stream that ends is begun again from the last version that was seen; bookmarks keep
 * that one young. Where the server has forgotten it (410), the list is asked for again. A
 * call that fails is told in `trouble`, and comes again later and later.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_WATCH_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/cluster/kubernetes/kube_api.h"

struct kube_watch;

enum kube_change {
	KUBE_ADDED,
	KUBE_MODIFIED,
	KUBE_DELETED,
};

/* All from the loop; what they get is borrowed. */
struct kube_watch_options {
	const char
		*path; /* "/api/v1/namespaces/default/pods"; copied, as is the query */
	const char *query; /* "labelSelector=app%3Dweb"; NULL: none */
	/* What there is already is of no interest: only its version is asked for. */
	bool only_new;
	/* All there is, also after a gap: what is missing was deleted. NULL with
	 * only_new. */
	void (*listed)(void *arg, const cJSON *items);
	void (*changed)(void *arg, enum kube_change change, const cJSON *object);
	/* The watch cannot see, in words, or sees again (""). */
	void (*troubled)(void *arg, const char *why);
	void *arg;
};

/* Keeps api and options' callbacks. The list is asked for at once. */
struct kube_watch *kube_watch_create(
	struct kube_api *api, const struct kube_watch_options *options) MUST_CHECK;
void kube_watch_destroy(struct kube_watch *watch); /* accepts NULL */

/* The list has come at least once. */
bool kube_watch_has_listed(const struct kube_watch *watch);
/* Why it cannot see now; "": it can. Borrowed. */
const char *kube_watch_trouble(const struct kube_watch *watch);

#endif
