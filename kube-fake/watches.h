/*
 * watches - the streams of `?watch=true`.
 *
 * A watch begins behind a resourceVersion, or with all that there is. It sees an object
 * that begins to match its selectors as ADDED, and one that no longer does as DELETED.
 */
#ifndef KUBE_FAKE_WATCHES_H
#define KUBE_FAKE_WATCHES_H

#include "kube-fake/fake.h"

struct watches *watches_create(struct kube_fake *fake);
void watches_destroy(struct watches *watches); /* accepts NULL */

/* Takes the exchange. namespace NULL: all. */
void watches_begin(struct watches *watches, struct web_exchange *exchange,
	const struct resource *resource, const char *namespace);

/* Each change of the store. */
void watches_tell(struct watches *watches, const struct change *change);

/* The exchange of a watch is over. */
void watches_over(struct watches *watches, struct web_exchange *exchange);

#endif
