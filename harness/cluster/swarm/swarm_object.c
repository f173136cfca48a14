#include "harness/cluster/swarm/swarm_object.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* Swarm itself changes a service while an update goes on, a few times a second. */
#define TRIES 20

bool swarm_object_read(struct swarm_object *object, const char *text, struct err *err)
{
	const cJSON *spec;

	*object = (struct swarm_object){0};
	if (!json_doc_parse(&object->doc, "Swarm's answer", text, strlen(text), err))
		return false;
	spec = json_get(object->doc.root, "Spec");
	object->version =
		json_whole(json_at(object->doc.root, "Version.Index"), &object->version)
		? object->version
		: -1;
	if (!cJSON_IsObject(spec) || object->version < 0) {
		swarm_object_done(object);
		return err_set(err, "Swarm's answer has no Spec or no Version");
	}
	object->spec = json_doc_copy(&object->doc, spec);
	return true;
}

void swarm_object_done(struct swarm_object *object)
{
	json_doc_done(&object->doc);
	cJSON_Delete(object->spec);
	object->spec = NULL;
}

static bool try_once(struct swarm *swarm, const char *path, swarm_change_fn *change,
	const void *arg, struct err *err)
{
	SCOPED(mem_free) char *text = NULL, *update = NULL;
	struct swarm_object object;
	bool ok;

	if (!swarm_call(
		    swarm, &(struct docker_call){.path = path, .text = &text}, err) ||
		!swarm_object_read(&object, text ? text : "", err))
		return false;
	update = mem_textf("%s/update?version=%lld", path, (long long)object.version);
	ok = change(&object, arg, err) &&
		swarm_call(swarm,
			&(struct docker_call){
				.method = "POST",
				.path = update,
				.json = object.spec,
			},
			err);
	swarm_object_done(&object);
	return ok;
}

bool swarm_object_change(struct swarm *swarm, const char *path, swarm_change_fn *change,
	const void *arg, struct err *err)
{
	for (int i = 1;; i++) {
		if (try_once(swarm, path, change, arg, err))
			return true;
		if (i == TRIES || !strstr(err->text, "update out of sequence"))
			return false;
	}
}
