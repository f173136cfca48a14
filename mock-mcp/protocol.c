#include "mock-mcp/protocol.h"

#include <string.h>

#include "lib/json.h"
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

static cJSON *unsupported(const char *asked)
{
	cJSON *data = cJSON_CreateObject(), *supported;

	supported = cJSON_AddArrayToObject(data, "supported");
	cJSON_AddItemToArray(supported, cJSON_CreateString(MODERN));
	cJSON_AddStringToObject(data, "requested", asked);
	return data;
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
		*data = unsupported(version);
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

static cJSON *server_info(const char *name)
{
	cJSON *info = cJSON_CreateObject();

	cJSON_AddStringToObject(info, "name", name);
	cJSON_AddStringToObject(info, "version", STOPBENCH_VERSION);
	return info;
}

static void add_instructions(cJSON *result)
{
	cJSON_AddStringToObject(result, "instructions",
		"A mock server for tests. Its tools work; how it behaves otherwise is what "
		"it was started with.");
}

cJSON *protocol_initialize(const char *version, const char *name)
{
	cJSON *result = cJSON_CreateObject(), *capabilities;

	cJSON_AddStringToObject(result, "protocolVersion", version);
	capabilities = cJSON_AddObjectToObject(result, "capabilities");
	cJSON_AddObjectToObject(capabilities, "tools");
	cJSON_AddObjectToObject(capabilities, "logging");
	cJSON_AddItemToObject(result, "serverInfo", server_info(name));
	add_instructions(result);
	return result;
}

/* No caching: a cache must not carry a mock into the next test. */
static void add_caching(cJSON *result)
{
	cJSON_AddNumberToObject(result, "ttlMs", 0);
	cJSON_AddStringToObject(result, "cacheScope", "private");
}

cJSON *protocol_discover(void)
{
	cJSON *result = cJSON_CreateObject(), *versions, *capabilities;

	versions = cJSON_AddArrayToObject(result, "supportedVersions");
	cJSON_AddItemToArray(versions, cJSON_CreateString(MODERN));
	capabilities = cJSON_AddObjectToObject(result, "capabilities");
	cJSON_AddObjectToObject(capabilities, "tools");
	add_instructions(result);
	add_caching(result);
	return result;
}

cJSON *protocol_tools(cJSON *tools, enum protocol_style style)
{
	cJSON *result = cJSON_CreateObject();

	cJSON_AddItemToObject(result, "tools", tools);
	if (style == PROTOCOL_STATELESS)
		add_caching(result);
	return result;
}

cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name)
{
	if (style == PROTOCOL_STATELESS) {
		cJSON *meta = cJSON_AddObjectToObject(result, "_meta");

		cJSON_AddStringToObject(result, "resultType", "complete");
		cJSON_AddItemToObject(meta, META "serverInfo", server_info(name));
	}
	return result;
}

bool protocol_is_level(const char *level)
{
	for (unsigned i = 0; i < COUNT(levels); i++)
		if (!strcmp(level, levels[i]))
			return true;
	return false;
}
