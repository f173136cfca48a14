#include "harness/scenario/service_part.h"

#include <string.h>

#include "harness/scenario/placeholders.h"
#include "lib/mem.h"

/* --- ready --- */

static bool read_ready(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	static const char *const keys[] = {[READY_DEFAULT] = "",
		[READY_HTTP] = "http",
		[READY_TCP] = "tcp",
		[READY_LOG] = "log",
		[READY_SIGNAL] = "signal",
		[READY_HEALTHY] = "healthy"};
	const char *key = node->string;
	struct ready *ready = out;

	if (ready->kind != READY_DEFAULT)
		return json_doc_wrong(doc, node, err,
			"ready: one of http, tcp, log, signal and healthy, not several");
	while (strcmp(keys[ready->kind], key) != 0)
		ready->kind++;
	if (ready->kind == READY_SIGNAL || ready->kind == READY_HEALTHY)
		return cJSON_IsTrue(node) ||
			json_doc_wrong(doc, node, err, "%s: expected true, not %s", key,
				json_kind(node));
	if (ready->kind == READY_TCP)
		return (json_whole(node, &ready->port) && ready->port >= 1 &&
			       ready->port <= 65535) ||
			json_doc_wrong(doc, node, err,
				"%s: expected a port from 1 to 65535", key);
	if (!cJSON_IsString(node) || !node->valuestring[0])
		return json_doc_wrong(doc, node, err, "%s: expected a text, not %s",
			key, cJSON_IsString(node) ? "an empty one" : json_kind(node));
	ready->text = mem_text(node->valuestring);
	return true;
}

static void done_ready(void *out)
{
	struct ready *ready = out;

	mem_free(&ready->text);
}

static const struct field_type ready_text_type = {
	.read = read_ready, .done = done_ready, .schema_text = "{\"type\":\"string\"}"};
static const struct field_type ready_port_type = {.read = read_ready,
	.schema_text = "{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}"};
static const struct field_type ready_true_type = {
	.read = read_ready, .schema_text = "{\"const\":true}"};

static const struct field ready_fields[] = {
	{"http", FIELD_OTHER, 0, .type = &ready_text_type,
		.help = "ready when a GET of this path answers 2xx"},
	{"tcp", FIELD_OTHER, 0, .type = &ready_port_type,
		.help = "ready when this port accepts a connection"},
	{"log", FIELD_OTHER, 0, .type = &ready_text_type,
		.help = "ready when the service prints a line with this text in it"},
	{"signal", FIELD_OTHER, 0, .type = &ready_true_type,
		.help = "ready when PID 1 catches, blocks or waits for the stop signal"},
	{"healthy", FIELD_OTHER, 0, .type = &ready_true_type,
		.help = "ready when the container's health check says so"},
	{"within", FIELD_DURATION, offsetof(struct ready, within_ns), .preset = "20s",
		.help = "bound of the wait"},
	{0},
};

/* --- session --- */

static bool read_body(void *out, const struct json_doc *doc UNUSED, const cJSON *node,
	struct err *err UNUSED)
{
	mem_free(out);
	*(char **)out =
		cJSON_IsString(node) ? mem_text(node->valuestring) : json_print(node);
	return true;
}

const struct field_type body_type = {.read = read_body, .done = mem_free};

static const struct field session_fields[] = {
	{"path", FIELD_TEXT, offsetof(struct session_request, path),
		.preset = "/webhook/{bot}",
		.help = "where a session is opened by POST; {n}, {room}, {bot} and {agent_url} are "
			"filled in"},
	{"body", FIELD_OTHER, offsetof(struct session_request, body),
		.type = &body_type,
		.preset = "{\"creator\":{\"id\":1,\"name\":\"Test\"},"
			  "\"room\":{\"id\":{room},\"name\":\"Room {room}\"},"
			  "\"content\":\"hello\"}",
		.help = "the JSON that is sent; {n}, {room}, {bot} and {agent_url} are filled in"},
	{"status", FIELD_INT, offsetof(struct session_request, status), .preset = "200",
		.min = 100, .max = 599, .help = "the HTTP status of a good answer"},
	{"bots", FIELD_OTHER, offsetof(struct session_request, bots),
		.type = &strlist_type,
		.preset = "[\"financial_analyst\",\"personal_assistant\","
			  "\"operations_assistant\"]",
		.help = "taken in turn"},
	{"within", FIELD_DURATION, offsetof(struct session_request, within_ns),
		.preset = "60s", .help = "bound of the wait for the answer"},
	{0},
};

/* --- entrypoint, command and env --- */

static bool check_placeholders(
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct err why;
	const cJSON *item;

	if (cJSON_IsString(node) && !placeholders_check(node->valuestring, &why))
		return json_doc_wrong(doc, node, err, "%s", why.text);
	cJSON_ArrayForEach(item, node) {
		if (!check_placeholders(doc, item, err))
			return false;
	}
	return true;
}

static bool read_command(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_type.read(out, doc, node, err);
}

static bool read_entrypoint(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsString(node))
		return read_command(out, doc, node, err);
	if (!check_placeholders(doc, node, err))
		return false;
	strlist_done(out);
	strlist_add(out, "%s", node->valuestring);
	return true;
}

static bool read_env(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_pairs_type.read(out, doc, node, err);
}

static void done_list(void *out)
{
	strlist_done(out);
}

const struct field_type command_type = {
	.read = read_command, .done = done_list, .schema_text = STRLIST_SCHEMA};
static const struct field_type entrypoint_type = {.read = read_entrypoint,
	.done = done_list,
	.schema_text = "{\"type\":[\"string\",\"array\"],"
		       "\"items\":{\"type\":\"string\"}}"};
static const struct field_type env_type = {.read = read_env,
	.done = done_list,
	.schema_text = STRLIST_PAIRS_SCHEMA,
	.open = true};

static const char *const topologies[] = {"host", "containers", NULL};

#define OPTION(name) offsetof(struct service_part, container.name)

const struct field service_fields[] = {
	{"image", FIELD_TEXT, offsetof(struct service_part, image),
		.help = "a Docker image; by default stopbench's own with all its programs"},
	{"entrypoint", FIELD_OTHER, offsetof(struct service_part, entrypoint),
		.type = &entrypoint_type,
		.help = "like docker run --entrypoint: a program, or a list of it and its "
			"first arguments; by default the image's"},
	{"command", FIELD_OTHER, offsetof(struct service_part, command),
		.type = &command_type,
		.help = "like docker run IMAGE COMMAND; by default stopbench's service, or the "
			"image's own command"},
	{"env", FIELD_OTHER, offsetof(struct service_part, env), .type = &env_type,
		.help = "environment variables"},
	{"secrets", FIELD_OTHER, offsetof(struct service_part, secrets),
		.type = &strlist_type,
		.help = "names in env whose values no report shows, beside those with KEY, "
			"TOKEN, SECRET or PASSWORD in them"},
	{"port", FIELD_INT, offsetof(struct service_part, port), .min = 0, .max = 65535,
		.help = "the port on which it listens; stopbench's service chooses one"},
	{"ready", FIELD_OBJECT, offsetof(struct service_part, ready),
		.fields = ready_fields, .help = "when it counts as ready"},
	{"session", FIELD_OBJECT, offsetof(struct service_part, session),
		.fields = session_fields,
		.help = "how a session is opened from outside"},
	{"init", FIELD_BOOL, offsetof(struct service_part, init),
		.help = "an init (tini) is PID 1, and the command is its child"},
	{"stop_signal", FIELD_TEXT, offsetof(struct service_part, stop_signal),
		.help = "the signal of the stop; by default the image's STOPSIGNAL, else "
			"SIGTERM"},
	{"topology", FIELD_CHOICE, offsetof(struct service_part, topology),
		.choices = topologies, .preset = "host",
		.help = "docker: only the service is a container, or the mock agent API too, on "
			"a network of their own"},
	{"volumes", FIELD_OTHER, OPTION(volumes), .type = &volumes_type,
		.help = "\"SOURCE:/TARGET\", a path or a volume's name, with \":ro\" or "
			"not; \"/TARGET\""},
	{"tmpfs", FIELD_OTHER, OPTION(tmpfs), .type = &tmpfs_type,
		.help = "\"/run\" or \"/run:size=64m\""},
	{"ports", FIELD_OTHER, OPTION(ports), .type = &published_ports_type,
		.help = "\"HOST_PORT:PORT\", published; needs a network of its own"},
	{"networks", FIELD_OTHER, OPTION(networks), .type = &strlist_type,
		.help = "names of networks that exist, in place of the host's"},
	{"mem_limit", FIELD_OTHER, OPTION(mem_limit), .type = &mem_limit_type,
		.help = "bytes of memory, such as \"512m\""},
	{"cpus", FIELD_OTHER, OPTION(nano_cpus), .type = &cpus_type,
		.help = "processors, such as \"0.5\""},
	{"pids_limit", FIELD_INT, OPTION(pids_limit), .min = 0, .max = 1 << 22,
		.help = "processes and threads; 0: no limit"},
	{"user", FIELD_TEXT, OPTION(user), .help = "\"1000:1000\" or names"},
	{"working_dir", FIELD_OTHER, OPTION(working_dir), .type = &working_dir_type,
		.help = "the folder in which it starts"},
	{"env_file", FIELD_OTHER, OPTION(env_file), .type = &env_file_type,
		.help = "files of NAME=value lines; env overrides them"},
	{"cap_add", FIELD_OTHER, OPTION(cap_add), .type = &strlist_type,
		.help = "capabilities, such as \"NET_ADMIN\""},
	{"cap_drop", FIELD_OTHER, OPTION(cap_drop), .type = &strlist_type,
		.help = "capabilities, or \"ALL\""},
	{"read_only", FIELD_BOOL, OPTION(read_only),
		.help = "the root file system cannot be written"},
	{"ulimits", FIELD_OTHER, OPTION(ulimits), .type = &ulimits_type,
		.help = "{\"nofile\": 1024} or {\"nofile\": {\"soft\": 1024, \"hard\": "
			"2048}}"},
	{"tty", FIELD_BOOL, OPTION(tty), .help = "its streams are a terminal"},
	{"healthcheck", FIELD_OBJECT, OPTION(healthcheck), .fields = healthcheck_fields,
		.help = "how the engine looks whether it is healthy"},
	{"restart", FIELD_OTHER, OPTION(restart), .type = &restart_type,
		.help = "the restart policy: \"no\", \"always\", \"on-failure:3\", "
			"\"unless-stopped\""},
	{"exec", FIELD_OTHER, OPTION(exec), .type = &execs_type,
		.help = "commands that are started in it once it is ready, as by docker exec"},
	{"mocks", FIELD_BOOL, offsetof(struct service_part, mocks), .preset = "true",
		.help = "false: no mock agent API is started"},
	{0},
};
