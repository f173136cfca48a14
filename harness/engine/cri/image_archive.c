#include "harness/engine/cri/image_archive.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define SHA256_DIGITS 64

/* The names of the machines that differ from those of images. */
static const char *architecture(const struct utsname *host)
{
	static const struct {
		const char *machine, *architecture;
	} names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm"}};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(host->machine, names[i].machine) == 0)
			return names[i].architecture;
	}
	return host->machine;
}

/* "sha256:..." of a file, the caller's; NULL with err. */
static char *digest_of(const char *path, uv_loop_t *loop, struct err *err)
{
	const char *const argv[] = {"sha256sum", path, NULL};
	SCOPED(buf_done) struct buf out = {0};
	const char *text;

	if (!run_program(loop, argv, &out, err))
		return NULL;
	text = buf_text(&out);
	/* In front of a name with a backslash there is one more. */
	text += *text == '\\';
	return mem_textf("sha256:%.*s", SHA256_DIGITS, text);
}

static bool write_json(
	const char *folder, const char *name, const cJSON *json, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);
	SCOPED(mem_free) char *text = json_print(json);
	ssize_t len = (ssize_t)strlen(text);
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (!ok)
		err_sys(err, "write %s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static cJSON *configuration(const struct image_archive *archive, const char *digest)
{
	struct utsname host = {0};
	SCOPED(mem_free) char *path = mem_textf("PATH=%s", archive->path);
	cJSON *json, *config;

	uname(&host);
	json = json_fill(NULL,
		"{'architecture': %s, 'os': 'linux', 'rootfs': {'type': 'layers', "
		"'diff_ids': [%s]}, 'config': {'Env': [%s]}}",
		architecture(&host), digest, path);
	config = cJSON_GetObjectItemCaseSensitive(json, "config");
	if (archive->entrypoint)
		json_fill(config, "{'Entrypoint': [%s]}", archive->entrypoint);
	if (archive->stop_signal)
		json_fill(config, "{'StopSignal': %s}", archive->stop_signal);
	return json;
}

static bool write_parts(const struct image_archive *archive, const char *folder,
	const char *digest, struct err *err)
{
	const char *layer = strrchr(archive->layer, '/') + 1;
	SCOPED(json_free) cJSON *config = configuration(archive, digest);
	SCOPED(json_free)
	cJSON *manifest = json_fill(NULL,
		"{'Config': 'config.json', 'RepoTags': [%s], 'Layers': [%s]}",
		archive->name, layer);
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_Duplicate(manifest, true));
	return write_json(folder, "config.json", config, err) &&
		write_json(folder, "manifest.json", list, err);
}

bool image_archive_write(const struct image_archive *archive, const char *folder,
	const char *file, uv_loop_t *loop, struct err *err)
{
	const char *slash = strrchr(archive->layer, '/');
	SCOPED(mem_free) char *digest = digest_of(archive->layer, loop, err);
	SCOPED(mem_free)
	char *from = mem_textf("%.*s", (int)(slash - archive->layer), archive->layer);
	const char *const argv[] = {"tar", "-c", "-f", file, "-C", folder,
		"config.json", "manifest.json", "-C", from, slash + 1, NULL};
	SCOPED(mem_free) char *config = mem_textf("%s/config.json", folder);
	SCOPED(mem_free) char *manifest = mem_textf("%s/manifest.json", folder);
	SCOPED(buf_done) struct buf out = {0};
	bool ok = digest && write_parts(archive, folder, digest, err) &&
		run_program(loop, argv, &out, err);

	unlink(config);
	unlink(manifest);
	return ok;
}
