#include "harness/scenario/reference.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define NAMES_MAX 16 /* of an enum that are listed; events.md has the longer ones */

/* "a duration", "true or false", ... of a JSON Schema's type. */
static const char *type_text(const char *type)
{
	static const char *const texts[][2] = {
		{"string", "a text"},
		{"integer", "a whole number"},
		{"number", "a number"},
		{"boolean", "true or false"},
		{"array", "a list"},
		{"object", "an object"},
		{"null", "null"},
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (strcmp(texts[i][0], type) == 0)
			return texts[i][1];
	}
	return type;
}

static void add_names(struct buf *text, const cJSON *names)
{
	const cJSON *name;

	if (cJSON_GetArraySize(names) > NAMES_MAX) {
		buf_adds(text, "a name");
		return;
	}
	cJSON_ArrayForEach(name, names) {
		SCOPED(mem_free) char *value = json_print(name);

		buf_addf(text, "%s`%s`", name->prev->next ? ", " : "", value);
	}
}

/* A bound of 2^52 and the like is none that a reader needs. */
static bool is_bound(const cJSON *node)
{
	return cJSON_IsNumber(node) && node->valuedouble < 1e12;
}

static void add_range(struct buf *text, const cJSON *node)
{
	const cJSON *least = json_get(node, "minimum");
	const cJSON *most = json_get(node, "maximum");

	if (is_bound(least))
		buf_addf(text, " from %.15g", least->valuedouble);
	if (is_bound(most))
		buf_addf(text, is_bound(least) ? " to %.15g" : " up to %.15g",
			most->valuedouble);
}

/* What a key takes; the caller's to free(). */
static char *value_text(const cJSON *node)
{
	const cJSON *type = json_get(node, "type"), *item;
	const char *pattern = json_text(node, "pattern");
	struct buf text = {0};

	if (json_get(node, "const")) {
		SCOPED(mem_free) char *only = json_print(json_get(node, "const"));

		buf_addf(&text, "`%s`", only);
	} else if (pattern && strstr(pattern, "(ns|us|ms|s|m|h)"))
		buf_adds(&text, "a duration");
	else if (json_get(node, "enum"))
		add_names(&text, json_get(node, "enum"));
	else if (json_get(node, "anyOf") || json_get(node, "oneOf")) {
		const cJSON *any = json_get(node, "anyOf");
		const cJSON *choices = any ? any : json_get(node, "oneOf");

		cJSON_ArrayForEach(item, choices) {
			SCOPED(mem_free) char *one = value_text(item);

			buf_addf(&text, "%s%s", text.len ? " or " : "", one);
		}
	} else if (cJSON_IsString(type)) {
		buf_adds(&text, type_text(type->valuestring));
	} else {
		cJSON_ArrayForEach(item, type)
			buf_addf(&text, "%s%s", text.len ? " or " : "",
				type_text(cJSON_GetStringValue(item)));
	}
	if (!text.len)
		buf_adds(&text, "any value");
	add_range(&text, node);
	return buf_take(&text);
}

/* In a cell of a table: a bar would end it. */
static void put_cell(FILE *out, const char *text)
{
	for (; text && *text; text++)
		fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void put_key(FILE *out, const char *path, const cJSON *node)
{
	SCOPED(mem_free) char *value = value_text(node);
	const cJSON *preset = json_get(node, "default");
	SCOPED(mem_free) char *text = preset ? json_print(preset) : NULL;

	fprintf(out, "| `%s` | ", path);
	put_cell(out, value);
	fputs(" | ", out);
	if (text && strcmp(text, "\"\"") != 0) {
		fputs("`", out);
		put_cell(out, text);
		fputs("`", out);
	}
	fputs(" | ", out);
	put_cell(out, json_text(node, "description"));
	fputs(" |\n", out);
}

/* The keys below this one, with their paths; those of a list's items as "mcp[].name". */
static void put_below(FILE *out, const char *path, const cJSON *node)
{
	const cJSON *items = json_get(json_get(node, "items"), "properties");
	const cJSON *properties = items ? items : json_get(node, "properties"), *key;

	cJSON_ArrayForEach(key, properties) {
		SCOPED(mem_free) char *below =
			mem_textf("%s%s.%s", path, items ? "[]" : "", key->string);

		put_key(out, below, key);
		put_below(out, below, key);
	}
}

void reference_print(FILE *out, const cJSON *schema)
{
	static const char head[] =
		"| key | value | default | meaning |\n|---|---|---|---|\n";
	const cJSON *properties = json_get(schema, "properties"), *key;

	fputs("<!-- Written by `stopbench schema --markdown`: change what it reads. -->\n\n"
	      "# Scenario reference\n\n"
	      "Every key of a scenario file, from the tables that read it. "
	      "`scenarios/README.md` explains them by examples.\n\n",
		out);
	fputs(head, out);
	cJSON_ArrayForEach(key, properties)
		put_key(out, key->string, key);
	cJSON_ArrayForEach(key, properties) {
		if (!json_get(key, "properties") &&
			!json_get(json_get(key, "items"), "properties"))
			continue;
		fprintf(out, "\n## %s\n\n%s", key->string, head);
		put_below(out, key->string, key);
	}
}
