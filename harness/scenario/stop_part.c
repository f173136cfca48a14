#include "harness/scenario/stop_part.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/event_names.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/suggest.h"

/* --- stop.when --- */

/* A service of somebody else may log events of its own: a name that is not near a known
 * one is accepted. */
static bool read_when(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const char *name = cJSON_IsString(node) ? node->valuestring : "";
	const char *near = NULL;
	size_t at = 0;

	if (!name[0])
		return json_doc_wrong(doc, node, err,
			"when: expected an event's name such as \"sessions.ready\"");
	while (event_names[at] && strcmp(event_names[at], name) != 0)
		at++;
	if (!event_names[at])
		near = suggest_name(name, event_names, at);
	if (near)
		return json_doc_wrong(doc, node, err,
			"when: there is no \"%.60s\"; did you mean \"%s\"?", name,
			near);
	mem_free(out);
	*(char **)out = mem_text(name);
	return true;
}

/* Any text, and what an editor can offer. */
static cJSON *when_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"anyOf\":[{\"type\":\"string\"}]}");

	cJSON_AddItemToArray(schema->child, field_schema_choice(event_names));
	return schema;
}

static const struct field_type when_type = {
	.read = read_when, .done = mem_free, .schema = when_schema};

/* --- stop.signals --- */

static void done_signals(void *out)
{
	struct stop_signals *signals = out;

	for (unsigned i = 0; i < signals->count; i++)
		free(signals->step[i].signal);
	*signals = (struct stop_signals){0};
}

static const struct field step_fields[] = {
	{"signal", FIELD_TEXT, offsetof(struct stop_signal, signal), .required = true,
		.help = "such as \"SIGINT\""},
	{"after", FIELD_DURATION, offsetof(struct stop_signal, after_ns),
		.required = true, .help = "so long after the stop was asked for"},
	{0},
};

static bool read_step(struct stop_signals *signals, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct stop_signal *step = &signals->step[signals->count];
	int number;

	if (signals->count == STOP_SIGNALS_MAX)
		return json_doc_wrong(
			doc, node, err, "signals: more than %d", STOP_SIGNALS_MAX);
	signals->count++;
	if (!fields_read(step_fields, step, doc, node, "signals", err))
		return false;
	number = signal_number(step->signal);
	if (number == 0 || number == SIGKILL || number == SIGSTOP)
		return json_doc_wrong(doc, json_get(node, "signal"), err,
			"signal: expected one that a program can handle, such as "
			"\"SIGINT\"");
	return true;
}

static bool read_signals(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct stop_signals signals = {0};
	const cJSON *item;
	bool ok = cJSON_IsArray(node) ||
		json_doc_wrong(doc, node, err,
			"signals: expected a list such as [{\"signal\": \"SIGINT\", "
			"\"after\": \"1s\"}], not %s",
			json_kind(node));

	for (item = ok ? node->child : NULL; ok && item; item = item->next)
		ok = read_step(&signals, doc, item, err);
	done_signals(ok ? out : &signals);
	if (ok)
		*(struct stop_signals *)out = signals;
	return ok;
}

static cJSON *signals_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"type\":\"array\"}");

	cJSON_AddItemToObject(schema, "items", fields_schema(step_fields));
	return schema;
}

static const struct field_type signals_type = {
	.read = read_signals, .done = done_signals, .schema = signals_schema};

/* --- stop --- */

const struct field stop_fields[] = {
	{"grace", FIELD_DURATION, offsetof(struct stop_part, grace_ns), .preset = "10s",
		.help = "time from the stop signal to SIGKILL; whole seconds for docker and cri"},
	{"when", FIELD_OTHER, offsetof(struct stop_part, when), .type = &when_type,
		.preset = "sessions.ready",
		.help = "the moment of the stop: \"sessions.ready\" (all of load is there), "
			"\"exit\" (the service has ended by itself), or the name of an event "
			"(docs/events.md)"},
	{"after", FIELD_DURATION, offsetof(struct stop_part, after_ns),
		.help = "the stop comes so long after that moment"},
	{"signals", FIELD_OTHER, offsetof(struct stop_part, signals),
		.type = &signals_type,
		.help = "more signals to PID 1, each so long after the stop was asked for"},
	{"count", FIELD_INT, offsetof(struct stop_part, count), .preset = "1", .min = 1,
		.max = 1000000, .help = "the stop comes with this many of that event"},
	{"within", FIELD_DURATION, offsetof(struct stop_part, within_ns),
		.preset = "60s",
		.help = "bound of the wait for the moment of the stop"},
	{0},
};
