#include "harness/engine/docker/container_exec.h"

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* Gives the caller the id of the process to start; NULL with err. */
static char *create(
	struct container *container, const char *const *argv, struct err *err)
{
	SCOPED(json_free) cJSON *body = cJSON_CreateObject();
	SCOPED(json_free) cJSON *answer = NULL;
	cJSON *command = cJSON_AddArrayToObject(body, "Cmd");

	for (; *argv; argv++)
		cJSON_AddItemToArray(command, cJSON_CreateString(*argv));
	if (!container_call(container,
		    &(struct docker_call){
			    .method = "POST",
			    .path = "/exec",
			    .json = body,
			    .answer = &answer,
		    },
		    err))
		return NULL;
	return mem_text(json_text(answer, "Id"));
}

bool container_exec(struct subject *subject, const char *const *argv, struct err *err)
{
	struct container *container = (struct container *)subject;
	SCOPED(mem_free) char *id = create(container, argv, err);
	SCOPED(mem_free) char *path = id ? mem_textf("/exec/%s/start", id) : NULL;
	SCOPED(json_free)
	cJSON *body = json_fill(NULL, "{'Detach': true, 'Tty': false}");

	return id &&
		docker_api_call(container->docker->api,
			&(struct docker_call){
				.method = "POST", .path = path, .json = body},
			err);
}
