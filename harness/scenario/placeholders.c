#include "harness/scenario/placeholders.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/suggest.h"

const char *const placeholder_names[PLACEHOLDERS] = {
	[PLACEHOLDER_AGENT_URL] = "agent_url",
	[PLACEHOLDER_AGENT_KEY] = "agent_key",
	[PLACEHOLDER_MCP_CONFIG] = "mcp_config",
	[PLACEHOLDER_PORT] = "port",
	[PLACEHOLDER_LEDGER] = "ledger",
	[PLACEHOLDER_SERVICE_URL] = "service_url",
	[PLACEHOLDER_GRACE] = "grace",
};

/* A piece of a text: plain characters, or one name in braces. */
struct text_piece {
	const char *text;
	size_t len;
	const char *name; /* NULL: plain characters */
	size_t name_len;
	bool escaped; /* "{{name}}" */
};

/* Length of "{name}" at text, 0 when there is none. */
static size_t braced_len(const char *text)
{
	size_t len;

	if (*text != '{')
		return 0;
	len = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_");
	return len > 0 && text[1 + len] == '}' ? len + 2 : 0;
}

/* False at the end of the text. */
static bool next_piece(struct text_piece *piece, const char *text)
{
	size_t len;

	*piece = (struct text_piece){.text = text, .len = 1};
	if (*text == '{' && (len = braced_len(text + 1)) > 0 && text[1 + len] == '}')
		*piece = (struct text_piece){text, len + 2, text + 2, len - 2, true};
	else if ((len = braced_len(text)) > 0)
		*piece = (struct text_piece){text, len, text + 1, len - 2, false};
	return *text != '\0';
}

/* PLACEHOLDERS when no placeholder has this name. */
static enum placeholder find(const struct text_piece *piece)
{
	for (int i = 0; i < PLACEHOLDERS; i++)
		if (strlen(placeholder_names[i]) == piece->name_len &&
			!memcmp(placeholder_names[i], piece->name, piece->name_len))
			return (enum placeholder)i;
	return PLACEHOLDERS;
}

static bool is_placeholder(const struct text_piece *piece)
{
	return piece->name && !piece->escaped;
}

bool placeholders_check(const char *text, struct err *err)
{
	struct text_piece piece;

	for (; next_piece(&piece, text); text += piece.len) {
		char name[64];
		const char *near;

		if (!is_placeholder(&piece) || find(&piece) != PLACEHOLDERS)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)piece.name_len, piece.name);
		near = suggest_name(name, placeholder_names, PLACEHOLDERS);
		if (near)
			return err_set(err,
				"there is no placeholder {%s}; did you mean {%s}?",
				name, near);
		return err_set(err,
			"there is no placeholder {%s}; there are: {agent_url}, "
			"{agent_key}, {mcp_config}, {port}, {ledger}, {grace}; write "
			"{{%s}} for the text itself",
			name, name);
	}
	return true;
}

char *placeholders_escape(const char *text)
{
	struct buf escaped = {0};

	buf_adds(&escaped, "");
	while (*text) {
		size_t len = braced_len(text);

		if (len)
			buf_addf(&escaped, "{%.*s}", (int)len, text);
		else
			buf_add(&escaped, text, 1);
		text += len ? len : 1;
	}
	return buf_take(&escaped);
}

bool placeholders_use(const char *text, enum placeholder placeholder)
{
	struct text_piece piece;

	for (; next_piece(&piece, text); text += piece.len)
		if (is_placeholder(&piece) && find(&piece) == placeholder)
			return true;
	return false;
}

char *placeholders_expand(const char *text, const char *const values[PLACEHOLDERS])
{
	struct buf expanded = {0};
	struct text_piece piece;

	for (; next_piece(&piece, text); text += piece.len) {
		enum placeholder placeholder =
			is_placeholder(&piece) ? find(&piece) : PLACEHOLDERS;

		if (placeholder != PLACEHOLDERS)
			buf_adds(&expanded,
				values[placeholder] ? values[placeholder] : "");
		else if (piece.escaped)
			buf_addf(&expanded, "{%.*s}", (int)piece.name_len, piece.name);
		else
			buf_add(&expanded, piece.text, piece.len);
	}
	return buf_take(&expanded);
}
