#include "lib/reaction.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "lib/json_fill.h"
#include "lib/suggest.h"

/* In the order of enum reaction_kind. */
static const char *const reaction_names[] = {"exit", "ignore", "spin"};

/* The one form of a reaction that is an object. */
static const struct field exit_fields[] = {
	{"exit_after", FIELD_OTHER, offsetof(struct reaction, after),
		.type = &latency_type, .help = "exits this much later"},
	{0},
};

static const char *key_of(const cJSON *node)
{
	return node->string ? node->string : "reaction";
}

static bool read_reaction_name(struct reaction *reaction, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *word = node->valuestring, *near;

	for (unsigned i = 0; i < COUNT(reaction_names); i++) {
		if (!strcmp(word, reaction_names[i])) {
			latency_done(&reaction->after);
			*reaction = (struct reaction){.kind = (enum reaction_kind)i};
			return true;
		}
	}
	near = suggest_name(word, reaction_names, COUNT(reaction_names));
	return json_doc_wrong(doc, node, err,
		"%s: expected " REACTION_FORMS ", not \"%.40s\"%s%s%s", key_of(node),
		word, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

static bool read_reaction(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct reaction *reaction = out;

	if (cJSON_IsString(node))
		return read_reaction_name(reaction, doc, node, err);
	if (!cJSON_IsObject(node) || !node->child)
		return json_doc_wrong(
			doc, node, err, "%s: expected " REACTION_FORMS, key_of(node));
	if (!fields_read(exit_fields, reaction, doc, node, key_of(node), err))
		return false;
	reaction->kind = REACTION_EXIT;
	return true;
}

void reaction_done(void *out)
{
	struct reaction *reaction = out;

	latency_done(&reaction->after);
}

static cJSON *reaction_schema(void)
{
	cJSON *schema = json_fill(NULL, "{'oneOf': [{}]}");
	cJSON *forms = cJSON_GetObjectItemCaseSensitive(schema, "oneOf");

	cJSON_AddItemToObject(forms->child, "enum",
		cJSON_CreateStringArray(reaction_names, COUNT(reaction_names)));
	cJSON_AddItemToArray(forms,
		json_fill(fields_schema(exit_fields), "{'required': ['exit_after']}"));
	return schema;
}

const struct field_type reaction_type = {.read = read_reaction,
	.done = reaction_done,
	.schema = reaction_schema,
	.open = true};

void reaction_spin(void)
{
	volatile unsigned turns = 0;
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGIO); /* the end of the lifeline */
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		turns = turns + 1;
}
