/*
 * discovery - what the server says of itself: /version, /api, /apis, the resources of
 * each group, and as much of /openapi/v3 as kubectl asks before it creates something.
 */
#ifndef KUBE_FAKE_DISCOVERY_H
#define KUBE_FAKE_DISCOVERY_H

#include "lib/web.h"

/* Answers a request for one of these. False: it is for something else. */
bool discovery_handle(struct web_exchange *exchange) MUST_CHECK;

#endif
