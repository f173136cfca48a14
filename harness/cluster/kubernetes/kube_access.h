/*
 * kube_access - where the API server is, and what it is shown: a socket of `kubectl proxy`
 * that is spawned here, an address that was given, or the credentials of a pod.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_ACCESS_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_ACCESS_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/fetch.h"

/* Where a pod finds its service account. */
#define KUBE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* Read only outside kube_access.c. */
struct kube_access {
	char *words;  /* how it is reached, for errors and the fingerprint */
	char *socket; /* NULL: over TCP */
	char *base;   /* "http://localhost", "https://10.96.0.1:443" */
	char *ca;     /* path of the authority's certificate; NULL: not over TLS */
	char *token;  /* path of the token, read for each call; NULL: none */
	char *namespace;
	struct kube_proxy *proxy; /* NULL: none was spawned */
};

/* address: "unix:///PATH", "http://HOST:PORT"; NULL: a pod's service account where
 * KUBERNETES_SERVICE_HOST is set, else kubectl. Turns the loop. */
bool kube_access_open(struct kube_access *access, uv_loop_t *loop, const char *address,
	const bool *interrupted, struct err *err) MUST_CHECK;
void kube_access_close(struct kube_access *access); /* accepts a zeroed one */

/* The credentials of a pod whose service account is in this folder. */
bool kube_access_read_account(
	struct kube_access *access, const char *folder, struct err *err) MUST_CHECK;

/* "Authorization: Bearer ..." with the token as it is now, which its kubelet renews; NULL:
 * none is needed, or it cannot be read. The caller's. */
char *kube_access_authorization(const struct kube_access *access) MUST_CHECK;

#endif
