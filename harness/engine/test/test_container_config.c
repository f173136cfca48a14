#include "harness/engine/docker/container_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/json.h"
#include "lib/mem.h"

static void on_wrong(void *arg UNUSED, const struct err *err)
{
	fail_msg("%s", err->text);
}

/* The body for a service with these members. */
static cJSON *config_of(const char *members)
{
	static const char *const env[] = {"A=1", NULL};
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(mem_free)
	char *text = mem_textf("{\"name\":\"x\",\"service\":{%s}}", members);
	SCOPED(json_free) cJSON *labels = cJSON_CreateObject();
	struct scenario scenario;
	struct err err;
	cJSON *config;

	assert_true(json_doc_parse(&doc, "s", text, strlen(text), &err));
	assert_true(scenario_read(&scenario, &doc, doc.root, on_wrong, NULL));
	config = container_config(
		&(struct subject_spec){
			.name = "service",
			.env = env,
			.run_folder = "/tmp/run",
			.container = &scenario.service.container,
		},
		"image", 7, labels);
	scenario_done(&scenario);
	return config;
}

/* What the daemon gets at that path for these members, as JSON; NULL: it is absent. */
static const struct {
	const char *members, *path, *json;
} rows[] = {
	{"", "HostConfig.NetworkMode", "\"host\""},
	{"", "HostConfig.RestartPolicy", "{\"Name\":\"no\"}"},
	{"", "HostConfig.Memory", NULL},
	{"", "HostConfig.CapAdd", NULL},
	{"", "User", NULL},
	{"", "Healthcheck", NULL},
	{"", "Tty", "false"},
	{"", "HostConfig.ReadonlyRootfs", "false"},
	{"", "HostConfig.Mounts",
		"[{\"Type\":\"bind\",\"Source\":\"/tmp/run\",\"Target\":\"/tmp/run\","
		"\"ReadOnly\":true}]"},
	{"\"volumes\":[\"/a:/b:ro\"]", "HostConfig.Mounts.1",
		"{\"Type\":\"bind\",\"Target\":\"/b\",\"Source\":\"/a\",\"ReadOnly\":true}"},
	{"\"volumes\":[\"data:/b\"]", "HostConfig.Mounts.1",
		"{\"Type\":\"volume\",\"Target\":\"/b\",\"Source\":\"data\",\"ReadOnly\":false}"},
	{"\"volumes\":[\"/b\"]", "HostConfig.Mounts.1",
		"{\"Type\":\"volume\",\"Target\":\"/b\",\"ReadOnly\":false}"},
	{"\"tmpfs\":[\"/run\",\"/tmp:size=64m\"]", "HostConfig.Tmpfs",
		"{\"/run\":\"\",\"/tmp\":\"size=64m\"}"},
	{"\"ports\":[\"8080:80\",\"127.0.0.1::80\"]", "HostConfig.PortBindings",
		"{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"},"
		"{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}"},
	{"\"ports\":[\"8080:80\"]", "ExposedPorts", "{\"80/tcp\":{}}"},
	{"\"ports\":[\"8080:80\"]", "HostConfig.NetworkMode", "\"bridge\""},
	{"\"networks\":[\"front\",\"back\"]", "HostConfig.NetworkMode", "\"front\""},
	{"\"mem_limit\":\"512m\"", "HostConfig.Memory", "536870912"},
	{"\"cpus\":\"0.5\"", "HostConfig.NanoCpus", "500000000"},
	{"\"pids_limit\":100", "HostConfig.PidsLimit", "100"},
	{"\"user\":\"1000:1000\"", "User", "\"1000:1000\""},
	{"\"working_dir\":\"/srv\"", "WorkingDir", "\"/srv\""},
	{"\"cap_add\":[\"NET_ADMIN\"]", "HostConfig.CapAdd", "[\"NET_ADMIN\"]"},
	{"\"cap_drop\":[\"ALL\"]", "HostConfig.CapDrop", "[\"ALL\"]"},
	{"\"read_only\":true", "HostConfig.ReadonlyRootfs", "true"},
	{"\"ulimits\":{\"nofile\":{\"soft\":1024,\"hard\":2048}}", "HostConfig.Ulimits",
		"[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":2048}]"},
	{"\"tty\":true", "Tty", "true"},
	{"\"restart\":\"on-failure:3\"", "HostConfig.RestartPolicy",
		"{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"},
	{"\"healthcheck\":{\"test\":\"curl -f localhost\",\"interval\":\"2s\",\"retries\":3}",
		"Healthcheck",
		"{\"Test\":[\"CMD-SHELL\",\"curl -f localhost\"],\"Interval\":2000000000,"
		"\"Retries\":3}"},
	{"\"healthcheck\":{\"disable\":true}", "Healthcheck", "{\"Test\":[\"NONE\"]}"},
};

static void container_config_says_what_the_service_is_given(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free) cJSON *config = config_of(rows[i].members);
		const cJSON *node = json_at(config, rows[i].path);
		SCOPED(mem_free) char *json = node ? json_print(node) : NULL;

		if (!json != !rows[i].json || (json && strcmp(json, rows[i].json) != 0))
			fail_msg("%s: %s: %s, wanted %s", rows[i].members, rows[i].path,
				json, rows[i].json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_config_says_what_the_service_is_given),
	};

	return cmocka_run_group_tests_name("container_config", tests, NULL, NULL);
}
