#include "harness/engine/docker/images.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/docker/image_files.h"
#include "harness/engine/docker/shared_libs.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LOAD_NS (120 * CLOCK_S)

static const struct recipe {
	const char *name;
	const char *programs[6]; /* ends in NULL */
	const char *entrypoint;  /* NULL: none */
	bool with_subjects, with_shell;
} recipes[] = {
	[DOCKER_IMAGE_PROGRAMS] =
		{
			.name = "stopbench-programs",
			.programs = {"service", "mock-agent", "mock-cli", "mock-mcp",
				"mock-mcp-http"},
			.with_subjects = true,
			.with_shell = true,
		},
	[DOCKER_IMAGE_SERVICE] =
		{
			.name = "stopbench-service",
			.programs = {"service", "mock-cli", "mock-mcp"},
			.entrypoint = "service",
		},
	[DOCKER_IMAGE_MOCK_AGENT] =
		{
			.name = "stopbench-mock-agent",
			.programs = {"mock-agent"},
			.entrypoint = "mock-agent",
		},
};

/* --- the files --- */

static void add_system_files(struct image_files *files)
{
	static const char certificates[] = "/etc/ssl/certs/ca-certificates.crt";

	image_files_add(files, "etc/passwd", NULL,
		"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
	image_files_add(files, "etc/group", NULL, "root:x:0:\nnogroup:x:65534:\n");
	image_files_add(files, "etc/nsswitch.conf", NULL, "hosts: files dns\n");
	/* For a service that uses a real API. */
	if (access(certificates, R_OK) == 0)
		image_files_add(files, certificates + 1, certificates, NULL);
}

static bool add_program(struct image_files *files, const char *folder, const char *name,
	uv_loop_t *loop, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);
	SCOPED(mem_free) char *inside = mem_textf("bin/%s", name);

	if (access(path, X_OK) != 0)
		return err_sys(err, "program %s", path);
	return shared_libs_add(files, inside, path, loop, err);
}

/* The folder may be missing or empty. */
static bool add_subjects(struct image_files *files, const char *programs,
	uv_loop_t *loop, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/../subjects", programs);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool ok = true;

	while (folder && ok && (entry = readdir(folder))) {
		SCOPED(mem_free) char *subject =
			mem_textf("%s/%s", path, entry->d_name);

		/* make writes "NAME.d" beside each. */
		if (entry->d_name[0] != '.' && !strchr(entry->d_name, '.') &&
			access(subject, X_OK) == 0)
			ok = add_program(files, path, entry->d_name, loop, err);
	}
	if (folder)
		closedir(folder);
	return ok;
}

/* dash, by name: bash replaces itself with its last command, which would change the
 * scenarios about a shell that stays. */
static bool add_shell(struct image_files *files, uv_loop_t *loop, struct err *err)
{
	static const char *const places[] = {"/bin/dash", "/usr/bin/dash"};

	for (size_t i = 0; i < COUNT(places); i++) {
		if (access(places[i], X_OK) == 0)
			return shared_libs_add(files, "bin/sh", places[i], loop, err);
	}
	return err_set(
		err, "no dash in /bin or /usr/bin: it is the shell of our images");
}

static bool collect(struct image_files *files, const struct recipe *recipe,
	const char *programs, uv_loop_t *loop, struct err *err)
{
	bool ok = true;

	add_system_files(files);
	for (size_t i = 0; ok && recipe->programs[i]; i++)
		ok = add_program(files, programs, recipe->programs[i], loop, err);
	if (ok && recipe->with_subjects)
		ok = add_subjects(files, programs, loop, err);
	if (ok && recipe->with_shell)
		ok = add_shell(files, loop, err);
	return ok;
}

/* --- the engine --- */

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
static bool import(struct docker_engine *docker, const struct recipe *recipe,
	const char *tag, const char *tar, struct err *err)
{
	SCOPED(mem_free) char *entry = recipe->entrypoint
		? mem_textf("ENTRYPOINT [\"%s\"]", recipe->entrypoint)
		: NULL;
	SCOPED(mem_free) char *entry_query = docker_api_escape(entry ? entry : "");
	SCOPED(mem_free) char *path_query = docker_api_escape("ENV PATH=/bin");
	SCOPED(mem_free) char *path = mem_textf(
		"/images/create?fromSrc=-&repo=%s&tag=%s&changes=%s%s%s", recipe->name,
		tag, path_query, entry ? "&changes=" : "", entry_query);
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

static bool make(struct docker_engine *docker, const struct recipe *recipe,
	const struct image_files *files, const char *tag, struct err *err)
{
	const char *temporary = getenv("TMPDIR");
	SCOPED(mem_free) char *folder = mem_textf("%s/stopbench-image-XXXXXX",
		temporary && temporary[0] ? temporary : "/tmp");
	SCOPED(mem_free) char *tar = NULL;
	bool ok;

	if (!mkdtemp(folder))
		return err_sys(err, "make %s", folder);
	tar = mem_textf("%s/image.tar", folder);
	ok = image_files_write(files, tar, docker->engine.loop, err) &&
		import(docker, recipe, tag, tar, err);
	unlink(tar);
	rmdir(folder);
	return ok;
}

char *docker_images_load(
	struct docker_engine *docker, enum docker_image image, struct err *err)
{
	const struct recipe *recipe = &recipes[image];
	SCOPED(image_files_done) struct image_files files = {0};
	char hash[IMAGE_FILES_HASH_SIZE];
	struct err missing;
	char *name = NULL;

	if (collect(&files, recipe, docker->engine.options.programs,
		    docker->engine.loop, err) &&
		image_files_hash(&files, hash, err)) {
		name = mem_textf("%s:%s", recipe->name, hash);
		if (docker_images_have(docker, name, &missing) ||
			make(docker, recipe, &files, hash, err))
			return name;
	}
	err_while(err, "image %s", recipe->name);
	free(name);
	return NULL;
}

char *docker_images_load_latest(
	struct docker_engine *docker, enum docker_image image, struct err *err)
{
	const char *name = recipes[image].name;
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
