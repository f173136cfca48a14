#include "harness/scenario/scenario.h"

#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/engine_kind.h"
#include "harness/scenario/verdict.h"
#include "lib/mem.h"
#include "mock-agent/faults/behavior.h"

static const struct field load_fields[] = {
	{"request", FIELD_OBJECT, offsetof(struct load_part, request),
		.fields = load_request_fields,
		.help = "HTTP requests that are under way when the stop comes"},
	{"command", FIELD_OTHER, offsetof(struct load_part, command),
		.type = &command_type,
		.help = "a load generator of your own, on this machine: it runs from the "
			"readiness of the service to its end, and its exit code counts"},
	{"sessions", FIELD_INT, offsetof(struct load_part, sessions), .min = 0,
		.max = SCENARIO_SESSIONS_MAX,
		.help = "opened in parallel, each with a room and a bot of its own"},
	{"replacement", FIELD_BOOL, offsetof(struct load_part, replacement),
		.help = "a second instance of stopbench's own service, at which the client of "
			"each session opens it again once the agent API has ended it"},
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

/* --- the scenario --- */

static bool read_engines(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *item;

	if (cJSON_IsArray(node) && !node->child)
		return json_doc_wrong(doc, node, err, "engines: the list is empty");
	cJSON_ArrayForEach(item, node) {
		if (cJSON_IsString(item) && !engine_kind_find(item->valuestring))
			return json_doc_wrong(doc, item, err,
				"engines: there is no \"%.60s\"; there are: %s",
				item->valuestring, engine_kind_names);
	}
	return strlist_type.read(out, doc, node, err);
}

static void done_list(void *out)
{
	strlist_done(out);
}

static cJSON *engines_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"type\":\"array\",\"minItems\":1,"
				    "\"items\":{\"enum\":[]}}");
	cJSON *names = cJSON_GetObjectItemCaseSensitive(schema, "items")->child;

	for (size_t i = 0; i < ENGINE_KINDS; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(engine_kinds[i].name));
	return schema;
}

static const struct field_type engines_type = {
	.read = read_engines, .done = done_list, .schema = engines_schema};

static bool read_agent(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!agent_behavior_check(doc, node, err))
		return false;
	mem_free(out);
	*(char **)out = json_print(node);
	return true;
}

static const struct field_type agent_type = {.read = read_agent,
	.done = mem_free,
	.schema = agent_behavior_schema,
	.open = true};

/* plan.h reads these. */
static const struct field_type schema_type = {.schema_text = "{\"type\":\"string\"}"};
static const struct field_type matrix_type = {.open = true,
	.schema_text = "{\"type\":\"object\",\"additionalProperties\":"
		       "{\"type\":\"array\",\"minItems\":1}}"};
static const struct field_type variants_type = {.open = true,
	.schema_text =
		"{\"type\":\"array\",\"items\":{\"type\":\"object\","
		"\"properties\":{\"where\":{\"type\":\"object\"},"
		"\"set\":{\"type\":\"object\"}},"
		"\"required\":[\"where\",\"set\"],\"additionalProperties\":false}}"};
static const struct field_type twin_type = {.open = true,
	.schema_text =
		"{\"type\":\"object\",\"properties\":"
		"{\"set\":{\"type\":\"object\"},\"expect\":{\"type\":\"object\"}},"
		"\"required\":[\"set\",\"expect\"],\"additionalProperties\":false}"};

const struct field scenario_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct scenario, name), .required = true,
		.help = "title of the scenario"},
	{"why", FIELD_TEXT, offsetof(struct scenario, why),
		.help = "why the scenario exists, in one sentence"},
	{"service", FIELD_OBJECT, offsetof(struct scenario, service),
		.fields = service_fields, .help = "what is stopped"},
	{"agent", FIELD_OTHER, offsetof(struct scenario, agent_json),
		.type = &agent_type, .help = "the behavior of the mock agent API"},
	{"mcp", FIELD_OTHER, offsetof(struct scenario, mcp), .type = &mcp_list_type,
		.help = "the MCP servers of each session, and their behavior"},
	{"load", FIELD_OBJECT, offsetof(struct scenario, load), .fields = load_fields,
		.help = "what is there when the stop comes"},
	{"stop", FIELD_OBJECT, offsetof(struct scenario, stop), .fields = stop_fields,
		.help = "the stop"},
	{"rollout", FIELD_OBJECT, offsetof(struct scenario, rollout),
		.fields = rollout_fields,
		.help = "the service has replicas on an orchestrator, and this happens to it "
			"while load.request goes on: many stops in place of one"},
	{"balancer", FIELD_OBJECT, offsetof(struct scenario, balancer),
		.fields = balancer_fields,
		.help = "of a rollout: what stands between the requests and the tasks"},
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

bool scenario_has_rollout(const struct scenario *scenario)
{
	return scenario->rollout.replicas > 0;
}

bool scenario_uses(const struct scenario *scenario, enum placeholder placeholder)
{
	const struct strlist *const lists[] = {&scenario->service.entrypoint,
		&scenario->service.command, &scenario->service.env};

	for (size_t i = 0; i < COUNT(lists); i++)
		for (unsigned j = 0; j < lists[i]->count; j++)
			if (placeholders_use(lists[i]->item[j], placeholder))
				return true;
	return placeholder == PLACEHOLDER_AGENT_URL && scenario->service.session.body &&
		placeholders_use(scenario->service.session.body, placeholder);
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

bool scenario_header_is_secret(const struct scenario *scenario, const char *name)
{
	return scenario_env_is_secret(scenario, name) || strcasestr(name, "AUTH") ||
		strcasestr(name, "COOKIE");
}

static void hide_secrets(const struct scenario *scenario, cJSON *pairs,
	bool (*is_secret)(const struct scenario *scenario, const char *name))
{
	cJSON *value = pairs ? pairs->child : NULL;

	while (value) {
		cJSON *next = value->next;

		if (is_secret(scenario, value->string)) {
			SCOPED(mem_free) char *name = mem_text(value->string);

			cJSON_ReplaceItemInObjectCaseSensitive(
				pairs, name, cJSON_CreateString("***"));
		}
		value = next;
	}
}

char *scenario_json_redacted(const struct scenario *scenario, const char *json)
{
	SCOPED(json_free) cJSON *root = cJSON_Parse(json);

	hide_secrets(scenario, (cJSON *)(size_t)json_at(root, "service.env"),
		scenario_env_is_secret);
	hide_secrets(scenario, (cJSON *)(size_t)json_at(root, "load.request.headers"),
		scenario_header_is_secret);
	return cJSON_Print(root);
}
