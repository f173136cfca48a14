#include "harness/scenario/scenario.h"

#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/scenario_fields.h"
#include "harness/scenario/verdict.h"
#include "lib/mem.h"

static const struct field ready_fields[] = {
	{"http", FIELD_OTHER, 0, .type = &ready_http_type,
		.help = "ready when a GET of this path answers 2xx"},
	{"tcp", FIELD_OTHER, 0, .type = &ready_tcp_type,
		.help = "ready when this port accepts a connection"},
	{"log", FIELD_OTHER, 0, .type = &ready_log_type,
		.help = "ready when the service prints a line with this text in it"},
	{"signal", FIELD_OTHER, 0, .type = &ready_signal_type,
		.help = "ready when PID 1 catches, blocks or waits for the stop signal"},
	{"within", FIELD_DURATION, offsetof(struct ready, within_ns), .preset = "20s",
		.help = "bound of the wait"},
	{0},
};

static const struct field session_fields[] = {
	{"path", FIELD_TEXT, offsetof(struct session_request, path),
		.preset = "/webhook/{bot}",
		.help = "where a session is opened by POST; {n}, {room} and {bot} are filled in"},
	{"body", FIELD_OTHER, offsetof(struct session_request, body),
		.type = &body_type,
		.preset = "{\"creator\":{\"id\":1,\"name\":\"Test\"},"
			  "\"room\":{\"id\":{room},\"name\":\"Room {room}\"},"
			  "\"content\":\"hello\"}",
		.help = "the JSON that is sent; {n}, {room} and {bot} are filled in"},
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

static const char *const topologies[] = {"host", "containers", NULL};

static const struct field service_fields[] = {
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
	{"mocks", FIELD_BOOL, offsetof(struct service_part, mocks), .preset = "true",
		.help = "false: no mock agent API is started"},
	{0},
};

static const struct field load_fields[] = {
	{"sessions", FIELD_INT, offsetof(struct load_part, sessions), .min = 0,
		.max = SCENARIO_SESSIONS_MAX,
		.help = "opened in parallel, each with a room and a bot of its own"},
	{"turns", FIELD_INT, offsetof(struct load_part, turns), .min = 0,
		.max = SCENARIO_SESSIONS_MAX,
		.help = "sessions that have a turn in flight when the stop comes"},
	{"turn", FIELD_DURATION, offsetof(struct load_part, turn_ns), .preset = "1s",
		.help = "how long such a turn takes"},
	{"idle_connections", FIELD_INT, offsetof(struct load_part, idle_connections),
		.min = 0, .max = 10000,
		.help = "keep-alive connections that are open and idle when the stop comes"},
	{0},
};

static const struct field stop_fields[] = {
	{"grace", FIELD_DURATION, offsetof(struct stop_part, grace_ns), .preset = "10s",
		.help = "time from the stop signal to SIGKILL; whole seconds for docker"},
	{"when", FIELD_OTHER, offsetof(struct stop_part, when), .type = &when_type,
		.preset = "sessions.ready",
		.help = "the moment of the stop: \"sessions.ready\" (all of load is there), "
			"\"exit\" (the service has ended by itself), or the name of an event "
			"(docs/events.md)"},
	{"count", FIELD_INT, offsetof(struct stop_part, count), .preset = "1", .min = 1,
		.max = 1000000, .help = "the stop comes with this many of that event"},
	{"within", FIELD_DURATION, offsetof(struct stop_part, within_ns),
		.preset = "60s",
		.help = "bound of the wait for the moment of the stop"},
	{0},
};

static const struct field expect_fields[] = {
	{"exit_code", FIELD_OTHER, offsetof(struct expect_part, exit_codes),
		.type = &exit_codes_type, .help = "a number or a list of them"},
	{"verdict", FIELD_OTHER, offsetof(struct expect_part, verdicts),
		.type = &verdicts_type, .help = "a verdict or a list of them"},
	{"within", FIELD_DURATION, offsetof(struct expect_part, within_ns),
		.help = "from the signal's delivery to the end of PID 1"},
	{"diagnosis", FIELD_CHOICE, offsetof(struct expect_part, diagnosis),
		.choices = diagnosis_ids, .preset = "any",
		.help = "id of the deepest cause (docs/diagnoses.md)"},
	{"disconnected", FIELD_OTHER, offsetof(struct expect_part, disconnected),
		.type = &count_type, .preset = "-1",
		.help = "sessions that the agent API saw disconnected: a number or \"all\""},
	{"orphans", FIELD_OTHER, offsetof(struct expect_part, orphans),
		.type = &count_type, .preset = "-1",
		.help = "processes that were alive when PID 1 ended"},
	{"lost", FIELD_OTHER, offsetof(struct expect_part, lost), .type = &count_type,
		.preset = "-1", .help = "accepted requests without a whole answer"},
	{"log", FIELD_OTHER, offsetof(struct expect_part, log), .type = &strlist_type,
		.help = "texts that the service's log must contain"},
	{0},
};

const struct field scenario_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct scenario, name), .required = true,
		.help = "title of the scenario"},
	{"why", FIELD_TEXT, offsetof(struct scenario, why),
		.help = "why the scenario exists, in one sentence"},
	{"service", FIELD_OBJECT, offsetof(struct scenario, service),
		.fields = service_fields, .help = "what is stopped"},
	{"agent", FIELD_OTHER, offsetof(struct scenario, agent_json),
		.type = &agent_type, .help = "the behavior of the mock agent API"},
	{"mcp", FIELD_OTHER, offsetof(struct scenario, mcp), .type = &mcp_type,
		.help = "the MCP servers of each session, and their behavior"},
	{"load", FIELD_OBJECT, offsetof(struct scenario, load), .fields = load_fields,
		.help = "what is there when the stop comes"},
	{"stop", FIELD_OBJECT, offsetof(struct scenario, stop), .fields = stop_fields,
		.help = "the stop"},
	{"expect", FIELD_OBJECT, offsetof(struct scenario, expect),
		.fields = expect_fields,
		.help = "what must be seen; without verdict, exit_code and diagnosis also a "
			"clean stop with exit code 0"},
	{"repeat", FIELD_INT, offsetof(struct scenario, repeat), .preset = "1",
		.min = 1, .max = 10000, .help = "rounds of each case"},
	{"alone", FIELD_BOOL, offsetof(struct scenario, alone),
		.help = "no other case runs beside this one: for figures that suffer from "
			"company"},
	{"seed", FIELD_INT, offsetof(struct scenario, seed), .min = 0,
		.max = INT64_C(1) << 52,
		.help = "seed of all draws; 0: that of the run"},
	{"engines", FIELD_OTHER, offsetof(struct scenario, engines),
		.type = &engines_type,
		.help = "the only engines that run it; by default all"},
	{"$schema", FIELD_OTHER, 0, .type = &schema_type,
		.help = "path of schema.json, for editors"},
	{"matrix", FIELD_OTHER, 0, .type = &matrix_type,
		.help = "lists of values for paths: one case per combination"},
	{"variants", FIELD_OTHER, 0, .type = &variants_type,
		.help = "what else changes for some combinations"},
	{"twin", FIELD_OTHER, 0, .type = &twin_type,
		.help = "the one change that flips the verdict"},
	{0},
};

/* How the service has to end is never left open: a clean stop unless the scenario names
 * an exit code, a verdict or a diagnosis. */
static void expect_clean_by_default(struct expect_part *expect)
{
	if (expect->exit_codes.count > 0 || expect->verdicts != 0 ||
		expect->diagnosis != DIAGNOSIS_ANY)
		return;
	expect->exit_codes.count = 1;
	expect->verdicts = 1u << VERDICT_CLEAN;
}

bool scenario_read(struct scenario *scenario, const struct json_doc *doc,
	const cJSON *root, fields_wrong_fn *wrong, void *arg)
{
	*scenario = (struct scenario){0};
	fields_preset(scenario_fields, scenario);
	if (fields_read_all(scenario_fields, scenario, doc, root, "", wrong, arg) > 0) {
		scenario_done(scenario);
		return false;
	}
	expect_clean_by_default(&scenario->expect);
	return true;
}

void scenario_done(struct scenario *scenario)
{
	fields_done(scenario_fields, scenario);
	*scenario = (struct scenario){0};
}

bool scenario_is_ours(const struct scenario *scenario)
{
	return !scenario->service.image && scenario->service.command.count == 0 &&
		scenario->service.entrypoint.count == 0;
}

bool scenario_uses(const struct scenario *scenario, enum placeholder placeholder)
{
	const struct strlist *const lists[] = {&scenario->service.entrypoint,
		&scenario->service.command, &scenario->service.env};

	for (size_t i = 0; i < COUNT(lists); i++)
		for (unsigned j = 0; j < lists[i]->count; j++)
			if (placeholders_use(lists[i]->item[j], placeholder))
				return true;
	return false;
}

bool scenario_has_mocks(const struct scenario *scenario)
{
	return scenario->service.mocks &&
		(scenario_is_ours(scenario) ||
			scenario_uses(scenario, PLACEHOLDER_AGENT_URL));
}

const char *scenario_env(const struct scenario *scenario, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < scenario->service.env.count; i++) {
		const char *pair = scenario->service.env.item[i];

		if (strncmp(pair, name, len) == 0 && pair[len] == '=')
			return pair + len + 1;
	}
	return NULL;
}

bool scenario_env_is_secret(const struct scenario *scenario, const char *name)
{
	static const char *const marks[] = {"KEY", "TOKEN", "SECRET", "PASSWORD"};

	for (size_t i = 0; i < COUNT(marks); i++)
		if (strcasestr(name, marks[i]))
			return true;
	for (unsigned i = 0; i < scenario->service.secrets.count; i++)
		if (strcmp(scenario->service.secrets.item[i], name) == 0)
			return true;
	return false;
}

char *scenario_json_redacted(const struct scenario *scenario, const char *json)
{
	SCOPED(json_free) cJSON *root = cJSON_Parse(json);
	cJSON *env = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(root, "service"), "env");
	cJSON *value = env ? env->child : NULL;

	while (value) {
		cJSON *next = value->next;

		if (scenario_env_is_secret(scenario, value->string)) {
			SCOPED(mem_free) char *name = mem_text(value->string);

			cJSON_ReplaceItemInObjectCaseSensitive(
				env, name, cJSON_CreateString("***"));
		}
		value = next;
	}
	return cJSON_Print(root);
}
