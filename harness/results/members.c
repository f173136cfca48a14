#include "harness/results/members.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/fields.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- checking --- */

/* The way from the root to what is checked. */
struct place {
	const struct place *above; /* NULL: this is the root */
	const char *name;          /* of a member; NULL: an item of a list */
	unsigned index;
};

struct checking {
	const struct json_doc *doc;
	struct err *err;
};

static bool check_value(const struct checking *checking, const struct place *place,
	const struct member *member, const cJSON *value);

static void add_place(struct buf *text, const struct place *place)
{
	if (!place->above)
		return;
	add_place(text, place->above);
	if (place->name)
		buf_addf(text, "%s%s", text->len ? "." : "", place->name);
	else
		buf_addf(text, "[%u]", place->index);
}

/* "a whole number, or null", "one of clean, slow" */
static void add_wanted(struct buf *text, const struct member *member)
{
	static const char *const kinds[] = {
		[MEMBER_TEXT] = "a string",
		[MEMBER_WORD] = "one of ",
		[MEMBER_BOOL] = "true or false",
		[MEMBER_COUNT] = "a whole number, at least 0",
		[MEMBER_WHOLE] = "a whole number",
		[MEMBER_NUMBER] = "a number, at least 0",
		[MEMBER_OBJECT] = "an object",
		[MEMBER_LIST] = "an array",
	};

	buf_adds(text, kinds[member->kind]);
	for (unsigned i = 0; member->kind == MEMBER_WORD && member->words[i]; i++)
		buf_addf(text, "%s%s", i ? ", " : "", member->words[i]);
	if (member->nullable)
		buf_adds(text, ", or null");
}

/* "a string"; of a short text and of a number itself. The caller's. */
static char *seen(const cJSON *value)
{
	SCOPED(mem_free) char *text = NULL;

	if (!cJSON_IsString(value) && !cJSON_IsNumber(value))
		return mem_text(json_kind(value));
	text = json_print_inert(value, false);
	return strlen(text) < 40 ? mem_text(text) : mem_text(json_kind(value));
}

static bool fail(const struct checking *checking, const struct place *place,
	const struct member *member, const cJSON *value)
{
	SCOPED(buf_done) struct buf path = {0};
	SCOPED(buf_done) struct buf wanted = {0};
	SCOPED(mem_free) char *found = seen(value);

	add_place(&path, place);
	add_wanted(&wanted, member);
	return json_doc_wrong(checking->doc, value, checking->err,
		"%s%sexpected %s, not %s", buf_text(&path), path.len ? ": " : "",
		buf_text(&wanted), found);
}

static bool is_one_of(const char *const *words, const char *text)
{
	for (; *words; words++) {
		if (strcmp(*words, text) == 0)
			return true;
	}
	return false;
}

static bool has_kind(const struct member *member, const cJSON *value)
{
	int64_t whole;

	switch (member->kind) {
	case MEMBER_TEXT:
		return cJSON_IsString(value);
	case MEMBER_WORD:
		return cJSON_IsString(value) &&
			is_one_of(member->words, value->valuestring);
	case MEMBER_BOOL:
		return cJSON_IsBool(value);
	case MEMBER_COUNT:
		return json_whole(value, &whole) && whole >= 0;
	case MEMBER_WHOLE:
		return json_whole(value, &whole);
	case MEMBER_NUMBER:
		return cJSON_IsNumber(value) && value->valuedouble >= 0;
	case MEMBER_OBJECT:
		return cJSON_IsObject(value);
	case MEMBER_LIST:
		return cJSON_IsArray(value);
	}
	return false;
}

static bool is_missing(const struct checking *checking, const struct place *above,
	const struct member *member, const cJSON *object)
{
	const struct place place = {.above = above, .name = member->name};
	SCOPED(buf_done) struct buf path = {0};

	add_place(&path, &place);
	return json_doc_wrong(
		checking->doc, object, checking->err, "%s is missing", buf_text(&path));
}

static bool check_members(const struct checking *checking, const struct place *place,
	const struct member *members, const cJSON *object)
{
	for (const struct member *member = members; member && member->name; member++) {
		const struct place below = {.above = place, .name = member->name};
		const cJSON *value = json_get(object, member->name);

		if (!value && member->optional)
			continue;
		if (!value)
			return is_missing(checking, place, member, object);
		if (!check_value(checking, &below, member, value))
			return false;
	}
	return true;
}

static bool check_items(const struct checking *checking, const struct place *place,
	const struct member *item, const cJSON *list)
{
	struct place below = {.above = place};
	const cJSON *value;

	cJSON_ArrayForEach(value, list) {
		if (!check_value(checking, &below, item, value))
			return false;
		below.index++;
	}
	return true;
}

static bool check_value(const struct checking *checking, const struct place *place,
	const struct member *member, const cJSON *value)
{
	if (member->nullable && cJSON_IsNull(value))
		return true;
	if (!has_kind(member, value))
		return fail(checking, place, member, value);
	if (member->kind == MEMBER_LIST)
		return check_items(checking, place, member->item, value);
	return member->kind != MEMBER_OBJECT ||
		check_members(checking, place, member->members, value);
}

bool members_check(
	const struct json_doc *doc, const struct member *members, struct err *err)
{
	const struct checking checking = {.doc = doc, .err = err};
	const struct member root = {.kind = MEMBER_OBJECT, .members = members};

	return check_value(&checking, &(struct place){0}, &root, doc->root);
}

/* --- the schema --- */

static cJSON *value_schema(const struct member *member);

static cJSON *object_schema(const struct member *members, bool open)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *properties = cJSON_CreateObject();
	cJSON *required = cJSON_CreateArray();

	cJSON_AddStringToObject(schema, "type", "object");
	for (const struct member *member = members; member && member->name; member++) {
		cJSON_AddItemToObject(properties, member->name, value_schema(member));
		if (!member->optional)
			cJSON_AddItemToArray(
				required, cJSON_CreateString(member->name));
	}
	cJSON_AddItemToObject(schema, "properties", properties);
	cJSON_AddItemToObject(schema, "required", required);
	cJSON_AddBoolToObject(schema, "additionalProperties", open);
	return schema;
}

static cJSON *bare_schema(const struct member *member)
{
	static const char *const types[] = {
		[MEMBER_TEXT] = "string",
		[MEMBER_BOOL] = "boolean",
		[MEMBER_COUNT] = "integer",
		[MEMBER_WHOLE] = "integer",
		[MEMBER_NUMBER] = "number",
		[MEMBER_LIST] = "array",
	};
	cJSON *schema;

	if (member->kind == MEMBER_OBJECT)
		return object_schema(member->members, member->open);
	if (member->kind == MEMBER_WORD)
		return field_schema_choice(member->words);
	schema = cJSON_CreateObject();
	cJSON_AddStringToObject(schema, "type", types[member->kind]);
	if (member->kind == MEMBER_COUNT || member->kind == MEMBER_NUMBER)
		cJSON_AddNumberToObject(schema, "minimum", 0);
	if (member->kind == MEMBER_LIST)
		cJSON_AddItemToObject(schema, "items", value_schema(member->item));
	return schema;
}

static cJSON *value_schema(const struct member *member)
{
	cJSON *schema = bare_schema(member), *either, *list;

	if (!member->nullable)
		return schema;
	either = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(either, "anyOf");
	cJSON_AddItemToArray(list, schema);
	cJSON_AddItemToArray(list, json_fill(NULL, "{'type': %s}", "null"));
	return either;
}

cJSON *members_schema(const struct member *members)
{
	return object_schema(members, false);
}
