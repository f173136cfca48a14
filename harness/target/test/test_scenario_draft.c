#include "harness/target/scenario_draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"

#define IMAGE                                                                          \
	"{\"Id\":\"sha256:1\",\"Config\":{\"Env\":[\"PATH=/bin\"],\"User\":\"app\","   \
	"\"Entrypoint\":[\"run\"],\"WorkingDir\":\"/app\"}}"

/* A container with these members in its Config, its HostConfig and itself. */
struct of {
	const char *config, *host, *rest;
};

static cJSON *draft(
	const struct of *of, const struct snapshot *processes, struct strlist *hints)
{
	SCOPED(mem_free)
	char *text = mem_textf("{\"Name\":\"/shop\",\"Image\":\"sha256:1\","
			       "\"Config\":{\"Image\":\"shop:1\"%s%s},"
			       "\"HostConfig\":{%s}%s%s}",
		of->config ? "," : "", of->config ? of->config : "",
		of->host ? of->host : "\"NetworkMode\":\"default\"",
		of->rest ? "," : "", of->rest ? of->rest : "");
	SCOPED(json_free) cJSON *container = json_parse(text, strlen(text));
	SCOPED(json_free) cJSON *image = json_parse(IMAGE, strlen(IMAGE));
	struct json_doc doc = {.name = (char[]){"draft"}};
	struct scenario scenario;
	struct err err = {0};
	cJSON *root;

	assert_non_null(container);
	root = scenario_draft(
		&(struct scenario_draft_of){
			.container = container, .image = image, .processes = processes},
		hints);
	doc.root = root;
	if (!scenario_read(&scenario, &doc, root, fields_keep_first, &err) ||
		!scenario_check(&scenario, &doc, root, fields_keep_first, &err))
		fail_msg("%s: %s", text, err.text);
	scenario_done(&scenario);
	return root;
}

static void each_setting_becomes_its_key(void **state UNUSED)
{
	static const struct {
		struct of of;
		const char *path, *json; /* NULL: nothing */
		const char *hint;        /* in one of them; NULL: there is none */
	} rows[] = {
		{{0}, "name", "\"shop\"", NULL},
		{{0}, "service.image", "\"shop:1\"", NULL},
		{{0}, "service.entrypoint", "\"\"", NULL},
		{{0}, "service.networks", "[\"bridge\"]", NULL},
		{{0}, "service.mocks", "false", NULL},
		{{0}, "service.env", NULL, NULL},
		{{0}, "service.ready", NULL, NULL},
		{{0}, "stop.grace", "\"10s\"", NULL},
		{{0}, "engines", "[\"docker\"]", NULL},
		{{.config = "\"Entrypoint\":[\"run\"],\"Cmd\":[\"{port}\",\"x\"]"},
			"service.entrypoint", "[\"run\"]", NULL},
		{{.config = "\"Cmd\":[\"a\",\"{port}\"]"}, "service.command",
			"[\"a\",\"{{port}}\"]", NULL},
		{{.config = "\"Cmd\":[\"a\",\"--password=x\",\"--api-key\",\"y\",\"--key\",\"z\"]"},
			"service.command",
			"[\"a\",\"--password=FILL-IN\",\"--api-key\",\"FILL-IN\",\"--key\","
			"\"z\"]",
			"service.command: fill in the secret in \"--api-key FILL-IN\""},
		{{.config = "\"Env\":[\"PATH=/bin\",\"A=1=2\",\"B={port}\",\"C=\"]"},
			"service.env", "{\"A\":\"1=2\",\"B\":\"{{port}}\",\"C\":\"\"}",
			NULL},
		{{.config = "\"Env\":[\"API_KEY=abc\",\"MY_PASS=abc\"]"}, "service.env",
			"{\"API_KEY\":\"FILL-IN\",\"MY_PASS\":\"FILL-IN\"}",
			"service.env.MY_PASS: fill in the secret"},
		{{.config = "\"Env\":[\"MY_PASS=abc\"]"}, "service.secrets",
			"[\"MY_PASS\"]", "MY_PASS"},
		{{.config = "\"Env\":[\"DB=pg://me:p@ss:w@host/x?a@b\"]"},
			"service.env.DB", "\"pg://me:FILL-IN@host/x?a@b\"",
			"service.env.DB: fill in the secret"},
		{{.config = "\"Env\":[\"DB=http://host:80/x@y\"]"}, "service.env.DB",
			"\"http://host:80/x@y\"", NULL},
		{{.config = "\"User\":\"app\",\"WorkingDir\":\"/app\""}, "service.user",
			NULL, NULL},
		{{.config = "\"User\":\"5:6\",\"WorkingDir\":\"/x\""}, "service.user",
			"\"5:6\"", NULL},
		{{.config = "\"User\":\"5:6\",\"WorkingDir\":\"/x\""},
			"service.working_dir", "\"/x\"", NULL},
		{{.config = "\"StopSignal\":\"INT\",\"StopTimeout\":4"},
			"service.stop_signal", "\"INT\"", NULL},
		{{.config = "\"StopSignal\":\"INT\",\"StopTimeout\":4"}, "stop.grace",
			"\"4s\"", NULL},
		{{.config = "\"StopTimeout\":-1"}, "stop.grace", "\"60s\"",
			"without end"},
		{{.config = "\"Tty\":true"}, "service.tty", "true", NULL},

		{{.host = "\"Memory\":67108864"}, "service.mem_limit", "\"64m\"", NULL},
		{{.host = "\"Memory\":67108865"}, "service.mem_limit", "\"67108865\"",
			NULL},
		{{.host = "\"NanoCpus\":500000000"}, "service.cpus", "\"0.5\"", NULL},
		{{.host = "\"PidsLimit\":50"}, "service.pids_limit", "50", NULL},
		{{.host = "\"PidsLimit\":null"}, "service.pids_limit", NULL, NULL},
		{{.host = "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":2}]"},
			"service.ulimits", "{\"nofile\":{\"soft\":1,\"hard\":2}}",
			NULL},
		{{.host = "\"CapAdd\":[\"CAP_KILL\"],\"CapDrop\":[\"ALL\"]"},
			"service.cap_add", "[\"CAP_KILL\"]", NULL},
		{{.host = "\"CapAdd\":[\"CAP_KILL\"],\"CapDrop\":[\"ALL\"]"},
			"service.cap_drop", "[\"ALL\"]", NULL},
		{{.host = "\"Init\":true"}, "service.init", "true", NULL},
		{{.host = "\"ReadonlyRootfs\":true"}, "service.read_only", "true",
			NULL},
		{{.host = "\"Tmpfs\":{\"/run\":\"size=1m\",\"/tmp\":\"\"}"},
			"service.tmpfs", "[\"/run:size=1m\",\"/tmp\"]", NULL},
		{{.host = "\"Privileged\":true"}, "service.privileged", NULL,
			"HostConfig.Privileged is left out"},
		{{.host = "\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\","
			  "\"HostPort\":\"8080\"}],\"53/udp\":[{\"HostIp\":\"\","
			  "\"HostPort\":\"\"}]}"},
			"service.ports", "[\"127.0.0.1::80\",\"53/udp\"]",
			"the engine chooses the ports"},
		{{.host = "\"NetworkMode\":\"host\""}, "service.networks", NULL, NULL},
		{{.host = "\"NetworkMode\":\"none\""}, "service.networks", "[\"none\"]",
			NULL},
		{{.host = "\"NetworkMode\":\"container:x\""}, "service.networks",
			"[\"bridge\"]", "the network of another container"},
		{{.host = "\"RestartPolicy\":{\"Name\":\"always\"}"}, "service.restart",
			NULL, NULL},

		{{.rest = "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\","
			  "\"Destination\":\"/b\",\"RW\":true}]"},
			"service.volumes", "[\"/a:/b:ro\"]", "/a is read-only here"},
		{{.rest = "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"data\","
			  "\"Destination\":\"/b\",\"RW\":true}]"},
			"service.volumes", "[\"/b\"]",
			"an empty volume stands for data"},
		{{.rest = "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"data\","
			  "\"Destination\":\"/b\",\"RW\":false}]"},
			"service.volumes", "[\"data:/b:ro\"]", NULL},
		{{.rest = "\"NetworkSettings\":{\"Networks\":{\"one\":{},\"two\":{}}}"},
			"service.networks", "[\"one\",\"two\"]", NULL},

		{{.config = "\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\"],\"Retries\":2,"
			    "\"StartPeriod\":1500000000,\"Interval\":30000000000}",
			 .rest = "\"State\":{\"Health\":{\"Status\":\"healthy\"}}"},
			"service.healthcheck",
			"{\"test\":[\"CMD\",\"ok\"],\"interval\":\"1s\","
			"\"start_period\":\"1500ms\",\"retries\":2}",
			NULL},
		{{.config = "\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\"],"
			    "\"Timeout\":2000000000}",
			 .rest = "\"State\":{\"Health\":{\"Status\":\"healthy\"}}"},
			"service.ready", "{\"healthy\":true,\"within\":\"22s\"}", NULL},
		{{.config = "\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\"]}",
			 .rest = "\"State\":{\"Health\":{\"Status\":\"unhealthy\"}}"},
			"service.ready", NULL, "does not find the container healthy"},
		{{.config = "\"Healthcheck\":{\"Test\":[\"NONE\"]}"}, "service.ready",
			NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(strlist_done) struct strlist hints = {0};
		SCOPED(json_free) cJSON *root = draft(&rows[i].of, NULL, &hints);
		const cJSON *node = json_at(root, rows[i].path);
		SCOPED(mem_free)
		char *seen = node ? json_print(node) : mem_text("nothing");
		const char *wanted = rows[i].json ? rows[i].json : "nothing";
		bool hinted = rows[i].hint == NULL && hints.count == 0;

		if (strcmp(seen, wanted) != 0)
			fail_msg("%s is %s, not %s", rows[i].path, seen, wanted);
		for (unsigned j = 0; rows[i].hint && j < hints.count; j++)
			hinted = hinted || strstr(hints.item[j], rows[i].hint);
		if (!hinted)
			fail_msg("%s: %s: the hints are %u: %s", rows[i].path, wanted,
				hints.count, hints.count ? hints.item[0] : "");
	}
}

static void an_exposed_port_on_which_it_listens_is_its_readiness(void **state UNUSED)
{
	struct proc procs[] = {{.listening = 3, .ports = {9000, 8080, 9000}},
		{.listening = 1, .ports = {80}}};
	const struct snapshot processes = {.procs = procs, .count = COUNT(procs)};
	const struct of of = {
		.config =
			"\"ExposedPorts\":{\"8080/tcp\":{},\"443/tcp\":{},\"9000/tcp\":{}}"};
	SCOPED(strlist_done) struct strlist hints = {0};
	SCOPED(json_free) cJSON *root = draft(&of, &processes, &hints);

	assert_int_equal(json_int(json_at(root, "service.ready"), "tcp", 0), 8080);
}

static void what_is_to_know_stands_in_why(void **state UNUSED)
{
	SCOPED(strlist_done) struct strlist hints = {0};
	SCOPED(json_free)
	cJSON *root = draft(
		&(struct of){.config = "\"Env\":[\"API_KEY=abc\"]"}, NULL, &hints);

	assert_string_equal(json_text(root, "why"),
		"Drawn up from the container shop: it has to stop cleanly within its grace. "
		"To know: service.env.API_KEY: fill in the secret.");
}

static void an_image_of_another_content_is_named_by_its_id(void **state UNUSED)
{
	static const char text[] = "{\"Name\":\"/shop\",\"Image\":\"sha256:2\","
				   "\"Config\":{\"Image\":\"shop:1\"}}";
	SCOPED(strlist_done) struct strlist hints = {0};
	SCOPED(json_free) cJSON *container = json_parse(text, strlen(text));
	SCOPED(json_free) cJSON *image = json_parse(IMAGE, strlen(IMAGE));
	SCOPED(json_free)
	cJSON *root = scenario_draft(
		&(struct scenario_draft_of){.container = container, .image = image},
		&hints);

	assert_string_equal(json_text(json_get(root, "service"), "image"), "sha256:2");
	assert_int_equal(hints.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_setting_becomes_its_key),
		cmocka_unit_test(an_exposed_port_on_which_it_listens_is_its_readiness),
		cmocka_unit_test(what_is_to_know_stands_in_why),
		cmocka_unit_test(an_image_of_another_content_is_named_by_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
