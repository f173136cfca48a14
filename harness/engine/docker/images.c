#include "harness/engine/docker/images.h"

#include <stdlib.h>
#include <string.h>

#include "harness/engine/image_files.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LOAD_NS (120 * CLOCK_S)

bool docker_images_have(
	struct docker_engine *docker, const char *image, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("/images/%s/json", image);
	long status;
	bool ok = docker_api_call(docker->api,
		&(struct docker_call){.path = path, .status = &status}, err);

	if (status == 404)
		err_set(err, "there is no image %s, and none is pulled", image);
	return ok;
}

/* The status of an import is always 200; a failure is in the stream that follows. */
static bool check_import(const cJSON *answer, struct err *err)
{
	const char *stream = cJSON_IsString(answer) ? answer->valuestring : NULL;
	const char *failed = json_text(answer, "error");

	if (!failed && stream)
		failed = strstr(stream, "\"error\"");
	return !failed || err_set(err, "%.300s", failed);
}

/* One layer from one tar file. */
static bool import(struct docker_engine *docker, enum own_image image, const char *tag,
	const char *tar, struct err *err)
{
	const char *program = own_image_entrypoint(image);
	SCOPED(mem_free)
	char *entry = program ? mem_textf("ENTRYPOINT [\"%s\"]", program) : NULL;
	SCOPED(mem_free) char *entry_query = docker_api_escape(entry ? entry : "");
	SCOPED(mem_free)
	char *path_query = docker_api_escape("ENV PATH=" OWN_IMAGE_PATH);
	SCOPED(mem_free) char *path =
		mem_textf("/images/create?fromSrc=-&repo=%s&tag=%s&changes=%s%s%s",
			own_image_name(image), tag, path_query,
			entry ? "&changes=" : "", entry_query);
	SCOPED(json_free) cJSON *answer = NULL;

	return docker_api_call(docker->api,
		       &(struct docker_call){
			       .method = "POST",
			       .path = path,
			       .upload = tar,
			       .within_ns = LOAD_NS,
			       .answer = &answer,
		       },
		       err) &&
		check_import(answer, err);
}

static bool make(struct docker_engine *docker, enum own_image image,
	const struct image_files *files, const char *tag, struct err *err)
{
	SCOPED(mem_free)
	char *tar = own_image_write_tar(files, docker->engine.loop, err);
	bool ok = tar && import(docker, image, tag, tar, err);

	own_image_remove_tar(tar);
	return ok;
}

char *docker_images_load(
	struct docker_engine *docker, enum own_image image, struct err *err)
{
	SCOPED(image_files_done) struct image_files files = {0};
	char hash[IMAGE_FILES_HASH_SIZE];
	struct err missing;
	char *name = NULL;

	if (own_image_collect(&files, image, docker->engine.options.programs,
		    docker->engine.loop, hash, err)) {
		name = mem_textf("%s:%s", own_image_name(image), hash);
		if (docker_images_have(docker, name, &missing) ||
			make(docker, image, &files, hash, err))
			return name;
	}
	err_while(err, "image %s", own_image_name(image));
	free(name);
	return NULL;
}

char *docker_images_load_latest(
	struct docker_engine *docker, enum own_image image, struct err *err)
{
	const char *name = own_image_name(image);
	SCOPED(mem_free) char *tagged = docker_images_load(docker, image, err);
	SCOPED(mem_free) char *path =
		mem_textf("/images/%s/tag?repo=%s&tag=latest", tagged, name);

	return tagged &&
			docker_api_call(docker->api,
				&(struct docker_call){.method = "POST", .path = path},
				err)
		? mem_textf("%s:latest (%s)", name, tagged)
		: NULL;
}
