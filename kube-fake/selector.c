#include "kube-fake/selector.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	for (len = strlen(text); len > 0 && text[len - 1] == ' ';)
		text[--len] = '\0';
	return text;
}

/* Cuts the next term off: at a comma that is in no parentheses. NULL: the end. */
static char *next_term(char **rest)
{
	char *term = *rest, *at = term;
	int depth = 0;

	if (!term || !*term)
		return NULL;
	for (; *at && (*at != ',' || depth > 0); at++)
		depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
	*rest = *at ? at + 1 : NULL;
	*at = '\0';
	return trim(term);
}

static bool is_among(char *values, const char *value)
{
	char *item, *rest = values + strspn(values, " (");

	rest[strcspn(rest, ")")] = '\0';
	while ((item = next_term(&rest)))
		if (value && !strcmp(item, value))
			return true;
	return false;
}

/* Cuts "key OP value"; gives the value. `is_not` of "!=". NULL: no operator. */
static char *cut_operator(char *term, bool *is_not)
{
	char *at = strchr(term, '=');
	char *value;

	if (!at)
		return NULL;
	value = at[1] == '=' ? at + 2 : at + 1;
	*is_not = at > term && at[-1] == '!';
	*(*is_not ? at - 1 : at) = '\0';
	return trim(value);
}

static bool label_term_matches(char *term, const cJSON *labels)
{
	char *at;
	bool is_not;
	char *value;

	if ((at = strstr(term, " notin "))) {
		*at = '\0';
		return !is_among(at + strlen(" notin "), json_text(labels, trim(term)));
	}
	if ((at = strstr(term, " in "))) {
		*at = '\0';
		return is_among(at + strlen(" in "), json_text(labels, trim(term)));
	}
	value = cut_operator(term, &is_not);
	if (value) {
		const char *have = json_text(labels, trim(term));

		return (have && !strcmp(have, value)) != is_not;
	}
	return term[0] == '!' ? !json_get(labels, term + 1) : !!json_get(labels, term);
}

bool selector_matches_labels(const char *text, const cJSON *labels)
{
	SCOPED(mem_free) char *copy = mem_text(text);
	char *rest = copy, *term;

	while ((term = next_term(&rest)))
		if (!label_term_matches(term, labels))
			return false;
	return true;
}

static bool field_term_matches(char *term, const cJSON *object)
{
	bool is_not = false;
	char *value = cut_operator(term, &is_not);
	const cJSON *node = json_at(object, trim(term));
	const char *have = cJSON_IsString(node)       ? node->valuestring
		: cJSON_IsTrue(node)                  ? "true"
		: !strcmp(term, "spec.unschedulable") ? "false"
						      : "";

	return value && (strcmp(have, value) == 0) != is_not;
}

bool selector_matches_fields(const char *text, const cJSON *object)
{
	SCOPED(mem_free) char *copy = mem_text(text);
	char *rest = copy, *term;

	while ((term = next_term(&rest)))
		if (!field_term_matches(term, object))
			return false;
	return true;
}

bool selector_object_matches(const cJSON *selector, const cJSON *labels)
{
	const cJSON *match = json_get(selector, "matchLabels");
	const cJSON *item;

	if (cJSON_GetArraySize(match) == 0)
		return false;
	cJSON_ArrayForEach(item, match) {
		const char *have = json_text(labels, item->string);

		if (!have || !cJSON_IsString(item) ||
			strcmp(have, item->valuestring) != 0)
			return false;
	}
	return true;
}
