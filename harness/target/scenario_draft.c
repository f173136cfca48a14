#include "harness/target/scenario_draft.h"

#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define GRACE_S        10 /* the daemon's, of a container that has none of its own */
#define HEALTH_NS      (30 * CLOCK_S) /* the daemon's interval and timeout */
#define READY_EXTRA_NS (20 * CLOCK_S)

struct draft {
	const struct scenario_draft_of *of;
	const cJSON *config, *host, *image; /* image: its Config */
	cJSON *service;
	struct strlist *hints;
};

/* --- texts --- */

static const char *text_of(const cJSON *node)
{
	return cJSON_IsString(node) ? node->valuestring : "";
}

/* Takes nothing; an empty text is none. */
static void add_text(cJSON *json, const char *key, const char *text)
{
	if (text && text[0])
		cJSON_AddStringToObject(json, key, text);
}

/* Adds an item to the list of this name. */
static void add_item(cJSON *json, const char *key, const char *text)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(json, key);

	if (!list)
		list = cJSON_AddArrayToObject(json, key);
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* "90s", "1500ms" */
static void add_time(cJSON *json, const char *key, int64_t ns)
{
	SCOPED(mem_free)
	char *text = ns % CLOCK_S == 0
		? mem_textf("%llds", (long long)(ns / CLOCK_S))
		: mem_textf("%lldms", (long long)(ns / CLOCK_MS));

	cJSON_AddStringToObject(json, key, text);
}

static bool is_same(const cJSON *one, const cJSON *other)
{
	return one && other && cJSON_Compare(one, other, true);
}

/* --- secrets --- */

/* By the name of a variable: more of them than reports hide by themselves. */
static bool is_secret_name(const char *name)
{
	static const char *const marks[] = {
		"PASS", "CREDENTIAL", "AUTH", "COOKIE", "PRIVATE", "SIGNATURE", "SALT"};
	static const struct scenario none;

	if (scenario_env_is_secret(&none, name))
		return true;
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (strcasestr(name, marks[i]))
			return true;
	}
	return false;
}

/* Of an option: its last word tells, so that --ssl-key-file is none. */
static bool is_secret_option(const char *word, size_t len)
{
	static const char *const ends[] = {
		"password", "passwd", "pass", "secret", "token", "api-key", "apikey"};

	for (size_t i = 0; word[0] == '-' && i < COUNT(ends); i++) {
		size_t end = strlen(ends[i]);

		if (len > end && strncasecmp(word + len - end, ends[i], end) == 0)
			return true;
	}
	return false;
}

/* "postgres://user:PASSWORD@host": the password is left to be filled in. The caller's;
 * NULL: there is none. */
static char *without_password(const char *value)
{
	const char *host = strstr(value, "://");
	const char *end = host ? host + 3 + strcspn(host + 3, "/?# ") : NULL;
	const char *at = host ? memrchr(host + 3, '@', (size_t)(end - host - 3)) : NULL;
	const char *colon = at ? memchr(host + 3, ':', (size_t)(at - host - 3)) : NULL;

	return colon && colon + 1 < at ? mem_textf("%.*s" SCENARIO_DRAFT_SECRET "%s",
						 (int)(colon + 1 - value), value, at)
				       : NULL;
}

/* --- what it runs --- */

/* An image that was pulled again under the same name is another one. */
static void add_image(struct draft *draft)
{
	const char *name = json_text(draft->config, "Image");
	const char *id = json_text(draft->of->container, "Image");
	const char *now = json_text(draft->of->image, "Id");

	if (name && id && now && strcmp(id, now) == 0) {
		cJSON_AddStringToObject(draft->service, "image", name);
		return;
	}
	add_text(draft->service, "image", id ? id : name);
	strlist_add(draft->hints,
		"service.image: %s is not the image that it was made of any more: the "
		"scenario has that one by its id",
		name ? name : "its name");
}

/* `before` is the word in front; NULL: there is none. */
static void add_word(
	struct draft *draft, cJSON *list, const char *word, const char *before)
{
	size_t name_len = strcspn(word, "=");
	SCOPED(mem_free) char *shown = NULL;
	SCOPED(mem_free) char *escaped = NULL;

	if (before && word[0] != '-' && is_secret_option(before, strlen(before)))
		shown = mem_text(SCENARIO_DRAFT_SECRET);
	else if (word[name_len] && is_secret_option(word, name_len))
		shown = mem_textf("%.*s=" SCENARIO_DRAFT_SECRET, (int)name_len, word);
	else
		shown = without_password(word);
	if (shown)
		strlist_add(draft->hints,
			"service.%s: fill in the secret in \"%s%s%s\"", list->string,
			before ? before : "", before ? " " : "", shown);
	escaped = placeholders_escape(shown ? shown : word);
	cJSON_AddItemToArray(list, cJSON_CreateString(escaped));
}

static void add_words(struct draft *draft, const char *key, const cJSON *words)
{
	const char *before = NULL;
	const cJSON *word;
	cJSON *list;

	if (!words || !words->child)
		return;
	list = cJSON_AddArrayToObject(draft->service, key);
	cJSON_ArrayForEach(word, words) {
		add_word(draft, list, text_of(word), before);
		before = text_of(word);
	}
}

/* What is the image's own is written out: it is what one changes first. */
static void add_command(struct draft *draft)
{
	const cJSON *entrypoint = json_get(draft->config, "Entrypoint");

	add_words(draft, "entrypoint", entrypoint);
	if ((!entrypoint || !entrypoint->child) &&
		json_at(draft->image, "Entrypoint.0"))
		cJSON_AddStringToObject(draft->service, "entrypoint", "");
	add_words(draft, "command", json_get(draft->config, "Cmd"));
}

static bool is_of_image(const struct draft *draft, const char *pair)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(draft->image, "Env")) {
		if (strcmp(text_of(item), pair) == 0)
			return true;
	}
	return false;
}

static void add_variable(struct draft *draft, cJSON *env, const char *pair)
{
	size_t len = strcspn(pair, "=");
	SCOPED(mem_free) char *name = mem_textf("%.*s", (int)len, pair);
	const char *value = pair[len] ? pair + len + 1 : "";
	bool is_secret = value[0] && is_secret_name(name);
	SCOPED(mem_free)
	char *shown =
		is_secret ? mem_text(SCENARIO_DRAFT_SECRET) : without_password(value);
	SCOPED(mem_free) char *escaped = placeholders_escape(shown ? shown : value);

	cJSON_AddStringToObject(env, name, escaped);
	if (!shown)
		return;
	strlist_add(draft->hints, "service.env.%s: fill in the secret", name);
	add_item(draft->service, "secrets", name);
}

static void add_env(struct draft *draft)
{
	cJSON *env = cJSON_CreateObject();
	const cJSON *pair;

	cJSON_ArrayForEach(pair, json_get(draft->config, "Env")) {
		if (!is_of_image(draft, text_of(pair)))
			add_variable(draft, env, text_of(pair));
	}
	if (env->child)
		cJSON_AddItemToObject(draft->service, "env", env);
	else
		cJSON_Delete(env);
}

/* --- how it is run --- */

static void add_own_text(struct draft *draft, const char *key, const char *theirs)
{
	const cJSON *value = json_get(draft->config, theirs);

	if (!is_same(value, json_get(draft->image, theirs)))
		add_text(draft->service, key, text_of(value));
}

static void add_limits(struct draft *draft)
{
	int64_t bytes = json_int(draft->host, "Memory", 0);
	int64_t nano_cpus = json_int(draft->host, "NanoCpus", 0);
	int64_t pids = json_int(draft->host, "PidsLimit", 0);
	const cJSON *limit;
	cJSON *ulimits = NULL;

	if (bytes > 0) {
		bool whole = bytes % (1 << 20) == 0;
		SCOPED(mem_free)
		char *text = mem_textf("%lld%s",
			(long long)(whole ? bytes >> 20 : bytes), whole ? "m" : "");

		cJSON_AddStringToObject(draft->service, "mem_limit", text);
	}
	if (nano_cpus > 0) {
		SCOPED(mem_free) char *text = mem_textf("%g", (double)nano_cpus / 1e9);

		cJSON_AddStringToObject(draft->service, "cpus", text);
	}
	if (pids > 0)
		json_add_int(draft->service, "pids_limit", pids);
	cJSON_ArrayForEach(limit, json_get(draft->host, "Ulimits")) {
		cJSON *pair;

		if (!ulimits)
			ulimits = cJSON_AddObjectToObject(draft->service, "ulimits");
		pair = cJSON_AddObjectToObject(
			ulimits, text_of(json_get(limit, "Name")));
		json_add_int(pair, "soft", json_int(limit, "Soft", -1));
		json_add_int(pair, "hard", json_int(limit, "Hard", -1));
	}
}

static void add_rights(struct draft *draft)
{
	static const struct {
		const char *key, *theirs;
	} lists[] = {{"cap_add", "CapAdd"}, {"cap_drop", "CapDrop"}};
	static const struct {
		const char *key, *theirs;
	} flags[] = {{"init", "Init"}, {"read_only", "ReadonlyRootfs"}};
	const cJSON *item;

	for (size_t i = 0; i < COUNT(lists); i++) {
		cJSON_ArrayForEach(item, json_get(draft->host, lists[i].theirs))
			add_item(draft->service, lists[i].key, text_of(item));
	}
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (json_bool(draft->host, flags[i].theirs, false))
			cJSON_AddTrueToObject(draft->service, flags[i].key);
	}
	if (json_bool(draft->config, "Tty", false))
		cJSON_AddTrueToObject(draft->service, "tty");
}

/* Two programs that write the same data damage it. */
static void add_mount(struct draft *draft, const cJSON *mount)
{
	const char *type = text_of(json_get(mount, "Type"));
	const char *target = text_of(json_get(mount, "Destination"));
	bool is_bind = strcmp(type, "bind") == 0;
	const char *source = text_of(json_get(mount, is_bind ? "Source" : "Name"));
	bool writes = json_bool(mount, "RW", true);
	SCOPED(mem_free) char *read_only = mem_textf("%s:%s:ro", source, target);

	if (strcmp(type, "tmpfs") == 0) {
		add_item(draft->service, "tmpfs", target);
	} else if (is_bind || !writes) {
		add_item(draft->service, "volumes", read_only);
		if (writes)
			strlist_add(draft->hints,
				"service.volumes: %s is read-only here, since the "
				"container may write there",
				source);
	} else {
		add_item(draft->service, "volumes", target);
		strlist_add(draft->hints,
			"service.volumes: an empty volume stands for %s at %s, since "
			"the container may write there",
			source[0] ? source : "its own", target);
	}
}

static void add_mounts(struct draft *draft)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(draft->of->container, "Mounts"))
		add_mount(draft, item);
	cJSON_ArrayForEach(item, json_get(draft->host, "Tmpfs")) {
		SCOPED(mem_free)
		char *text = mem_textf("%s%s%s", item->string,
			text_of(item)[0] ? ":" : "", text_of(item));

		add_item(draft->service, "tmpfs", text);
	}
}

static void add_networks(struct draft *draft)
{
	const char *mode = text_of(json_get(draft->host, "NetworkMode"));
	const cJSON *networks =
		json_at(draft->of->container, "NetworkSettings.Networks");
	const cJSON *network;

	if (strcmp(mode, "host") == 0)
		return;
	if (strncmp(mode, "container:", strlen("container:")) == 0) {
		strlist_add(draft->hints,
			"service.networks: it shares the network of another container; "
			"the scenario has bridge");
		add_item(draft->service, "networks", "bridge");
		return;
	}
	if (!networks || !networks->child)
		add_item(draft->service, "networks",
			mode[0] && strcmp(mode, "default") != 0 ? mode : "bridge");
	cJSON_ArrayForEach(network, networks)
		add_item(draft->service, "networks", network->string);
}

/* "127.0.0.1::80", "53/udp": the host's ports are the running container's. */
static void add_ports(struct draft *draft)
{
	const cJSON *port, *binding;
	bool taken = false;

	cJSON_ArrayForEach(port, json_get(draft->host, "PortBindings")) {
		size_t len = strlen(port->string);
		bool is_tcp = len > 4 && strcmp(port->string + len - 4, "/tcp") == 0;

		cJSON_ArrayForEach(binding, port) {
			const char *ip = text_of(json_get(binding, "HostIp"));
			SCOPED(mem_free)
			char *text = mem_textf("%s%s%.*s", ip, ip[0] ? "::" : "",
				(int)(is_tcp ? len - 4 : len), port->string);

			taken = taken || text_of(json_get(binding, "HostPort"))[0];
			/* The format has no addresses with colons. */
			if (!strchr(ip, ':'))
				add_item(draft->service, "ports", text);
		}
	}
	if (taken)
		strlist_add(draft->hints,
			"service.ports: the engine chooses the ports of the host, since the "
			"container has its own");
}

/* --- readiness --- */

static void copy_time(
	cJSON *json, const char *key, const cJSON *from, const char *theirs)
{
	int64_t ns = json_int(from, theirs, 0);

	if (ns > 0)
		add_time(json, key, ns);
}

/* Its first look comes after an interval: a second, so that a run need not wait. */
static void add_healthcheck(struct draft *draft, cJSON *ready)
{
	const cJSON *check = json_get(draft->config, "Healthcheck");
	const cJSON *word;
	int64_t timeout_ns = json_int(check, "Timeout", 0);
	cJSON *json = cJSON_AddObjectToObject(draft->service, "healthcheck");

	cJSON_ArrayForEach(word, json_get(check, "Test"))
		add_item(json, "test", text_of(word));
	cJSON_AddStringToObject(json, "interval", "1s");
	copy_time(json, "timeout", check, "Timeout");
	copy_time(json, "start_period", check, "StartPeriod");
	if (json_int(check, "Retries", 0) > 0)
		json_add_int(json, "retries", json_int(check, "Retries", 0));
	cJSON_AddTrueToObject(ready, "healthy");
	add_time(ready, "within",
		(timeout_ns > 0 ? timeout_ns : HEALTH_NS) +
			json_int(check, "StartPeriod", 0) + READY_EXTRA_NS);
}

/* The lowest port on which one of its processes listens, of those that it exposes; 0:
 * none. */
static unsigned port_of(const struct draft *draft)
{
	const struct snapshot *processes = draft->of->processes;
	unsigned lowest = 0;

	for (unsigned i = 0; processes && i < processes->count; i++) {
		const struct proc *proc = &processes->procs[i];

		for (unsigned j = 0; j < proc->listening && j < SNAPSHOT_PORTS_MAX;
			j++) {
			SCOPED(mem_free) char *key =
				mem_textf("%u/tcp", proc->ports[j]);

			if (json_get(json_get(draft->config, "ExposedPorts"), key) &&
				(!lowest || proc->ports[j] < lowest))
				lowest = proc->ports[j];
		}
	}
	return lowest;
}

static void add_ready(struct draft *draft)
{
	const char *kind = text_of(json_at(draft->config, "Healthcheck.Test.0"));
	const char *health =
		text_of(json_at(draft->of->container, "State.Health.Status"));
	bool has_check = kind[0] && strcmp(kind, "NONE") != 0;
	cJSON *ready = cJSON_CreateObject();
	unsigned port = port_of(draft);

	if (has_check && strcmp(health, "healthy") != 0)
		strlist_add(draft->hints,
			"service.ready: its health check is not used, since it does not find "
			"the container healthy (%s)",
			health[0] ? health : "it does not run");
	if (has_check && strcmp(health, "healthy") == 0)
		add_healthcheck(draft, ready);
	else if (port)
		json_add_int(ready, "tcp", port);
	if (ready->child)
		cJSON_AddItemToObject(draft->service, "ready", ready);
	else
		cJSON_Delete(ready);
}

/* --- what a scenario cannot have --- */

static bool is_set(const cJSON *value)
{
	return cJSON_IsTrue(value) ||
		(cJSON_IsString(value) && value->valuestring[0]) ||
		(cJSON_IsNumber(value) && value->valuedouble > 0) ||
		((cJSON_IsArray(value) || cJSON_IsObject(value)) && value->child);
}

static void add_left_out(struct draft *draft)
{
	static const char *const keys[] = {"Privileged", "Devices", "DeviceRequests",
		"ExtraHosts", "SecurityOpt", "GroupAdd", "Sysctls", "Dns", "Links",
		"PidMode", "UTSMode", "UsernsMode", "CpusetCpus", "CpuQuota",
		"CpuShares", "VolumesFrom", "Isolation"};

	for (size_t i = 0; i < COUNT(keys); i++) {
		if (is_set(json_get(draft->host, keys[i])))
			strlist_add(draft->hints,
				"HostConfig.%s is left out: a scenario has no key for it",
				keys[i]);
	}
}

/* --- the whole --- */

static void add_stop(struct draft *draft, cJSON *root)
{
	int64_t grace_s = json_int(draft->config, "StopTimeout", GRACE_S);
	cJSON *stop = cJSON_AddObjectToObject(root, "stop");

	if (grace_s < 0) {
		strlist_add(draft->hints,
			"stop.grace: the container's is without end; here it is 60s");
		grace_s = 60;
	}
	add_time(stop, "grace", grace_s * CLOCK_S);
	add_text(draft->service, "stop_signal", json_text(draft->config, "StopSignal"));
}

/* JSON has no comments: this is where a scenario says what it is. */
static void add_why(cJSON *root, const char *name, const struct strlist *hints)
{
	struct buf text = {0};

	buf_addf(&text,
		"Drawn up from the container %s: it has to stop cleanly within its grace.",
		name);
	for (unsigned i = 0; i < hints->count; i++)
		buf_addf(&text, " %s%s.", i ? "" : "To know: ", hints->item[i]);
	cJSON_ReplaceItemInObjectCaseSensitive(
		root, "why", cJSON_CreateString(buf_text(&text)));
	buf_done(&text);
}

cJSON *scenario_draft(const struct scenario_draft_of *of, struct strlist *hints)
{
	const char *name = text_of(json_get(of->container, "Name"));
	cJSON *root = json_fill(NULL, "{'name': %s, 'why': ''}", name + (*name == '/'));
	struct draft draft = {
		.of = of,
		.config = json_get(of->container, "Config"),
		.host = json_get(of->container, "HostConfig"),
		.image = json_get(of->image, "Config"),
		.service = cJSON_AddObjectToObject(root, "service"),
		.hints = hints,
	};

	add_image(&draft);
	add_command(&draft);
	add_env(&draft);
	add_own_text(&draft, "user", "User");
	add_own_text(&draft, "working_dir", "WorkingDir");
	add_limits(&draft);
	add_rights(&draft);
	add_mounts(&draft);
	add_networks(&draft);
	add_ports(&draft);
	add_ready(&draft);
	add_stop(&draft, root);
	add_left_out(&draft);
	cJSON_AddFalseToObject(draft.service, "mocks");
	cJSON_AddItemToObject(root, "engines",
		cJSON_CreateStringArray((const char *const[]){"docker"}, 1));
	add_why(root, name + (*name == '/'), hints);
	return root;
}
