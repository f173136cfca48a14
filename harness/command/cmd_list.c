#include "harness/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/programs.h"
#include "harness/scenario/plan.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/terminal.h"

#define INDENT 4

struct listing {
	struct plan plan;
	const char **paths;
	unsigned path_count;
	bool json;
	bool good; /* no error in any file */
};

static const struct argp_option option_table[] = {
	{"format", 'f', "text|json", 0, "what is printed (text)", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct listing *listing = state->input;

	switch (key) {
	case 'f':
		listing->json = strcmp(value, "json") == 0;
		if (!listing->json && strcmp(value, "text") != 0)
			argp_error(state, "--format: text or json, not \"%s\"", value);
		return 0;
	case ARGP_KEY_ARG:
		listing->paths[listing->path_count++] = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[SCENARIO|FOLDER...]",
	.doc = "Lists scenarios with the number of their cases, the engines that are found "
	       "here, and what each of them can observe. Without a path, the scenarios in "
	       "./scenarios, or else those that came with stopbench.",
};

/* --- the listing as JSON: the text is printed from it --- */

static void on_wrong(void *arg UNUSED, const struct err *err)
{
	terminal_print(stderr, "%s\n", err->text);
}

static void read_scenarios(struct listing *listing)
{
	const struct plan_options options = {0};

	SCOPED(mem_free) char *data = programs_data();

	listing->good = true;
	if (listing->path_count == 0 && (data || access("scenarios", F_OK) == 0))
		listing->paths[listing->path_count++] = "scenarios";
	for (unsigned i = 0; i < listing->path_count; i++)
		listing->good = plan_add(&listing->plan, listing->paths[i], &options,
					on_wrong, NULL) &&
			listing->good;
}

static cJSON *scenarios_json(const struct plan *plan)
{
	cJSON *list = cJSON_CreateArray();
	unsigned end;

	for (unsigned i = 0; i < plan->count; i = end) {
		const struct plan_case *first = plan->cases[i];
		cJSON *item;

		for (end = i + 1; end < plan->count &&
			strcmp(plan->cases[end]->path, first->path) == 0;)
			end++;
		item = json_fill(NULL,
			"{'id': %s, 'path': %s, 'name': %s, 'cases': %u}", first->id,
			first->path, first->scenario.name, end - i);
		if (first->scenario.why)
			json_fill(item, "{'why': %s}", first->scenario.why);
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

static cJSON *sight_json(const struct engine_capabilities *capabilities)
{
	cJSON *json = json_fill(NULL,
		"{'signal': %s, 'kill': %s, 'exit': %s, 'not_seen': %s}",
		stamp_source_names[capabilities->signal],
		stamp_source_names[capabilities->kill],
		stamp_source_names[capabilities->exit], capabilities->note);

	cJSON_AddBoolToObject(json, "signal_delivery", capabilities->signal_delivery);
	cJSON_AddBoolToObject(json, "wait_status", capabilities->wait_status);
	cJSON_AddBoolToObject(json, "snapshots", capabilities->snapshots);
	cJSON_AddBoolToObject(json, "oom", capabilities->oom);
	cJSON_AddBoolToObject(json, "pid1_rules", capabilities->pid1_rules);
	return json;
}

static cJSON *engine_json(uv_loop_t *loop, const char *name, const char *programs)
{
	cJSON *json = json_fill(NULL, "{'name': %s}", name);
	struct err err = {0};
	struct engine *engine = engine_create(loop, name,
		&(struct engine_options){
			.run_id = "list",
			.programs = programs,
		},
		&err);

	cJSON_AddBoolToObject(json, "found", engine != NULL);
	if (engine) {
		cJSON_AddItemToObject(json, "fingerprint", engine_fingerprint(engine));
		cJSON_AddItemToObject(json, "sees", sight_json(&engine->capabilities));
	} else {
		cJSON_AddStringToObject(json, "why_not", err.text);
	}
	engine_destroy(engine);
	return json;
}

static cJSON *engines_json(void)
{
	SCOPED(mem_free) char *programs = programs_folder();
	cJSON *list = cJSON_CreateArray();
	uv_loop_t loop;

	uv_loop_init(&loop);
	for (size_t i = 0; i < ENGINE_KINDS; i++)
		cJSON_AddItemToArray(
			list, engine_json(&loop, engine_kinds[i].name, programs));
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return list;
}

/* --- the text --- */

static void print_scenario(const struct terminal *terminal, const cJSON *scenario)
{
	int64_t cases = json_int(scenario, "cases", 0);
	const char *why = json_text(scenario, "why");

	terminal_print(stdout, "%s (%lld case%s): %s\n", json_text(scenario, "id"),
		(long long)cases, cases == 1 ? "" : "s", json_text(scenario, "name"));
	if (why)
		terminal_paragraph(terminal, stdout, INDENT, why);
}

static const struct {
	const char *source, *signal, *exit;
} source_words[] = {
	{"kernel", "kernel trace", "kernel stamp"},
	{"harness", "sent by the harness itself", "the harness's own wait"},
	{"engine", "the engine's event", "the engine's word"},
	{"none", "not seen", "not seen"},
};

static const char *words_for(const cJSON *sees, const char *what)
{
	const char *source = json_text(sees, what);

	for (size_t i = 0; i < COUNT(source_words); i++) {
		if (strcmp(source_words[i].source, source) == 0)
			return strcmp(what, "exit") == 0 ? source_words[i].exit
							 : source_words[i].signal;
	}
	return source;
}

static const struct {
	const char *key, *words;
} abilities[] = {
	{"signal_delivery", "whether the signal was discarded"},
	{"wait_status", "the raw wait status"},
	{"snapshots", "what its processes wait in"},
	{"oom", "out-of-memory kills"},
};

/* "observes: a, b" for the engine's abilities, "cannot observe: c" for the others. */
static void print_abilities(
	const struct terminal *terminal, const cJSON *sees, bool can)
{
	const char *begin = can ? "observes: " : "cannot observe: ";
	struct buf text = {0};
	SCOPED(mem_free) char *line = NULL;

	for (size_t i = 0; i < COUNT(abilities); i++) {
		if (json_bool(sees, abilities[i].key, false) == can)
			buf_addf(&text, "%s%s", text.len ? ", " : begin,
				abilities[i].words);
	}
	if (text.len == 0)
		return;
	line = buf_take(&text);
	terminal_paragraph(terminal, stdout, INDENT, line);
}

static void print_engine(const struct terminal *terminal, const cJSON *engine)
{
	const cJSON *fingerprint = json_get(engine, "fingerprint");
	const cJSON *sees = json_get(engine, "sees");
	const char *kind = json_text(fingerprint, "isolation");
	SCOPED(mem_free) char *sources = NULL;

	if (!json_bool(engine, "found", false)) {
		printf("engine %s: not found\n", json_text(engine, "name"));
		terminal_paragraph(
			terminal, stdout, INDENT, json_text(engine, "why_not"));
		return;
	}
	if (!kind)
		kind = json_text(fingerprint, "daemon_version");
	terminal_print(stdout, "engine %s: %s\n", json_text(engine, "name"),
		kind ? kind : "found");
	sources = mem_textf("signal: %s; SIGKILL: %s; exit: %s",
		words_for(sees, "signal"), words_for(sees, "kill"),
		words_for(sees, "exit"));
	terminal_paragraph(terminal, stdout, INDENT, sources);
	print_abilities(terminal, sees, true);
	print_abilities(terminal, sees, false);
	terminal_paragraph(terminal, stdout, INDENT, json_text(sees, "not_seen"));
}

static void print_text(const cJSON *json)
{
	struct terminal terminal = terminal_of(stdout);
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(json, "scenarios"))
		print_scenario(&terminal, item);
	if (cJSON_GetArraySize(json_get(json, "scenarios")) > 0)
		puts("");
	cJSON_ArrayForEach(item, json_get(json, "engines"))
		print_engine(&terminal, item);
}

int cmd_list(int argc, char **argv)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();
	struct listing listing = {0};

	/* No list is longer than the command line, but for the default folder. */
	listing.paths = mem_zeroed(sizeof *listing.paths * (size_t)(argc + 1));
	options_parse(&parser, argc, argv, &listing);
	read_scenarios(&listing);
	cJSON_AddItemToObject(json, "scenarios", scenarios_json(&listing.plan));
	cJSON_AddItemToObject(json, "engines", engines_json());
	if (listing.json) {
		SCOPED(mem_free) char *text = json_print_inert(json, true);

		puts(text);
	} else {
		print_text(json);
	}
	plan_done(&listing.plan);
	free(listing.paths);
	return listing.good ? EXIT_MET : EXIT_USAGE;
}
