#include "harness/target/run_options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/options.h"

/* Options without a letter. */
enum key {
	KEY_ENV_FILE = 0x100,
	KEY_CPUS,
	KEY_INIT,
	KEY_ENTRYPOINT,
	KEY_STOP_SIGNAL,
	KEY_STOP_TIMEOUT,
	KEY_CAP_ADD,
	KEY_CAP_DROP,
	KEY_NETWORK,
	KEY_TMPFS,
	KEY_READ_ONLY,
	KEY_PIDS_LIMIT,
	KEY_NAME,
	KEY_RESTART,
	KEY_PULL,
	KEY_RM,
	KEY_TTY,
	KEY_GRACE,
	KEY_READY_LOG,
	KEY_READY_PORT,
	KEY_READY_WITHIN,
	KEY_AFTER,
	KEY_TRY_CURES,
};

enum group {
	GROUP_DOCKER = 1,
	GROUP_OURS,
};

static const struct argp_option option_table[] = {
	{.doc = "As of `docker run`:", .group = GROUP_DOCKER},
	{"env", 'e', "NAME=VALUE", 0,
		"an environment variable; NAME: the value that it has here",
		GROUP_DOCKER},
	{"env-file", KEY_ENV_FILE, "FILE", 0, "a file of NAME=VALUE lines",
		GROUP_DOCKER},
	{"volume", 'v', "SOURCE:/TARGET", 0,
		"a volume or a path of the host; \":ro\" behind it", GROUP_DOCKER},
	{"publish", 'p', "PORT:PORT", 0, "a port of the host for one of the container",
		GROUP_DOCKER},
	{"memory", 'm', "BYTES", 0, "the memory that it may have (512m)", GROUP_DOCKER},
	{"cpus", KEY_CPUS, "N", 0, "the processors that it may have (0.5)",
		GROUP_DOCKER},
	{"pids-limit", KEY_PIDS_LIMIT, "N", 0, "processes and threads that it may have",
		GROUP_DOCKER},
	{"user", 'u', "USER", 0, "who it runs as", GROUP_DOCKER},
	{"init", KEY_INIT, NULL, 0, "an init is PID 1, and the command its child",
		GROUP_DOCKER},
	{"entrypoint", KEY_ENTRYPOINT, "PROGRAM", 0, "in place of the image's own",
		GROUP_DOCKER},
	{"stop-signal", KEY_STOP_SIGNAL, "SIGNAL", 0,
		"in place of the image's own, or SIGTERM", GROUP_DOCKER},
	{"stop-timeout", KEY_STOP_TIMEOUT, "SECONDS", 0, "as --grace", GROUP_DOCKER},
	{"workdir", 'w', "FOLDER", 0, "where it starts", GROUP_DOCKER},
	{"cap-add", KEY_CAP_ADD, "CAPABILITY", 0, "one more", GROUP_DOCKER},
	{"cap-drop", KEY_CAP_DROP, "CAPABILITY", 0, "one fewer, or ALL", GROUP_DOCKER},
	{"network", KEY_NETWORK, "NAME", 0, "in place of bridge", GROUP_DOCKER},
	{"net", KEY_NETWORK, "NAME", OPTION_ALIAS | OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"tmpfs", KEY_TMPFS, "/TARGET", 0, "a file system in memory", GROUP_DOCKER},
	{"read-only", KEY_READ_ONLY, NULL, 0, "the root file system cannot be written",
		GROUP_DOCKER},
	{"detach", 'd', NULL, 0,
		"like -i, -t without a TIME, --rm, --name, --label, --restart and --pull: of no "
		"effect, so that a line of `docker run` can be pasted",
		GROUP_DOCKER},
	{"interactive", 'i', NULL, OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"tty", KEY_TTY, NULL, OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"rm", KEY_RM, NULL, OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"name", KEY_NAME, "NAME", OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"label", 'l', "LABEL", OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"restart", KEY_RESTART, "POLICY", OPTION_HIDDEN, NULL, GROUP_DOCKER},
	{"pull", KEY_PULL, "WHEN", OPTION_HIDDEN, NULL, GROUP_DOCKER},

	{.doc = "The stop:", .group = GROUP_OURS},
	{"grace", KEY_GRACE, "TIME", 0,
		"SIGKILL comes so long after the stop signal (10s); a number is seconds",
		GROUP_OURS},
	{NULL, 't', "TIME", OPTION_ARG_OPTIONAL, "as --grace", GROUP_OURS},
	{"after", KEY_AFTER, "TIME", 0, "the stop comes so long after it is ready (0s)",
		GROUP_OURS},
	{"ready-log", KEY_READY_LOG, "TEXT", 0,
		"it is ready when it prints a line with TEXT", GROUP_OURS},
	{"ready-port", KEY_READY_PORT, "PORT", 0,
		"it is ready when this port accepts a connection (the default: its processes "
		"have settled)",
		GROUP_OURS},
	{"ready-within", KEY_READY_WITHIN, "TIME", 0, "how long that may take (20s)",
		GROUP_OURS},
	{"try-cures", KEY_TRY_CURES, NULL, 0,
		"if the stop is not clean, run it again with each cure that can be tried: an "
		"init, another stop signal, no shell in front, a longer grace",
		GROUP_OURS},
	{"json", 'j', NULL, 0, "print a JSON object", GROUP_OURS},
	{0},
};

/* How a value is written in JSON. */
enum form {
	FORM_TEXT,
	FORM_LIST, /* one text of several */
	FORM_TRUE,
	FORM_INT,
	FORM_TIME, /* a duration; a number is seconds */
};

static const struct setting {
	int key;
	const char *path;
	enum form form;
} settings[] = {
	{KEY_ENV_FILE, "service.env_file", FORM_LIST},
	{'v', "service.volumes", FORM_LIST},
	{'p', "service.ports", FORM_LIST},
	{'m', "service.mem_limit", FORM_TEXT},
	{KEY_CPUS, "service.cpus", FORM_TEXT},
	{KEY_PIDS_LIMIT, "service.pids_limit", FORM_INT},
	{'u', "service.user", FORM_TEXT},
	{KEY_INIT, "service.init", FORM_TRUE},
	{KEY_STOP_SIGNAL, "service.stop_signal", FORM_TEXT},
	{KEY_STOP_TIMEOUT, "stop.grace", FORM_TIME},
	{'w', "service.working_dir", FORM_TEXT},
	{KEY_CAP_ADD, "service.cap_add", FORM_LIST},
	{KEY_CAP_DROP, "service.cap_drop", FORM_LIST},
	{KEY_NETWORK, "service.networks", FORM_LIST},
	{KEY_TMPFS, "service.tmpfs", FORM_LIST},
	{KEY_READ_ONLY, "service.read_only", FORM_TRUE},
	{KEY_GRACE, "stop.grace", FORM_TIME},
	{KEY_READY_LOG, "service.ready.log", FORM_TEXT},
	{KEY_READY_PORT, "service.ready.tcp", FORM_INT},
	{KEY_READY_WITHIN, "service.ready.within", FORM_TIME},
	{KEY_AFTER, "stop.after", FORM_TIME},
};

struct parsing {
	struct run_options *options;
	struct argp_state *state;
};

/* "--volume" */
static const char *name_of(int key)
{
	for (const struct argp_option *option = option_table;; option++) {
		if (option->name && option->key == key)
			return option->name;
	}
}

static const struct setting *find_setting(int key)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		if (settings[i].key == key)
			return &settings[i];
	}
	return NULL;
}

/* --- one value --- */

/* Takes value. */
static void put(cJSON *json, const char *path, cJSON *value)
{
	struct err err;
	bool ok UNUSED = json_put_at(json, path, value, &err);
}

static bool is_number(const char *text)
{
	return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* The value as the scenario has it, the caller's; an item, of a list. */
static cJSON *value_json(enum form form, const char *value)
{
	SCOPED(mem_free) char *seconds = NULL;
	int64_t ns;
	struct err err;

	switch (form) {
	case FORM_TRUE:
		return cJSON_CreateTrue();
	case FORM_INT:
		/* What is no number is left to the reader, which names it. */
		return is_number(value) && strlen(value) < 10
			? cJSON_CreateNumber((double)strtol(value, NULL, 10))
			: cJSON_CreateString(value);
	case FORM_TIME:
		seconds = mem_textf("%ss", value);
		return cJSON_CreateString(
			is_number(value) && clock_parse(&ns, seconds, &err) ? seconds
									    : value);
	case FORM_TEXT:
	case FORM_LIST:
		break;
	}
	return cJSON_CreateString(value);
}

/* What the reader of the key says, without the names of file and key. */
static const char *without_names(const char *text, const char *path)
{
	const char *dot = strrchr(path, '.');
	SCOPED(mem_free) char *key = mem_textf("%s: ", dot ? dot + 1 : path);
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : text;
}

/* Would a scenario with nothing else be right? */
static void check_value(
	struct parsing *parsing, const struct setting *setting, const char *value)
{
	SCOPED(json_free)
	cJSON *root = json_fill(
		NULL, "{'name': 'try', 'service': {'image': 'image', 'mocks': false}}");
	const struct json_doc doc = {.name = (char[]){"try"}, .root = root};
	cJSON *json = value_json(setting->form, value);
	/* Whether a grace fits the engine is seen when that is known. */
	bool is_of_stop = strncmp(setting->path, "stop.", 5) == 0;
	struct scenario scenario;
	struct err err = {0};

	if (setting->form == FORM_LIST) {
		cJSON *list = cJSON_CreateArray();

		cJSON_AddItemToArray(list, json);
		json = list;
	}
	put(root, setting->path, json);
	if (!scenario_read(&scenario, &doc, root, fields_keep_first, &err) ||
		(!is_of_stop &&
			!scenario_check(
				&scenario, &doc, root, fields_keep_first, &err)))
		argp_error(parsing->state, "--%s \"%s\": %s", name_of(setting->key),
			value, without_names(err.text, setting->path));
	scenario_done(&scenario);
}

static void add_value(
	struct parsing *parsing, const struct setting *setting, const char *value)
{
	cJSON *json = parsing->options->json;
	cJSON *list;

	check_value(parsing, setting, value);
	if (setting->form != FORM_LIST) {
		put(json, setting->path, value_json(setting->form, value));
		return;
	}
	if (!json_at(json, setting->path))
		put(json, setting->path, cJSON_CreateArray());
	list = (cJSON *)(size_t)json_at(json, setting->path);
	cJSON_AddItemToArray(list, value_json(setting->form, value));
}

/* --- values of their own kind --- */

static void add_env(struct parsing *parsing, const char *value)
{
	size_t len = strcspn(value, "=");
	SCOPED(mem_free) char *name = mem_textf("%.*s", (int)len, value);
	const char *text = value[len] ? value + len + 1 : getenv(name);
	SCOPED(mem_free) char *escaped = text ? placeholders_escape(text) : NULL;
	cJSON *env = (cJSON *)(size_t)json_at(parsing->options->json, "service.env");

	if (len == 0)
		argp_error(parsing->state, "--env \"%s\": expected NAME=VALUE, or NAME",
			value);
	/* As docker run has it, a variable that is not there is none. */
	if (!text)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(env, name);
	cJSON_AddStringToObject(env, name, escaped);
}

static cJSON *words_json(char **words, int count)
{
	cJSON *list = cJSON_CreateArray();

	for (int i = 0; i < count; i++) {
		SCOPED(mem_free) char *escaped = placeholders_escape(words[i]);

		cJSON_AddItemToArray(list, cJSON_CreateString(escaped));
	}
	return list;
}

/* "-t": of docker run a terminal, of docker stop the grace. A time behind it decides. */
static void read_t(struct parsing *parsing, const char *value)
{
	struct argp_state *state = parsing->state;
	const char *next = state->next < state->argc ? state->argv[state->next] : "";

	if (value && strspn(value, "itd") == strlen(value))
		return;
	if (!value && !isdigit((unsigned char)next[0]))
		return;
	if (!value) {
		struct err err;
		int64_t ns;

		/* An image's name may begin with a digit. */
		if (!is_number(next) && !clock_parse(&ns, next, &err))
			return;
		state->next++;
	}
	add_value(parsing, find_setting(KEY_GRACE), value ? value : next);
}

static void note(struct parsing *parsing, int key)
{
	static const struct {
		int key;
		const char *why;
	} rows[] = {
		{KEY_NAME, "the container is removed after its stop"},
		{KEY_RESTART, "the container is removed after its stop"},
		{KEY_PULL, "nothing is pulled"},
		{'l', "the container is removed after its stop"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].key == key)
			strlist_add(&parsing->options->notes,
				"--%s has no effect here: %s", name_of(key),
				rows[i].why);
	}
}

/* --- the whole --- */

static void take_command(struct parsing *parsing, const char *first)
{
	struct run_options *options = parsing->options;
	struct argp_state *state = parsing->state;
	bool is_command = state->quoted && state->next - 1 >= state->quoted;
	char **words = state->argv + state->next - is_command;
	int count = state->argc - state->next + is_command;

	options->engine = is_command ? "process" : "docker";
	if (!is_command)
		put(options->json, "service.image", cJSON_CreateString(first));
	if (count > 0)
		put(options->json, "service.command", words_json(words, count));
	put(options->json, "name", cJSON_CreateString(first));
	state->next = state->argc;
}

/* A process has no container's options. */
static void check_engine(struct parsing *parsing)
{
	const struct run_options *options = parsing->options;
	const char *key =
		container_options_of_engine(&options->scenario.service.container);

	if (strcmp(options->engine, "docker") == 0) {
		if (options->scenario.stop.grace_ns % CLOCK_S != 0)
			argp_error(
				parsing->state, "--grace: Docker counts whole seconds");
		return;
	}
	for (size_t i = 0; key && i < COUNT(settings); i++) {
		if (strcmp(strrchr(settings[i].path, '.') + 1, key) == 0)
			argp_error(parsing->state,
				"--%s is for an image: what follows -- runs without a "
				"container",
				name_of(settings[i].key));
	}
}

static void finish(struct parsing *parsing)
{
	struct run_options *options = parsing->options;
	struct json_doc doc = {.name = (char[]){"try"}, .root = options->json};
	struct err err = {0};

	if (!options->engine)
		argp_error(parsing->state, "name an image, or -- and a command");
	if (json_at(options->json, "service.ready.log") &&
		json_at(options->json, "service.ready.tcp"))
		argp_error(parsing->state,
			"--ready-log and --ready-port: one of them, not both");
	if (strcmp(options->engine, "docker") == 0 &&
		!json_at(options->json, "service.networks"))
		put(options->json, "service.networks",
			words_json((char *[]){(char[]){"bridge"}}, 1));
	cJSON_AddItemToObject(
		options->json, "engines", cJSON_CreateStringArray(&options->engine, 1));
	if (!scenario_read(
		    &options->scenario, &doc, options->json, fields_keep_first, &err))
		argp_error(parsing->state, "%s", err.text);
	check_engine(parsing);
	if (!scenario_check(
		    &options->scenario, &doc, options->json, fields_keep_first, &err))
		argp_error(parsing->state, "%s", err.text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct parsing parsing = {state->input, state};
	const struct setting *setting = find_setting(key);
	SCOPED(mem_free) char *escaped = NULL;

	if (setting) {
		add_value(&parsing, setting, value ? value : "");
		return 0;
	}
	switch (key) {
	case 'e':
		add_env(&parsing, value);
		return 0;
	case KEY_ENTRYPOINT:
		escaped = placeholders_escape(value);
		put(parsing.options->json, "service.entrypoint",
			cJSON_CreateString(escaped));
		return 0;
	case 't':
		read_t(&parsing, value);
		return 0;
	case 'j':
		parsing.options->as_json = true;
		return 0;
	case KEY_TRY_CURES:
		parsing.options->try_cures = true;
		return 0;
	case 'd':
	case 'i':
	case KEY_TTY:
	case KEY_RM:
		return 0;
	case 'l':
	case KEY_NAME:
	case KEY_RESTART:
	case KEY_PULL:
		note(&parsing, key);
		return 0;
	case ARGP_KEY_ARG:
		take_command(&parsing, value);
		return 0;
	case ARGP_KEY_END:
		finish(&parsing);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "IMAGE [ARG...]\n-- COMMAND [ARG...]",
	.doc = "Runs an image, waits until it is ready, stops it, says how it ended, why, and "
	       "what cures it, and removes the container. Nothing is pulled. Behind -- stands "
	       "a command that is run without a container, as PID 1 of a namespace; of your "
	       "environment it gets what -e names."
	       "\vExit codes: 0 the stop was clean, 1 it was not, or is not proven to be, 2 "
	       "bad usage, 3 there was no stop: no such image, never ready, interrupted.",
};

void run_options_parse(struct run_options *options, int argc, char **argv)
{
	*options = (struct run_options){
		.json = json_fill(NULL, "{'service': {'env': {}, 'mocks': false}}"),
	};
	options_parse_in_order(&parser, argc, argv, options);
}

void run_options_done(struct run_options *options)
{
	scenario_done(&options->scenario);
	cJSON_Delete(options->json);
	strlist_done(&options->notes);
	*options = (struct run_options){0};
}
