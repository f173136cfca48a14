#include "kube-fake/events.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

void events_add(struct store *store, const cJSON *pod, const char *type,
	const char *reason, const char *format, ...)
{
	const cJSON *meta = json_get(pod, "metadata");
	const char *namespace = json_text(meta, "namespace");
	const char *pod_name = json_text(meta, "name");
	SCOPED(mem_free) char *name =
		mem_textf("%s.%llx", pod_name, (unsigned long long)store->version);
	SCOPED(buf_done) struct buf message = {0};
	char now[STORE_TIME_SIZE];
	va_list args;

	va_start(args, format);
	buf_addv(&message, format, args);
	va_end(args);
	store_time(0, now);
	store_add(store, &resources[RESOURCE_EVENTS],
		json_fill(NULL,
			"{'metadata': {'name': %s, 'namespace': %s}, 'involvedObject': "
			"{'apiVersion': 'v1', 'kind': 'Pod', 'namespace': %s, 'name': %s, "
			"'uid': %s}, 'reason': %s, 'message': %s, 'type': %s, 'count': 1, "
			"'firstTimestamp': %s, 'lastTimestamp': %s, 'source': "
			"{'component': 'kubelet', 'host': %s}, 'reportingComponent': "
			"'kubelet', 'reportingInstance': ''}",
			name, namespace, namespace, pod_name, json_text(meta, "uid"),
			reason, buf_text(&message), type, now, now,
			json_text(json_get(pod, "spec"), "nodeName")));
}
