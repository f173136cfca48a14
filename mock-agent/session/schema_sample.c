#include "mock-agent/session/schema_sample.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session/reply.h"

#define DEPTH_MAX  32
#define VALUES_MAX 4096
#define TEXT_MAX   200 /* bytes of the prompt in a string */

struct sampler {
	const cJSON *root; /* what "#" refers to */
	const char *prompt;
	unsigned depth, values; /* so far */
};

static cJSON *sample(struct sampler *sampler, const cJSON *schema);

/* The type of the first of {"type": ["string", "null"]}. */
static const char *type_of(const cJSON *schema)
{
	const cJSON *type = json_get(schema, "type");

	if (cJSON_IsArray(type))
		type = type->child;
	if (cJSON_IsString(type))
		return type->valuestring;
	if (json_get(schema, "properties") || json_get(schema, "required"))
		return "object";
	return json_get(schema, "items") ? "array" : "string";
}

/* "#/$defs/a~1b" below root; NULL: there is no such place. */
static const cJSON *follow(const cJSON *root, const char *reference)
{
	const cJSON *at = *reference == '#' ? root : NULL;

	for (reference++; at && *reference == '/';) {
		size_t len = strcspn(++reference, "/"), to = 0;
		SCOPED(mem_free)
		char *name = mem_textf("%.*s", (int)len, reference);

		for (size_t i = 0; name[i]; i++) {
			bool escaped = name[i] == '~' && name[i + 1];

			name[to++] = !escaped ? name[i] : name[++i] == '1' ? '/' : '~';
		}
		name[to] = '\0';
		at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(name))
				       : json_get(at, name);
		reference += len;
	}
	return at;
}

/* Objects */

static void add_properties(struct sampler *sampler, const cJSON *schema, cJSON *object)
{
	const cJSON *properties = json_get(schema, "properties");
	const cJSON *required;

	cJSON_ArrayForEach(required, json_get(schema, "required")) {
		const char *name = cJSON_GetStringValue(required);

		if (name && !json_get(object, name))
			cJSON_AddItemToObject(object, name,
				sample(sampler, json_get(properties, name)));
	}
}

/* What all of them require together, where the others are objects too. */
static cJSON *sample_all(struct sampler *sampler, const cJSON *schema)
{
	const cJSON *all = json_get(schema, "allOf"), *part;
	cJSON *object = sample(sampler, all->child), *other;

	for (part = all->child->next; part && cJSON_IsObject(object);
		part = part->next) {
		other = sample(sampler, part);
		while (other->child) {
			cJSON *member = cJSON_DetachItemViaPointer(other, other->child);

			if (member->string && !json_get(object, member->string))
				cJSON_AddItemToObject(object, member->string, member);
			else
				cJSON_Delete(member);
		}
		cJSON_Delete(other);
	}
	if (cJSON_IsObject(object))
		add_properties(sampler, schema, object);
	return object;
}

static cJSON *sample_object(struct sampler *sampler, const cJSON *schema)
{
	cJSON *object = cJSON_CreateObject();

	add_properties(sampler, schema, object);
	return object;
}

/* The other types */

static cJSON *sample_array(struct sampler *sampler, const cJSON *schema)
{
	cJSON *array = cJSON_CreateArray();
	const cJSON *first = json_get(schema, "prefixItems");
	int64_t count = json_int(schema, "minItems", cJSON_GetArraySize(first));

	for (int64_t i = 0; i < count && sampler->values < VALUES_MAX; i++) {
		const cJSON *own = cJSON_GetArrayItem(first, (int)i);

		cJSON_AddItemToArray(
			array, sample(sampler, own ? own : json_get(schema, "items")));
	}
	return array;
}

static cJSON *sample_text(const struct sampler *sampler, const cJSON *schema)
{
	static const struct {
		const char *format, *text;
	} formats[] = {
		{"date-time", "2026-01-01T00:00:00Z"},
		{"date", "2026-01-01"},
		{"time", "00:00:00Z"},
		{"duration", "PT1S"},
		{"email", "user@example.com"},
		{"hostname", "example.com"},
		{"uri", "https://example.com/"},
		{"url", "https://example.com/"},
		{"uuid", "00000000-0000-4000-8000-000000000000"},
		{"ipv4", "127.0.0.1"},
		{"ipv6", "::1"},
	};
	const char *format = json_text(schema, "format");
	int64_t max = json_int(schema, "maxLength", TEXT_MAX);
	SCOPED(buf_done) struct buf text = {0};

	for (unsigned i = 0; format && i < COUNT(formats); i++) {
		if (strcmp(formats[i].format, format) == 0)
			return cJSON_CreateString(formats[i].text);
	}
	if (max < 0 || max > TEXT_MAX)
		max = TEXT_MAX;
	buf_add(&text, sampler->prompt, reply_whole_len(sampler->prompt, (size_t)max));
	for (int64_t min = json_int(schema, "minLength", 0);
		(int64_t)text.len < min && min <= TEXT_MAX;)
		buf_adds(&text, "x");
	return cJSON_CreateString(buf_text(&text));
}

static double bound(const cJSON *schema, const char *name, double fallback)
{
	const cJSON *node = json_get(schema, name);

	return cJSON_IsNumber(node) ? node->valuedouble : fallback;
}

/* 1, or what is nearest to it. */
static cJSON *sample_number(const cJSON *schema, bool whole)
{
	double least = bound(schema, "minimum", -DBL_MAX);
	double most = bound(schema, "maximum", DBL_MAX);
	double above = bound(schema, "exclusiveMinimum", -DBL_MAX);
	double below = bound(schema, "exclusiveMaximum", DBL_MAX);
	double step = bound(schema, "multipleOf", 0), number;

	if (above >= least && above > -DBL_MAX)
		least = whole ? floor(above) + 1
			      : above + (below < DBL_MAX ? (below - above) / 2 : 1);
	if (below <= most && below < DBL_MAX)
		most = whole ? ceil(below) - 1 : fmax(least, below - 1);
	number = fmin(fmax(1, least), most);
	if (step > 0)
		number = ceil(number / step) * step;
	if (step > 0 && number > most)
		number -= step;
	return cJSON_CreateNumber(number);
}

/* The schema that counts for one with alternatives: the first that is not null. */
static const cJSON *alternative(const cJSON *schema)
{
	static const char *const names[] = {"anyOf", "oneOf"};
	const cJSON *choice;

	for (unsigned i = 0; i < COUNT(names); i++) {
		const cJSON *choices = json_get(schema, names[i]);

		cJSON_ArrayForEach(choice, choices) {
			if (strcmp(type_of(choice), "null") != 0)
				return choice;
		}
		if (choices && choices->child)
			return choices->child;
	}
	return NULL;
}

static const cJSON *fixed_value(const cJSON *schema)
{
	const cJSON *fixed = json_get(schema, "const");
	const cJSON *choices = json_get(schema, "enum");

	if (!fixed)
		fixed = json_get(schema, "default");
	return !fixed && choices ? choices->child : fixed;
}

static cJSON *sample_type(struct sampler *sampler, const cJSON *schema)
{
	const char *type = type_of(schema);

	if (strcmp(type, "null") == 0)
		return cJSON_CreateNull();
	if (strcmp(type, "object") == 0)
		return sample_object(sampler, schema);
	if (strcmp(type, "array") == 0)
		return sample_array(sampler, schema);
	if (strcmp(type, "boolean") == 0)
		return cJSON_CreateTrue();
	if (strcmp(type, "number") == 0 || strcmp(type, "integer") == 0)
		return sample_number(schema, strcmp(type, "integer") == 0);
	return sample_text(sampler, schema);
}

static cJSON *sample_schema(struct sampler *sampler, const cJSON *schema)
{
	const char *reference = json_text(schema, "$ref");
	const cJSON *fixed = fixed_value(schema), *all = json_get(schema, "allOf");

	if (fixed)
		return cJSON_Duplicate(fixed, true);
	if (reference)
		return sample(sampler, follow(sampler->root, reference));
	if (all && all->child)
		return sample_all(sampler, schema);
	if (alternative(schema))
		return sample(sampler, alternative(schema));
	return sample_type(sampler, schema);
}

static cJSON *sample(struct sampler *sampler, const cJSON *schema)
{
	cJSON *value;

	if (sampler->depth >= DEPTH_MAX || sampler->values >= VALUES_MAX)
		return cJSON_CreateNull();
	sampler->depth++;
	sampler->values++;
	value = sample_schema(sampler, schema);
	sampler->depth--;
	return value;
}

cJSON *schema_sample(const cJSON *schema, const char *prompt)
{
	struct sampler sampler = {.root = schema, .prompt = prompt};

	return sample(&sampler, schema);
}
