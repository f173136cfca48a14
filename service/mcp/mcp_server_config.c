#include "service/mcp/mcp_server_config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/suggest.h"

#define NAME_MAX_LEN   128
#define TIMEOUT_MAX_MS 2147483647.0

/* Not passed on to servers: our keys, the path of our state, and the configuration of
 * all servers, where each server's `env` may hold keys of its own. */
static const char *const secrets[] = {
	"AGENT_KEY", "WEBHOOK_TOKEN", "MCP_CONFIG", "STORE"};

static const char *const keys[] = {"command", "args", "env", "cwd", "type", "url",
	"headers", "disabled", "timeout"};

/* Those of the other kind of server make no sense. */
static const char *const program_keys[] = {"command", "args", "env", "cwd"};
static const char *const http_keys[] = {"url", "headers"};

/* Written by the transport. */
static const char *const our_headers[] = {"Accept", "Connection", "Content-Length",
	"Content-Type", "Host", "Last-Event-ID", "MCP-Protocol-Version",
	"Mcp-Session-Id", "Transfer-Encoding"};

/* Variables of a session, which its servers get. */
#define ROOM "SESSION_ROOM"
#define BOT  "SESSION_BOT"

/* ${NAME} or ${NAME:-text} at the beginning of a text. */
struct reference {
	size_t len; /* of all; 0: it is none */
	const char *name, *fallback;
	size_t name_len, fallback_len;
	bool has_fallback;
};

static struct reference reference_at(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	struct reference found = {.name = text + 2};
	const char *end;

	if (strncmp(text, "${", 2) != 0)
		return found;
	found.name_len = strspn(found.name, letters);
	end = found.name + found.name_len;
	if (found.name_len == 0 || strchr("0123456789", *found.name))
		return found;
	if (strncmp(end, ":-", 2) == 0) {
		found.has_fallback = true;
		found.fallback = end + 2;
		found.fallback_len = strcspn(found.fallback, "}");
		end = found.fallback + found.fallback_len;
	}
	if (*end == '}')
		found.len = (size_t)(end + 1 - text);
	return found;
}

static bool names(const struct reference *found, const char *name)
{
	return strlen(name) == found->name_len &&
		memcmp(found->name, name, found->name_len) == 0;
}

/* Gives text with the variables of our environment in place. NULL, with the reason:
 * one is not set. With of_session, those of a session stay. */
static char *expand(const char *text, bool of_session, struct buf *missing)
{
	SCOPED(buf_done) struct buf out = {0};

	while (*text) {
		const struct reference found = reference_at(text);
		SCOPED(mem_free) char *name = NULL;
		const char *value;

		if (found.len == 0 ||
			(of_session && (names(&found, ROOM) || names(&found, BOT)))) {
			buf_add(&out, text, found.len ? found.len : 1);
			text += found.len ? found.len : 1;
			continue;
		}
		name = mem_textf("%.*s", (int)found.name_len, found.name);
		value = getenv(name);
		if (!value && !found.has_fallback) {
			buf_adds(missing, name);
			return NULL;
		}
		if (value)
			buf_adds(&out, value);
		else
			buf_add(&out, found.fallback, found.fallback_len);
		text += found.len;
	}
	return buf_take(&out);
}

/* As expand(); the error names the place of node, and never a value. */
static bool read_text(const struct json_doc *doc, const cJSON *node, const char *what,
	bool of_session, char **text, struct err *err)
{
	SCOPED(buf_done) struct buf missing = {0};

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err, "%s: expected a string, not %s",
			what, json_kind(node));
	*text = expand(node->valuestring, of_session, &missing);
	return *text ||
		json_doc_wrong(doc, node, err,
			"%s: the variable %s is not set; ${%s:-text} has a text for "
			"that",
			what, buf_text(&missing), buf_text(&missing));
}

static bool check_keys(const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, node) {
		const char *near = suggest_name(member->string, keys, COUNT(keys));

		if (near && strcmp(near, member->string) == 0)
			continue;
		return json_doc_wrong(doc, member, err, "%.100s: unknown key%s%s%s",
			member->string, near ? ", did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
	}
	return true;
}

/* The other kind's keys are none of this one's. */
static bool forbid(const struct json_doc *doc, const cJSON *node,
	const char *const *others, size_t count, const char *kind, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const cJSON *member = json_get(node, others[i]);

		if (member)
			return json_doc_wrong(doc, member, err,
				"%s: not of a server that %s", others[i], kind);
	}
	return true;
}

/* Which kind of server is it? */
static bool read_type(
	const struct json_doc *doc, const cJSON *node, bool *is_http, struct err *err)
{
	const cJSON *type = json_get(node, "type");
	const char *text = cJSON_IsString(type) ? type->valuestring : "";

	*is_http = json_get(node, "url") && !json_get(node, "command");
	if (!type)
		return true;
	*is_http = strcmp(text, "http") == 0 || strcmp(text, "streamable-http") == 0 ||
		strcmp(text, "streamableHttp") == 0;
	if (*is_http || strcmp(text, "stdio") == 0)
		return true;
	if (strcmp(text, "sse") == 0)
		return json_doc_wrong(doc, type, err,
			"type: \"sse\", the HTTP transport of 2024-11-05, is not "
			"spoken; \"http\" is Streamable HTTP");
	return json_doc_wrong(doc, type, err, "type: expected \"stdio\" or \"http\"");
}

static bool read_program(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *command = json_get(node, "command"),
		    *args = json_get(node, "args"), *cwd = json_get(node, "cwd");
	const cJSON *arg;
	SCOPED(mem_free) char *program = NULL;

	if (!forbid(doc, node, http_keys, COUNT(http_keys), "is a program", err))
		return false;
	if (!command)
		return json_doc_wrong(doc, node, err, "\"command\" is missing");
	if (!cJSON_IsString(command) || command->valuestring[0] == '\0')
		return json_doc_wrong(doc, command, err,
			"command: expected the program's name or path, not %s",
			cJSON_IsString(command) ? "\"\"" : json_kind(command));
	if (!read_text(doc, command, "command", false, &program, err))
		return false;
	strlist_add(&server->argv, "%s", program);
	if (args && !cJSON_IsArray(args))
		return json_doc_wrong(doc, args, err,
			"args: expected an array of strings, not %s", json_kind(args));
	cJSON_ArrayForEach(arg, args) {
		SCOPED(mem_free) char *text = NULL;

		if (!read_text(doc, arg, "args", false, &text, err))
			return false;
		strlist_add(&server->argv, "%s", text);
	}
	return !cwd || read_text(doc, cwd, "cwd", false, &server->folder, err);
}

static bool read_env(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *env, struct err *err)
{
	const cJSON *member;

	if (env && !cJSON_IsObject(env))
		return json_doc_wrong(doc, env, err,
			"env: expected an object of strings, not %s", json_kind(env));
	cJSON_ArrayForEach(member, env) {
		SCOPED(mem_free)
		char *what = mem_textf("env: %.100s", member->string);
		SCOPED(mem_free) char *value = NULL;

		if (member->string[0] == '\0' || strchr(member->string, '='))
			return json_doc_wrong(doc, member, err,
				"env: \"%.100s\" is no variable's name",
				member->string);
		if (!read_text(doc, member, what, false, &value, err))
			return false;
		strlist_add(&server->env, "%s=%s", member->string, value);
	}
	return true;
}

/* A token of RFC 9110. */
static bool is_header_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				      "!#$%&'*+-.^_`|~";

	return *name && strspn(name, letters) == strlen(name);
}

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < COUNT(our_headers); i++)
		if (strcasecmp(name, our_headers[i]) == 0)
			return true;
	return false;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return false;
	return true;
}

static bool read_headers(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *headers, struct err *err)
{
	const cJSON *member;

	if (headers && !cJSON_IsObject(headers))
		return json_doc_wrong(doc, headers, err,
			"headers: expected an object of strings, not %s",
			json_kind(headers));
	cJSON_ArrayForEach(member, headers) {
		const char *name = member->string;
		SCOPED(mem_free) char *what = mem_textf("headers: %.100s", name);
		SCOPED(mem_free) char *value = NULL;

		if (!is_header_name(name))
			return json_doc_wrong(doc, member, err,
				"headers: \"%.100s\" is no header's name", name);
		if (is_ours(name))
			return json_doc_wrong(doc, member, err,
				"%s is written by the client itself", what);
		if (!read_text(doc, member, what, true, &value, err))
			return false;
		if (!is_printable(value))
			return json_doc_wrong(doc, member, err,
				"%s: a value is one line of text", what);
		strlist_add(&server->headers, "%s: %s", name, value);
	}
	return true;
}

static bool read_address(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *url = json_get(node, "url");
	const char *rest;

	if (!forbid(doc, node, program_keys, COUNT(program_keys), "has a url", err))
		return false;
	if (!url)
		return json_doc_wrong(doc, node, err, "\"url\" is missing");
	if (!read_text(doc, url, "url", true, &server->url, err))
		return false;
	rest = strstr(server->url, "://");
	if ((strncasecmp(server->url, "http://", 7) != 0 &&
		    strncasecmp(server->url, "https://", 8) != 0) ||
		strchr("/?#", rest[3]) || !is_printable(server->url) ||
		strchr(server->url, ' '))
		return json_doc_wrong(
			doc, url, err, "url: expected \"http://HOST...\" or https");
	return read_headers(server, doc, json_get(node, "headers"), err);
}

static bool read_common(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *disabled = json_get(node, "disabled");
	const cJSON *timeout = json_get(node, "timeout");
	double ms = cJSON_IsNumber(timeout) ? timeout->valuedouble : 0;

	if (disabled && !cJSON_IsBool(disabled))
		return json_doc_wrong(doc, disabled, err,
			"disabled: expected true or false, not %s",
			json_kind(disabled));
	server->disabled = cJSON_IsTrue(disabled);
	if (timeout && (!(ms >= 1) || ms > TIMEOUT_MAX_MS))
		return json_doc_wrong(doc, timeout, err,
			"timeout: expected milliseconds from 1 to %.0f",
			TIMEOUT_MAX_MS);
	server->timeout_ns = (int64_t)llround(ms * (double)CLOCK_MS);
	return true;
}

static uint64_t hash_list(uint64_t hash, const struct strlist *list)
{
	for (unsigned i = 0; i < list->count; i++)
		hash = hash_text(hash, list->item[i]);
	return hash;
}

static uint64_t fingerprint(const struct mcp_server_config *server)
{
	uint64_t hash = hash_text(HASH_BASIS, server->name);

	hash = hash_text(hash_list(hash, &server->argv), "");
	hash = hash_list(hash, &server->env);
	if (server->folder)
		hash = hash_text(hash_text(hash, "cwd"), server->folder);
	if (server->url)
		hash = hash_list(hash_text(hash_text(hash, "url"), server->url),
			&server->headers);
	return hash;
}

bool mcp_server_config_read(struct mcp_server_config *server,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	bool is_http;

	if (node->string[0] == '\0' || strlen(node->string) > NAME_MAX_LEN)
		return json_doc_wrong(doc, node, err,
			"a server's name has 1 to %d bytes", NAME_MAX_LEN);
	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err, "%s: expected an object, not %s",
			node->string, json_kind(node));
	server->name = mem_text(node->string);
	if (!check_keys(doc, node, err) || !read_type(doc, node, &is_http, err) ||
		!read_common(server, doc, node, err))
		return false;
	if (is_http ? !read_address(server, doc, node, err)
		    : !read_program(server, doc, node, err) ||
				!read_env(server, doc, json_get(node, "env"), err))
		return false;
	server->fingerprint = fingerprint(server);
	return true;
}

void mcp_server_config_done(struct mcp_server_config *server)
{
	free(server->name);
	free(server->folder);
	free(server->url);
	strlist_done(&server->argv);
	strlist_done(&server->env);
	strlist_done(&server->headers);
	*server = (struct mcp_server_config){0};
}

/* Of "NAME=value" or "NAME". */
static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strcspn(b, "=") == len && memcmp(a, b, len) == 0;
}

static bool is_secret(const char *pair)
{
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (same_name(pair, secrets[i]))
			return true;
	return false;
}

void mcp_server_config_env(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *env)
{
	SCOPED(mem_free) char *session_room = mem_textf(ROOM "=%s", room);
	SCOPED(mem_free) char *session_bot = mem_textf(BOT "=%s", bot);

	for (char **pair = environ; pair && *pair; pair++)
		if (!is_secret(*pair))
			strlist_put(env, *pair);
	strlist_put(env, session_room);
	strlist_put(env, session_bot);
	for (unsigned i = 0; i < server->env.count; i++)
		strlist_put(env, server->env.item[i]);
}

/* A room's name may hold anything: what has no place in an address, or in a header's
 * line, is percent-encoded. */
static void add_encoded(struct buf *out, const char *text, bool in_url)
{
	for (; *text; text++) {
		bool letter = (*text >= 'a' && *text <= 'z') ||
			(*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9') || strchr("_-.~", *text);
		bool visible = *text > ' ' && *text < 127 && *text != '%';

		if (in_url ? letter : visible)
			buf_add(out, text, 1);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

/* Gives text with the variables of a session in place. */
static char *of_session(
	const char *text, const char *room, const char *bot, bool in_url)
{
	SCOPED(buf_done) struct buf out = {0};

	while (*text) {
		const struct reference found = reference_at(text);
		bool is_room = found.len > 0 && names(&found, ROOM);
		bool is_bot = found.len > 0 && names(&found, BOT);

		if (is_room || is_bot)
			add_encoded(&out, is_room ? room : bot, in_url);
		else
			buf_add(&out, text, 1);
		text += is_room || is_bot ? found.len : 1;
	}
	return buf_take(&out);
}

void mcp_server_config_headers(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *headers)
{
	for (unsigned i = 0; i < server->headers.count; i++) {
		SCOPED(mem_free)
		char *line = of_session(server->headers.item[i], room, bot, false);

		strlist_add(headers, "%s", line);
	}
}

char *mcp_server_config_url(
	const struct mcp_server_config *server, const char *room, const char *bot)
{
	return of_session(server->url, room, bot, true);
}
