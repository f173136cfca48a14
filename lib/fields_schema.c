/*
 * The JSON Schema of a table of fields.
 */
#include "lib/fields.h"

#include "lib/json_fill.h"

#define WHOLE_MAX (INT64_C(1) << 53) /* beyond, a double does not hold the maximum */

static cJSON *typed(const char *type)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", type);
	return schema;
}

static cJSON *range_schema(const char *type, double from, double to)
{
	cJSON *schema = typed(type);

	cJSON_AddNumberToObject(schema, "minimum", from);
	if (to <= (double)WHOLE_MAX)
		cJSON_AddNumberToObject(schema, "maximum", to);
	return schema;
}

cJSON *field_schema_duration(void)
{
	return json_fill(NULL, "{'type': 'string', 'pattern': %s}",
		"^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$");
}

cJSON *field_schema_choice(const char *const *choices)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *names = cJSON_AddArrayToObject(schema, "enum");

	for (; *choices; choices++)
		cJSON_AddItemToArray(names, cJSON_CreateString(*choices));
	return schema;
}

static cJSON *bare_schema(const struct field *field)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return typed("boolean");
	case FIELD_INT:
		return field->min == 0 && field->max == 0
			? typed("integer")
			: range_schema(
				  "integer", (double)field->min, (double)field->max);
	case FIELD_NUMBER:
		return range_schema("number", field->least, field->most);
	case FIELD_DURATION:
		return field_schema_duration();
	case FIELD_TEXT:
		return typed("string");
	case FIELD_CHOICE:
		return field_schema_choice(field->choices);
	case FIELD_OBJECT:
		return fields_schema(field->fields);
	case FIELD_OTHER:
		break;
	}
	if (field->type->schema_text)
		return cJSON_Parse(field->type->schema_text);
	return field->type->schema ? field->type->schema() : cJSON_CreateObject();
}

cJSON *fields_schema(const struct field *fields)
{
	cJSON *schema = typed("object"), *required = NULL;
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");

	for (const struct field *field = fields; field->name; field++) {
		cJSON *property = bare_schema(field),
		      *preset = field_preset_json(field);

		if (field->help)
			cJSON_AddStringToObject(property, "description", field->help);
		if (preset)
			cJSON_AddItemToObject(property, "default", preset);
		cJSON_AddItemToObject(properties, field->name, property);
		if (!field->required)
			continue;
		if (!required)
			required = cJSON_AddArrayToObject(schema, "required");
		cJSON_AddItemToArray(required, cJSON_CreateString(field->name));
	}
	cJSON_AddFalseToObject(schema, "additionalProperties");
	return schema;
}
