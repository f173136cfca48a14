#include "harness/scenario/container_options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/fs.h"
#include "lib/mem.h"

#define LIST_SCHEMA "{\"type\":[\"string\",\"array\"],\"items\":{\"type\":\"string\"}}"

/* Reads one item over what out holds. */
typedef bool read_item_fn(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);

/* A string, or a list of them; numbers are strings too ("80" and 80). */
static bool read_each(void *out, const struct json_doc *doc, const cJSON *node,
	const char *name, read_item_fn *read, struct err *err)
{
	const cJSON *item;

	if (cJSON_IsString(node))
		return read(out, doc, node, err);
	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err, "%s: expected a list, not %s",
			name, json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!read(out, doc, item, err))
			return false;
	}
	return true;
}

static void done_list(void *out)
{
	strlist_done(out);
}

/* --- paths of the host --- */

/* The path as seen from the folder of the document, to free(). */
static char *path_from(const struct json_doc *doc, const char *path)
{
	const char *slash = doc->name ? strrchr(doc->name, '/') : NULL;
	SCOPED(mem_free) char *folder = NULL, *base = NULL, *joined = NULL;
	char *real;

	if (strncmp(path, "~/", 2) == 0 && getenv("HOME"))
		return mem_textf("%s%s", getenv("HOME"), path + 1);
	if (path[0] == '/')
		return mem_text(path);
	folder = slash ? mem_textf("%.*s/", (int)(slash - doc->name), doc->name)
		       : mem_text(".");
	base = realpath(folder, NULL);
	joined = mem_textf("%s/%s", base ? base : folder, path);
	real = realpath(joined, NULL);
	return real ? real : mem_text(joined);
}

/* --- volumes --- */

static void done_volumes(void *out)
{
	struct volumes *volumes = out;

	for (unsigned i = 0; i < volumes->count; i++) {
		free(volumes->item[i].source);
		free(volumes->item[i].target);
	}
	free(volumes->item);
	*volumes = (struct volumes){0};
}

static bool read_volume(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct volumes *volumes = out;
	const char *text = cJSON_IsString(node) ? node->valuestring : "";
	const char *first = strchr(text, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;
	const char *mode = second ? second + 1 : "rw";
	struct volume volume = {0};
	const char *target = first ? first + 1 : text;
	size_t target_len = second ? (size_t)(second - target) : strlen(target);

	if (target[0] != '/' || (first && first == text) ||
		(strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0))
		return json_doc_wrong(doc, node, err,
			"volumes: expected \"SOURCE:/TARGET\", \"SOURCE:/TARGET:ro\" or "
			"\"/TARGET\"");
	if (first) {
		SCOPED(mem_free) char *source =
			mem_textf("%.*s", (int)(first - text), text);

		volume.source = strchr("./~", source[0]) ? path_from(doc, source)
							 : mem_text(source);
	}
	volume.target = mem_textf("%.*s", (int)target_len, target);
	volume.read_only = strcmp(mode, "ro") == 0;
	volumes->item =
		mem_grown(volumes->item, volumes->count + 1, sizeof *volumes->item);
	volumes->item[volumes->count++] = volume;
	return true;
}

static bool read_volumes(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	done_volumes(out);
	return read_each(out, doc, node, "volumes", read_volume, err);
}

const struct field_type volumes_type = {
	.read = read_volumes, .done = done_volumes, .schema_text = LIST_SCHEMA};

/* --- tmpfs --- */

static bool read_one_tmpfs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsString(node) || node->valuestring[0] != '/')
		return json_doc_wrong(doc, node, err,
			"tmpfs: expected a path such as \"/run\" or \"/run:size=64m\"");
	strlist_add(out, "%s", node->valuestring);
	return true;
}

static bool read_tmpfs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	strlist_done(out);
	return read_each(out, doc, node, "tmpfs", read_one_tmpfs, err);
}

const struct field_type tmpfs_type = {
	.read = read_tmpfs, .done = done_list, .schema_text = LIST_SCHEMA};

/* --- ports --- */

static void done_ports(void *out)
{
	struct published_ports *ports = out;

	for (unsigned i = 0; i < ports->count; i++)
		free(ports->item[i].host_ip);
	free(ports->item);
	*ports = (struct published_ports){0};
}

/* 0 where the text, up to its end or `end`, is no port. */
static int port_of(const char *text, const char *end)
{
	char *stop;
	long port = strtol(text, &stop, 10);

	return isdigit((unsigned char)text[0]) && stop == end && port > 0 &&
			port <= 65535
		? (int)port
		: 0;
}

/* "80", "8080:80", "127.0.0.1:8080:80", "127.0.0.1::80", each with "/udp" or not. */
static bool parse_port(struct published_port *port, const char *text)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	const char *end = text + strcspn(text, "/");
	const char *inner = end, *host;

	port->protocol = *end ? NULL : "tcp";
	for (size_t i = 0; *end && i < COUNT(protocols); i++)
		if (strcmp(end + 1, protocols[i]) == 0)
			port->protocol = protocols[i];
	while (inner > text && inner[-1] != ':')
		inner--;
	port->port = port_of(inner, end);
	if (!port->protocol || !port->port)
		return false;
	if (inner == text)
		return true;
	for (host = inner - 1; host > text && host[-1] != ':';)
		host--;
	port->host_port = port_of(host, inner - 1);
	if (!port->host_port && host != inner - 1)
		return false;
	if (host > text)
		port->host_ip = mem_textf("%.*s", (int)(host - 1 - text), text);
	return host > text || port->host_port;
}

static bool read_port(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct published_ports *ports = out;
	SCOPED(mem_free) char *text = cJSON_IsNumber(node) ? json_print(node) : NULL;
	struct published_port port = {0};

	if ((!text && !cJSON_IsString(node)) ||
		!parse_port(&port, text ? text : node->valuestring)) {
		free(port.host_ip);
		return json_doc_wrong(doc, node, err,
			"ports: expected \"PORT\", \"HOST_PORT:PORT\" or "
			"\"IP:HOST_PORT:PORT\", with or without \"/udp\"");
	}
	ports->item = mem_grown(ports->item, ports->count + 1, sizeof *ports->item);
	ports->item[ports->count++] = port;
	return true;
}

static bool read_ports(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	done_ports(out);
	return read_each(out, doc, node, "ports", read_port, err);
}

const struct field_type published_ports_type = {.read = read_ports,
	.done = done_ports,
	.schema_text = "{\"type\":\"array\",\"items\":{\"type\":[\"string\","
		       "\"integer\"]}}"};

/* --- env_file --- */

/* As Docker reads it: NAME=value, NAME alone takes the value of our environment, '#'
 * begins a comment line, and nothing is quoted. */
static void add_variable(struct strlist *pairs, const char *line)
{
	size_t name_len;

	line += strspn(line, " \t");
	name_len = strcspn(line, "=");
	if (line[0] == '#' || name_len == 0)
		return;
	if (line[name_len] == '=') {
		strlist_add(pairs, "%s", line);
	} else {
		const char *value = getenv(line);

		if (value)
			strlist_add(pairs, "%s=%s", line, value);
	}
}

static bool read_one_file(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(mem_free) char *path = NULL;
	char *line, *rest;

	if (!cJSON_IsString(node) || !node->valuestring[0])
		return json_doc_wrong(doc, node, err, "env_file: expected a path");
	path = path_from(doc, node->valuestring);
	if (!fs_read_file(&text, path))
		return json_doc_wrong(
			doc, node, err, "env_file: %s: %s", path, strerror(errno));
	buf_add(&text, "", 1);
	for (line = strtok_r(text.data, "\r\n", &rest); line;
		line = strtok_r(NULL, "\r\n", &rest))
		add_variable(out, line);
	return true;
}

static bool read_env_file(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	strlist_done(out);
	return read_each(out, doc, node, "env_file", read_one_file, err);
}

/* --- working_dir --- */

static bool read_working_dir(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	char **folder = out;

	if (!cJSON_IsString(node) || !node->valuestring[0])
		return json_doc_wrong(doc, node, err, "working_dir: expected a path");
	free(*folder);
	/* In an image it may be "~", or relative to the image's own. */
	*folder = node->valuestring[0] == '.' ? path_from(doc, node->valuestring)
					      : mem_text(node->valuestring);
	return true;
}

const struct field_type working_dir_type = {.read = read_working_dir,
	.done = mem_free,
	.size = sizeof(char *),
	.schema_text = "{\"type\":\"string\"}"};

const struct field_type env_file_type = {
	.read = read_env_file, .done = done_list, .schema_text = LIST_SCHEMA};

/* --- mem_limit, cpus --- */

static bool parse_bytes(int64_t *bytes, const char *text)
{
	static const char units[] = "bkmgt";
	char *end;
	double value = strtod(text, &end);
	const char *unit = *end ? strchr(units, tolower((unsigned char)*end)) : units;

	if (!isdigit((unsigned char)text[0]) || !unit)
		return false;
	end += *end != '\0';
	if (unit != units && tolower((unsigned char)*end) == 'b')
		end++;
	value = ldexp(value, 10 * (int)(unit - units));
	if (*end || !(value >= 1) || value > 0x1p62)
		return false;
	*bytes = (int64_t)value;
	return true;
}

static bool read_mem_limit(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(mem_free) char *text = cJSON_IsNumber(node) ? json_print(node) : NULL;

	return ((text || cJSON_IsString(node)) &&
		       parse_bytes(out, text ? text : node->valuestring)) ||
		json_doc_wrong(doc, node, err,
			"mem_limit: expected bytes, such as \"512m\" or \"1gb\"");
}

const struct field_type mem_limit_type = {.read = read_mem_limit,
	.schema_text = "{\"type\":[\"string\",\"integer\"]}",
	.size = sizeof(int64_t)};

static bool read_cpus(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	char *end = NULL;
	double cpus = cJSON_IsNumber(node) ? node->valuedouble
		: cJSON_IsString(node)     ? strtod(node->valuestring, &end)
					   : 0;

	if (!(cpus >= 0.001 && cpus <= 4096) || (end && *end))
		return json_doc_wrong(
			doc, node, err, "cpus: expected a number, such as \"0.5\"");
	*(int64_t *)out = llround(cpus * 1e9);
	return true;
}

const struct field_type cpus_type = {.read = read_cpus,
	.schema_text = "{\"type\":[\"string\",\"number\"]}",
	.size = sizeof(int64_t)};

/* --- ulimits --- */

static const struct {
	const char *name;
	int resource;
} limits[] = {{"as", RLIMIT_AS}, {"core", RLIMIT_CORE}, {"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA}, {"fsize", RLIMIT_FSIZE}, {"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE}, {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS}, {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK}};

static bool read_ulimit(struct ulimits *ulimits, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct ulimit limit = {.soft = -2, .hard = -2};

	for (size_t i = 0; i < COUNT(limits); i++)
		if (strcmp(limits[i].name, node->string) == 0)
			limit = (struct ulimit){
				limits[i].name, limits[i].resource, -2, -2};
	if (!limit.name)
		return json_doc_wrong(
			doc, node, err, "ulimits: there is no \"%.40s\"", node->string);
	if (json_whole(node, &limit.soft))
		limit.hard = limit.soft;
	else if (cJSON_IsObject(node)) {
		limit.soft = json_int(node, "soft", -2);
		limit.hard = json_int(node, "hard", -2);
	}
	if (limit.soft < -1 || limit.hard < -1)
		return json_doc_wrong(doc, node, err,
			"ulimits.%s: expected a number, or {\"soft\": 1024, \"hard\": "
			"2048}; -1: none",
			node->string);
	if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
		return json_doc_wrong(
			doc, node, err, "ulimits.%s: soft is over hard", node->string);
	ulimits->item[ulimits->count++] = limit;
	return true;
}

static bool read_ulimits(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct ulimits ulimits = {0};
	const cJSON *item;

	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err,
			"ulimits: expected an object such as {\"nofile\": 1024}, not %s",
			json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!read_ulimit(&ulimits, doc, item, err))
			return false;
	}
	*(struct ulimits *)out = ulimits;
	return true;
}

const struct field_type ulimits_type = {.read = read_ulimits,
	.schema_text = "{\"type\":\"object\",\"additionalProperties\":{\"type\":["
		       "\"integer\",\"object\"]}}",
	.open = true};

/* --- restart --- */

static bool read_restart(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const char *text = cJSON_IsString(node) ? node->valuestring : "";
	size_t tries = strncmp(text, "on-failure:", 11) == 0
		? strspn(text + 11, "0123456789")
		: 0;

	if (strcmp(text, "no") != 0 && strcmp(text, "always") != 0 &&
		strcmp(text, "unless-stopped") != 0 &&
		strcmp(text, "on-failure") != 0 && (tries == 0 || text[11 + tries]))
		return json_doc_wrong(doc, node, err,
			"restart: expected \"no\", \"always\", \"on-failure\", "
			"\"on-failure:3\" or \"unless-stopped\"");
	mem_free(out);
	*(char **)out = mem_text(text);
	return true;
}

const struct field_type restart_type = {
	.read = read_restart, .done = mem_free, .schema_text = "{\"type\":\"string\"}"};

/* --- healthcheck --- */

static bool read_test(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const char *kind = cJSON_IsArray(node) && cJSON_IsString(node->child)
		? node->child->valuestring
		: "CMD-SHELL";
	struct strlist *test = out;

	if (cJSON_IsString(node) && node->valuestring[0]) {
		strlist_done(test);
		strlist_add(test, "CMD-SHELL");
		strlist_add(test, "%s", node->valuestring);
		return true;
	}
	if (!cJSON_IsArray(node) || cJSON_GetArraySize(node) < 2 ||
		(strcmp(kind, "CMD") != 0 && strcmp(kind, "CMD-SHELL") != 0) ||
		!cJSON_IsString(node->child))
		return json_doc_wrong(doc, node, err,
			"test: expected a shell command, or a list such as [\"CMD\", "
			"\"curl\", \"-f\", \"http://localhost/\"]");
	return strlist_type.read(out, doc, node, err);
}

const struct field_type healthcheck_test_type = {
	.read = read_test, .done = done_list, .schema_text = LIST_SCHEMA};

const struct field healthcheck_fields[] = {
	{"test", FIELD_OTHER, offsetof(struct healthcheck, test),
		.type = &healthcheck_test_type,
		.help = "a shell command, or a list that begins with \"CMD\" or "
			"\"CMD-SHELL\"; by default the image's"},
	{"interval", FIELD_DURATION, offsetof(struct healthcheck, interval_ns),
		.help = "time between two checks"},
	{"timeout", FIELD_DURATION, offsetof(struct healthcheck, timeout_ns),
		.help = "bound of one check"},
	{"start_period", FIELD_DURATION, offsetof(struct healthcheck, start_period_ns),
		.help = "failures count from this time on"},
	{"retries", FIELD_INT, offsetof(struct healthcheck, retries), .min = 0,
		.max = 1000, .help = "failures in a row that make it unhealthy"},
	{"disable", FIELD_BOOL, offsetof(struct healthcheck, disable),
		.help = "true: not the image's check either"},
	{0},
};

/* --- exec --- */

static void done_execs(void *out)
{
	struct execs *execs = out;

	for (unsigned i = 0; i < execs->count; i++)
		strlist_done(&execs->item[i]);
	execs->count = 0;
}

static bool read_execs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct execs *execs = out;
	const cJSON *item;

	done_execs(execs);
	if (!cJSON_IsArray(node) || (node->child && !cJSON_IsArray(node->child)))
		return json_doc_wrong(doc, node, err,
			"exec: expected a list of commands such as [[\"sleep\", \"60\"]]");
	cJSON_ArrayForEach(item, node) {
		if (execs->count == EXECS_MAX)
			return json_doc_wrong(
				doc, item, err, "exec: more than %d", EXECS_MAX);
		if (!cJSON_IsArray(item) || !item->child)
			return json_doc_wrong(doc, item, err,
				"exec: expected a command such as [\"sleep\", \"60\"]");
		if (!strlist_type.read(&execs->item[execs->count], doc, item, err))
			return false;
		execs->count++;
	}
	return true;
}

const struct field_type execs_type = {.read = read_execs,
	.done = done_execs,
	.schema_text = "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{"
		       "\"type\":\"string\"},\"minItems\":1}}"};

/* --- engines --- */

const char *container_options_of_engine(const struct container_options *options)
{
	const struct healthcheck *check = &options->healthcheck;

	if (options->volumes.count)
		return "volumes";
	if (options->ports.count)
		return "ports";
	if (options->networks.count)
		return "networks";
	if (options->mem_limit)
		return "mem_limit";
	if (options->nano_cpus)
		return "cpus";
	if (options->pids_limit)
		return "pids_limit";
	if (options->cap_add.count)
		return "cap_add";
	if (options->cap_drop.count)
		return "cap_drop";
	if (options->tty)
		return "tty";
	if (options->restart && strcmp(options->restart, "no") != 0)
		return "restart";
	if (check->test.count || check->interval_ns || check->timeout_ns ||
		check->start_period_ns || check->retries)
		return "healthcheck";
	return NULL;
}

bool container_options_have_network(const struct container_options *options)
{
	return options->networks.count > 0 || options->ports.count > 0;
}
