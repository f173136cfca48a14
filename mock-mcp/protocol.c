#include "mock-mcp/protocol.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/version.h"

#define MODERN "2026-07-28"
#define META   "io.modelcontextprotocol/"

/* The latest first. */
static const char *const legacy[] = {
	"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

static const char *const levels[] = {"debug", "info", "notice", "warning", "error",
	"critical", "alert", "emergency"};

enum protocol_style protocol_style_of(const char *method, const cJSON *params)
{
	if (!strcmp(method, "server/discover"))
		return PROTOCOL_STATELESS;
	return json_get(json_get(params, "_meta"), META "protocolVersion")
		? PROTOCOL_STATELESS
		: PROTOCOL_HANDSHAKE;
}

bool protocol_check_meta(const cJSON *params, cJSON **data, struct err *err)
{
	const cJSON *meta = json_get(params, "_meta");
	const char *version = json_text(meta, META "protocolVersion");
	const cJSON *info = json_get(meta, META "clientInfo");

	*data = NULL;
	if (!version)
		return err_set(err,
			"params._meta[\"" META "protocolVersion\"]: expected a string");
	if (strcmp(version, MODERN)) {
		*data = json_fill(NULL,
			"{'supported': ['" MODERN "'], 'requested': %s}", version);
		return err_set(err, "Unsupported protocol version");
	}
	if (!cJSON_IsObject(json_get(meta, META "clientCapabilities")))
		return err_set(err,
			"params._meta[\"" META
			"clientCapabilities\"]: expected an object");
	if (info && !cJSON_IsObject(info))
		return err_set(err,
			"params._meta[\"" META "clientInfo\"]: expected an object");
	return true;
}

const char *protocol_agree(const char *asked)
{
	for (unsigned i = 0; i < COUNT(legacy); i++)
		if (!strcmp(asked, legacy[i]))
			return legacy[i];
	return legacy[0];
}

#define SERVER_INFO "{'name': %s, 'version': '" STOPBENCH_VERSION "'}"
#define INSTRUCTIONS                                                                   \
	"'instructions': 'A mock server for tests. Its tools work; how it behaves "    \
	"otherwise is what it was started with.'"
/* A cache must not carry a mock into the next test. */
#define NO_CACHING "'ttlMs': 0, 'cacheScope': 'private'"

cJSON *protocol_initialize(const char *version, const char *name)
{
	return json_fill(NULL,
		"{'protocolVersion': %s, 'capabilities': {'tools': {}, 'logging': {}}, "
		"'serverInfo': " SERVER_INFO ", " INSTRUCTIONS "}",
		version, name);
}

cJSON *protocol_discover(void)
{
	return json_fill(NULL,
		"{'supportedVersions': ['" MODERN
		"'], 'capabilities': {'tools': {}}, " INSTRUCTIONS ", " NO_CACHING "}");
}

cJSON *protocol_tools(cJSON *tools, enum protocol_style style)
{
	cJSON *result = json_fill(
		NULL, style == PROTOCOL_STATELESS ? "{" NO_CACHING "}" : "{}");

	cJSON_AddItemToObject(result, "tools", tools);
	return result;
}

cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name)
{
	if (style == PROTOCOL_HANDSHAKE)
		return result;
	return json_fill(result,
		"{'resultType': 'complete', '_meta': {'" META
		"serverInfo': " SERVER_INFO "}}",
		name);
}

bool protocol_is_level(const char *level)
{
	for (unsigned i = 0; i < COUNT(levels); i++)
		if (!strcmp(level, levels[i]))
			return true;
	return false;
}
