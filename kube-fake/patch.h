/*
 * patch - the three kinds of PATCH: JSON patch (RFC 6902), merge patch (RFC 7386) and
 * Kubernetes' strategic merge patch, in which lists of objects are merged by a key.
 */
#ifndef KUBE_FAKE_PATCH_H
#define KUBE_FAKE_PATCH_H

#include <cjson/cJSON.h>

#include "lib/err.h"

/* Changes target in place, which may be left half patched with an error. `type` is the
 * Content-Type. Borrows patch. */
bool patch_apply(cJSON *target, const char *type, const cJSON *patch,
	struct err *err) MUST_CHECK;

#endif
