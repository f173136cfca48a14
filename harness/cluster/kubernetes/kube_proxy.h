/*
 * kube_proxy - `kubectl proxy` as a child: kubeconfig, certificates, logins and plug-ins
 * are kubectl's business, and the API is HTTP on a unix socket of ours.
 *
 * The socket is in a folder that only its user can open. The child ends with us, whatever
 * ends us.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_PROXY_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_PROXY_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct kube_proxy;

/* Gives one that serves. Keeps loop, which it turns. */
struct kube_proxy *kube_proxy_begin(
	uv_loop_t *loop, const bool *interrupted, struct err *err) MUST_CHECK;
void kube_proxy_end(struct kube_proxy *proxy); /* accepts NULL */

const char *kube_proxy_socket(const struct kube_proxy *proxy);

/* Why it ended by itself; NULL: it runs. Borrowed. */
const char *kube_proxy_trouble(const struct kube_proxy *proxy);

#endif
