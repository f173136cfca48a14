#include "harness/engine/own_image.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/shared_libs.h"
#include "lib/mem.h"

static const struct recipe {
	const char *name;
	const char *programs[6]; /* ends in NULL */
	const char *entrypoint;  /* NULL: none */
	bool with_subjects, with_shell;
} recipes[] = {
	[OWN_IMAGE_PROGRAMS] =
		{
			.name = "stopbench-programs",
			.programs = {"service", "mock-agent", "mock-cli", "mock-mcp",
				"mock-mcp-http"},
			.with_subjects = true,
			.with_shell = true,
		},
	[OWN_IMAGE_SERVICE] =
		{
			.name = "stopbench-service",
			.programs = {"service", "mock-cli", "mock-mcp"},
			.entrypoint = "service",
		},
	[OWN_IMAGE_MOCK_AGENT] =
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

bool own_image_collect(struct image_files *files, enum own_image image,
	const char *programs, uv_loop_t *loop, char hash[IMAGE_FILES_HASH_SIZE],
	struct err *err)
{
	const struct recipe *recipe = &recipes[image];
	bool ok = true;

	add_system_files(files);
	for (size_t i = 0; ok && recipe->programs[i]; i++)
		ok = add_program(files, programs, recipe->programs[i], loop, err);
	if (ok && recipe->with_subjects)
		ok = add_subjects(files, programs, loop, err);
	if (ok && recipe->with_shell)
		ok = add_shell(files, loop, err);
	return ok && image_files_hash(files, hash, err);
}

const char *own_image_name(enum own_image image)
{
	return recipes[image].name;
}

const char *own_image_entrypoint(enum own_image image)
{
	return recipes[image].entrypoint;
}

/* --- the tar file --- */

#define TAR_NAME "/image.tar"

char *own_image_write_tar(
	const struct image_files *files, uv_loop_t *loop, struct err *err)
{
	const char *temporary = getenv("TMPDIR");
	SCOPED(mem_free) char *folder = mem_textf("%s/stopbench-image-XXXXXX",
		temporary && temporary[0] ? temporary : "/tmp");
	char *tar;

	if (!mkdtemp(folder)) {
		err_sys(err, "make %s", folder);
		return NULL;
	}
	tar = mem_textf("%s" TAR_NAME, folder);
	if (image_files_write(files, tar, loop, err))
		return tar;
	own_image_remove_tar(tar);
	free(tar);
	return NULL;
}

void own_image_remove_tar(const char *tar)
{
	SCOPED(mem_free) char *folder = NULL;

	if (!tar)
		return;
	folder = mem_textf("%.*s", (int)(strlen(tar) - strlen(TAR_NAME)), tar);
	unlink(tar);
	rmdir(folder);
}
