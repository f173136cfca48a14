#include "harness/engine/cri/container_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/cri/sandbox.h"
#include "lib/json.h"
#include "lib/mem.h"

#define CPU_PERIOD_US INT64_C(100000)
/* As dockerd does for --init: a static program of this machine, mounted. */
#define INIT_INSIDE "/sbin/docker-init"

/* A kubelet has them, or CNI: a runtime does not. */
const char *cri_container_config_missing(const struct container_options *options)
{
	const struct healthcheck *check = &options->healthcheck;

	for (unsigned i = 0; i < options->volumes.count; i++) {
		const char *source = options->volumes.item[i].source;

		if (!source || source[0] != '/')
			return "volumes (but for paths)";
	}
	if (options->tmpfs.count)
		return "tmpfs";
	if (options->ports.count)
		return "ports";
	if (options->networks.count)
		return "networks";
	if (options->pids_limit)
		return "pids_limit";
	if (options->ulimits.count)
		return "ulimits";
	if (options->restart && strcmp(options->restart, "no") != 0)
		return "restart";
	if (check->test.count || check->interval_ns || check->timeout_ns ||
		check->start_period_ns || check->retries)
		return "healthcheck";
	return NULL;
}

/* --- what runs --- */

static void add_words(char ***list, size_t *n, const char *const *words)
{
	for (; words && *words; words++)
		message_add_text(list, n, *words);
}

static void add_words_of(char ***list, size_t *n, const cJSON *words)
{
	const cJSON *word;

	cJSON_ArrayForEach(word, words) {
		if (cJSON_IsString(word))
			message_add_text(list, n, word->valuestring);
	}
}

static void add_mount(Cri__ContainerConfig *config, const char *source,
	const char *target, bool read_only)
{
	Cri__Mount *mount = message_new(&cri__mount__descriptor);

	mount->host_path = mem_text(source);
	mount->container_path = mem_text(target);
	mount->readonly = read_only;
	message_add(&config->mounts, &config->n_mounts, mount);
}

static const char *find_init(struct err *err)
{
	static const char *const places[] = {"/usr/bin/tini-static",
		"/sbin/tini-static", "/usr/libexec/docker/docker-init",
		"/usr/bin/docker-init"};

	for (size_t i = 0; i < COUNT(places); i++) {
		if (access(places[i], X_OK) == 0)
			return places[i];
	}
	err_set(err,
		"service.init: CRI has no init of its own, and there is no "
		"tini-static here (package tini)");
	return NULL;
}

/* What a runtime makes of command and args is what Docker makes of entrypoint and
 * command. Behind an init the image's own words have to be written out. */
static bool add_command(Cri__ContainerConfig *config, const struct subject_spec *spec,
	const cJSON *of_image, struct err *err)
{
	static const char *const init[] = {INIT_INSIDE, "--", NULL};
	const char *program = spec->init ? find_init(err) : NULL;

	if (spec->init) {
		if (!program)
			return false;
		add_mount(config, program, INIT_INSIDE, true);
		add_words(&config->command, &config->n_command, init);
	}
	if (spec->init && !spec->entrypoint)
		add_words_of(&config->command, &config->n_command,
			json_get(of_image, "Entrypoint"));
	add_words(&config->command, &config->n_command, spec->entrypoint);
	if (spec->init && !spec->entrypoint && !spec->command)
		add_words_of(&config->args, &config->n_args, json_get(of_image, "Cmd"));
	add_words(&config->args, &config->n_args, spec->command);
	return true;
}

static void add_env(Cri__ContainerConfig *config, const char *const *env)
{
	for (; env && *env; env++) {
		size_t len = strcspn(*env, "=");
		SCOPED(mem_free) char *name = mem_textf("%.*s", (int)len, *env);

		message_add_pair(&config->envs, &config->n_envs, name,
			(*env)[len] ? *env + len + 1 : "");
	}
}

/* --- as whom, and how much of it --- */

static bool read_number(Cri__Int64 **number, const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (!text[0] || *end || value < 0)
		return false;
	*number = message_new(&cri__int64__descriptor);
	(*number)->value = value;
	return true;
}

/* "1000:1000", "www-data", "33". */
static bool add_user(
	Cri__LinuxContainerSecurityContext *context, const char *text, struct err *err)
{
	size_t len = strcspn(text, ":");
	SCOPED(mem_free) char *user = mem_textf("%.*s", (int)len, text);

	if (!read_number(&context->run_as_user, user))
		message_set(&context->run_as_username, user);
	return !text[len] || read_number(&context->run_as_group, text + len + 1) ||
		err_set(err, "service.user: CRI takes a group by its number");
}

static bool add_security(Cri__LinuxContainerSecurityContext *context,
	const struct container_options *options, struct err *err)
{
	Cri__Capability *capability = message_new(&cri__capability__descriptor);

	context->capabilities = capability;
	add_words(&capability->add_capabilities, &capability->n_add_capabilities,
		(const char *const *)options->cap_add.item);
	add_words(&capability->drop_capabilities, &capability->n_drop_capabilities,
		(const char *const *)options->cap_drop.item);
	context->readonly_rootfs = options->read_only;
	return !options->user || add_user(context, options->user, err);
}

static bool add_options(Cri__ContainerConfig *config,
	const struct container_options *options, struct err *err)
{
	Cri__LinuxContainerResources *resources =
		message_new(&cri__linux_container_resources__descriptor);

	config->linux->resources = resources;
	resources->memory_limit_in_bytes = options->mem_limit;
	if (options->nano_cpus) {
		resources->cpu_period = CPU_PERIOD_US;
		resources->cpu_quota =
			options->nano_cpus * CPU_PERIOD_US / INT64_C(1000000000);
	}
	message_set(&config->working_dir, options->working_dir);
	config->tty = options->tty;
	for (unsigned i = 0; i < options->volumes.count; i++) {
		const struct volume *volume = &options->volumes.item[i];

		add_mount(config, volume->source, volume->target, volume->read_only);
	}
	return add_security(config->linux->security_context, options, err);
}

Cri__ContainerConfig *cri_container_config(const struct cri_engine *cri,
	const struct subject_spec *spec, const char *image, const cJSON *of_image,
	struct err *err)
{
	Cri__ContainerConfig *config = message_new(&cri__container_config__descriptor);
	Cri__LinuxContainerSecurityContext *context =
		message_new(&cri__linux_container_security_context__descriptor);

	config->metadata = message_new(&cri__container_metadata__descriptor);
	message_set(&config->metadata->name, spec->name);
	config->image = message_new(&cri__image_spec__descriptor);
	message_set(&config->image->image, image);
	config->linux = message_new(&cri__linux_container_config__descriptor);
	config->linux->security_context = context;
	context->namespace_options = cri_sandbox_namespaces();
	cri_sandbox_add_labels(cri, &config->labels, &config->n_labels);
	add_env(config, spec->env);
	/* A socket in it accepts connections, although nothing can be written. */
	add_mount(config, spec->run_folder, spec->run_folder, true);
	if (add_command(config, spec, of_image, err) &&
		(!spec->container || add_options(config, spec->container, err)))
		return config;
	message_free(&config);
	return NULL;
}
