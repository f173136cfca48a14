#include "harness/engine/cri/images.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/cri/image_archive.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define CTR_NS   (120 * CLOCK_S)
#define KNOWN_NS (10 * CLOCK_S) /* until CRI knows what ctr has imported */

/* --- what is there --- */

static Cri__ImageStatusResponse *ask(
	struct cri_engine *cri, const char *image, struct err *err)
{
	SCOPED(message_free)
	Cri__ImageStatusRequest *request =
		message_new(&cri__image_status_request__descriptor);
	Cri__ImageStatusResponse *answer;

	request->image = message_new(&cri__image_spec__descriptor);
	message_set(&request->image->image, image);
	request->verbose = true;
	answer = runtime_service_call(cri->service,
		&(struct cri_call){.method = CRI_IMAGE_STATUS, .request = request},
		err);
	if (!answer || answer->image)
		return answer;
	message_free(&answer);
	err_set(err, "there is no image %s, and none is pulled", image);
	return NULL;
}

cJSON *cri_images_config(struct cri_engine *cri, const char *image, struct err *err)
{
	SCOPED(message_free) Cri__ImageStatusResponse *answer = ask(cri, image, err);
	const char *text =
		answer ? message_pair(answer->info, answer->n_info, "info") : NULL;
	SCOPED(json_free) cJSON *info = text ? json_parse(text, strlen(text)) : NULL;
	const cJSON *config = json_at(info, "imageSpec.config");

	if (!answer)
		return NULL;
	return config ? cJSON_Duplicate(config, true) : cJSON_CreateObject();
}

static bool has(struct cri_engine *cri, const char *image)
{
	struct err missing;
	SCOPED(message_free) Cri__ImageStatusResponse *answer =
		ask(cri, image, &missing);

	return answer != NULL;
}

/* The CRI plugin learns of an import by an event, a little later. */
static bool await(struct cri_engine *cri, const char *image, struct err *err)
{
	int64_t deadline_ns = clock_now() + KNOWN_NS;
	bool known;

	while (!(known = has(cri, image)) && clock_now() < deadline_ns)
		if (!runtime_service_pause(cri->service, false))
			break;
	return known ||
		err_set(err, "ctr has imported %s, but the runtime does not know it",
			image);
}

/* --- ours --- */

static bool ctr(struct cri_engine *cri, const char *const *words, struct err *err)
{
	const char *argv[16] = {"ctr", "--address", cri->service->socket, "--namespace",
		"k8s.io", "images"};
	SCOPED(buf_done) struct buf out = {0};
	size_t count = 6;

	for (; *words && count + 1 < COUNT(argv); words++)
		argv[count++] = *words;
	return run_program_call(cri->engine.loop,
		&(struct program_call){
			.argv = argv,
			.within_ns = CTR_NS,
			.interrupted = cri->engine.options.interrupted,
			.out = &out,
		},
		err);
}

/* With a snapshotter of the runtime's that is not known, the image is unpacked when its
 * first container is made. */
static bool import(struct cri_engine *cri, const char *archive, struct err *err)
{
	const cJSON *known = json_at(cri->config, "containerd.snapshotter");
	const char *const plain[] = {"import", "--no-unpack", archive, NULL};
	const char *const unpacking[] = {"import", "--snapshotter",
		cJSON_IsString(known) ? known->valuestring : NULL, archive, NULL};

	return ctr(cri, unpacking[2] ? unpacking : plain, err);
}

static bool make(struct cri_engine *cri, enum own_image image,
	const struct image_files *files, const char *name, const char *stop_signal,
	struct err *err)
{
	uv_loop_t *loop = cri->engine.loop;
	SCOPED(mem_free) char *layer = own_image_write_tar(files, loop, err);
	SCOPED(mem_free)
	char *folder = layer
		? mem_textf("%.*s", (int)(strrchr(layer, '/') - layer), layer)
		: NULL;
	SCOPED(mem_free)
	char *archive = layer ? mem_textf("%s/archive.tar", folder) : NULL;
	bool ok = layer &&
		image_archive_write(
			&(struct image_archive){
				.name = name,
				.layer = layer,
				.path = OWN_IMAGE_PATH,
				.entrypoint = own_image_entrypoint(image),
				.stop_signal = stop_signal,
			},
			folder, archive, loop, err) &&
		import(cri, archive, err) && await(cri, name, err);

	if (archive)
		unlink(archive);
	own_image_remove_tar(layer);
	return ok;
}

/* "stopbench-programs:1a2b-SIGRTMIN_3": a tag has no plus. */
static char *name_of(enum own_image image, const char *hash, const char *stop_signal)
{
	char *name = stop_signal
		? mem_textf("%s:%s-%s", own_image_name(image), hash, stop_signal)
		: mem_textf("%s:%s", own_image_name(image), hash);

	for (char *at = name; (at = strchr(at, '+'));)
		*at = '_';
	return name;
}

char *cri_images_load(struct cri_engine *cri, enum own_image image,
	const char *stop_signal, struct err *err)
{
	SCOPED(image_files_done) struct image_files files = {0};
	char hash[IMAGE_FILES_HASH_SIZE];
	char *name = NULL;

	if (own_image_collect(&files, image, cri->engine.options.programs,
		    cri->engine.loop, hash, err)) {
		name = name_of(image, hash, stop_signal);
		if (has(cri, name) || make(cri, image, &files, name, stop_signal, err))
			return name;
	}
	err_while(err, "image %s", own_image_name(image));
	free(name);
	return NULL;
}

int cri_images_load_all(
	struct engine *engine, engine_said_fn *said, void *arg, struct err *err)
{
	struct cri_engine *cri = (struct cri_engine *)engine;

	for (int i = 0; i < OWN_IMAGES; i++) {
		const char *plain = own_image_name((enum own_image)i);
		SCOPED(mem_free)
		char *name = cri_images_load(cri, (enum own_image)i, NULL, err);
		SCOPED(mem_free)
		char *from = mem_textf("docker.io/library/%s", name ? name : "");
		SCOPED(mem_free)
		char *to = mem_textf("docker.io/library/%s:latest", plain);
		SCOPED(mem_free) char *latest = mem_textf("%s:latest", plain);
		SCOPED(mem_free) char *line = mem_textf("%s (%s)", latest, name);

		if (!name ||
			!ctr(cri,
				(const char *const[]){"tag", "--force", from, to, NULL},
				err) ||
			!await(cri, latest, err))
			return -1;
		said(arg, line);
	}
	return OWN_IMAGES;
}
