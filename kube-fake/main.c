/*
 * kube-fake - Kubernetes' API with a simulated kubelet, to test clients against.
 */
#include <argp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube-fake/api.h"
#include "kube-fake/controllers.h"
#include "kube-fake/kubelet.h"
#include "kube-fake/watches.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/settings.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/version.h"

enum {
	EXIT_OK,
	EXIT_USAGE = 2,
	EXIT_NO_START,
};

struct kube_fake_config {
	char *host;
	int64_t port;
	char *port_file;
	char *kubeconfig;
	int64_t nodes;
	char *behavior;
};

static const struct field settings[] = {
	{"HOST", FIELD_TEXT, offsetof(struct kube_fake_config, host), "127.0.0.1",
		.help = "address to listen at, in numbers"},
	{"PORT", FIELD_INT, offsetof(struct kube_fake_config, port), "0",
		.help = "port to listen at; 0: any free one", .max = 65535},
	{"PORT_FILE", FIELD_TEXT, offsetof(struct kube_fake_config, port_file), NULL,
		.help = "file for the port, written when it listens"},
	{"KUBECONFIG", FIELD_TEXT, offsetof(struct kube_fake_config, kubeconfig), NULL,
		.help = "file for a kubeconfig, with which kubectl finds it, likewise"},
	{"NODES", FIELD_INT, offsetof(struct kube_fake_config, nodes), "2",
		.help = "so many nodes, node-1 and on", .min = 1, .max = 250},
	{"BEHAVIOR", FIELD_TEXT, offsetof(struct kube_fake_config, behavior), NULL,
		.help = "the behavior (see below): JSON, or the path of a file with it"},
	{0},
};

static const char about[] =
	"A contract fake of Kubernetes' API: namespaces, nodes, pods, services, events, "
	"deployments, replica sets, endpointslices and disruption budgets, with list, watch, "
	"patch, scale and eviction. Controllers and a kubelet are simulated: pods start, "
	"become ready and stop after delays, and no process runs. Its version is " FAKE_VERSION
	".\n\nPUT /control/behavior changes the behavior while it runs. Exit codes: 0 ended, "
	"2 bad usage, 3 could not start.\n\nThe behavior, with its defaults:\n\n";

struct kube_fake_program {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	struct kube_fake fake;
	struct web *web;
};

static void on_signal(uv_signal_t *signal, UNUSED int number)
{
	uv_stop(signal->loop);
}

static void on_changed(void *arg, const struct change *change)
{
	struct kube_fake *fake = arg;

	watches_tell(fake->watches, change);
	kubelet_notice(fake->kubelet, change);
	controllers_notice(fake->controllers, change);
}

static void add_namespace(struct store *store, const char *name)
{
	store_add(store, &resources[RESOURCE_NAMESPACES],
		json_fill(NULL,
			"{'metadata': {'name': %s, 'labels': "
			"{'kubernetes.io/metadata.name': %s}}, 'spec': {'finalizers': "
			"['kubernetes']}, 'status': {'phase': 'Active'}}",
			name, name));
}

static void begin(struct kube_fake *fake, const struct kube_fake_config *config)
{
	fake->store = store_create(on_changed, fake);
	fake->watches = watches_create(fake);
	fake->kubelet = kubelet_create(fake);
	fake->controllers = controllers_create(fake);
	add_namespace(fake->store, "default");
	add_namespace(fake->store, "kube-system");
	kubelet_add_nodes(fake->kubelet, (unsigned)config->nodes);
}

static void end(struct kube_fake *fake)
{
	watches_destroy(fake->watches);
	controllers_destroy(fake->controllers);
	kubelet_destroy(fake->kubelet);
	store_destroy(fake->store);
}

static bool write_kubeconfig(const char *path, const char *url, struct err *err)
{
	SCOPED(json_free) cJSON *json = json_fill(NULL,
		"{'apiVersion': 'v1', 'kind': 'Config', 'clusters': [{'name': 'simulated', "
		"'cluster': {'server': %s}}], 'users': [{'name': 'simulated', 'user': {}}], "
		"'contexts': [{'name': 'simulated', 'context': {'cluster': 'simulated', "
		"'user': 'simulated', 'namespace': 'default'}}], 'current-context': "
		"'simulated'}",
		url);
	SCOPED(mem_free) char *text = json_print(json);

	return !path || fs_replace_file(path, text, strlen(text), err);
}

static bool announce(const struct kube_fake_program *program,
	const struct kube_fake_config *config, struct err *err)
{
	SCOPED(mem_free) char *port = mem_textf("%u\n", web_port(program->web));
	SCOPED(mem_free) char *url =
		mem_textf("http://%s:%u", config->host, web_port(program->web));

	return write_kubeconfig(config->kubeconfig, url, err) &&
		(!config->port_file ||
			fs_replace_file(config->port_file, port, strlen(port), err));
}

static bool listen_at(struct kube_fake_program *program,
	const struct kube_fake_config *config, struct err *err)
{
	program->web = web_create(&program->loop,
		&(struct web_options){
			.host = config->host,
			.port = (uint16_t)config->port,
			.idle_ns = 300 * CLOCK_S,
			.body_ceiling = (size_t)4 << 20,
			.handle = api_handle,
			.over = api_over,
			.arg = &program->fake,
		},
		err);
	return program->web && announce(program, config, err);
}

static bool read_behavior(
	struct kube_behavior *behavior, const char *given, struct err *err)
{
	struct json_doc doc;
	bool ok;

	fields_preset(kube_behavior_fields, behavior);
	if (!given)
		return true;
	if (!json_doc_given(&doc, "--behavior", given, err))
		return false;
	ok = fields_read(kube_behavior_fields, behavior, &doc, doc.root, "", err);
	json_doc_done(&doc);
	return ok;
}

static void begin_signals(struct kube_fake_program *program)
{
	uv_signal_init(&program->loop, &program->term);
	uv_signal_init(&program->loop, &program->interrupt);
	uv_signal_start(&program->term, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	signals_block_only(NULL);
}

static int serve(
	struct kube_fake_program *program, const struct kube_fake_config *config)
{
	struct err err;
	int code = EXIT_OK;

	begin_signals(program);
	begin(&program->fake, config);
	if (listen_at(program, config, &err)) {
		uv_run(&program->loop, UV_RUN_DEFAULT);
	} else {
		fprintf(stderr, "kube-fake: %s\n", err.text);
		code = EXIT_NO_START;
	}
	web_destroy(program->web);
	end(&program->fake);
	uv_close((uv_handle_t *)&program->term, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
	return code;
}

static char *help(void)
{
	struct buf text = {0};

	buf_adds(&text, about);
	fields_help(kube_behavior_fields, "", &text);
	return buf_take(&text);
}

int main(int argc, char **argv)
{
	static const int handled[] = {SIGTERM, SIGINT, 0};
	struct kube_fake_program program = {0};
	struct kube_fake_config config;
	SCOPED(mem_free) char *text = NULL;
	struct err err;
	int code;

	signals_block_only(handled);
	standard_files_open(EXIT_NO_START);
	text = help();
	if (!settings_read(settings, "KUBE_FAKE_", &config, argc, argv, text, &err) ||
		!read_behavior(&program.fake.behavior, config.behavior, &err)) {
		fprintf(stderr, "kube-fake: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (fd_limit_raise(&err) == 0 || uv_loop_init(&program.loop) != 0) {
		fprintf(stderr, "kube-fake: cannot start\n");
		return EXIT_NO_START;
	}
	program.fake.loop = &program.loop;
	code = serve(&program, &config);
	fields_done(kube_behavior_fields, &program.fake.behavior);
	fields_done(settings, &config);
	return code;
}
