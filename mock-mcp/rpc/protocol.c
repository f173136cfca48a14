#include "mock-mcp/rpc/protocol.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/version.h"

#define MODERN PROTOCOL_STATELESS_VERSION
#define META   PROTOCOL_META

/* The latest first. */
static const char *const legacy[] = {
	"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
#define LEGACY "2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05"

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

static const char *find_known(const char *version)
{
	for (unsigned i = 0; i < COUNT(legacy); i++)
		if (!strcmp(version, legacy[i]))
			return legacy[i];
	return NULL;
}

const char *protocol_agree(const char *asked)
{
	const char *known = find_known(asked);

	return known ? known : legacy[0];
}

bool protocol_is_known(const char *version)
{
	return find_known(version) != NULL;
}

const char *protocol_known(void)
{
	return LEGACY;
}

#define SERVER_INFO "{'name': %s, 'version': '" STOPBENCH_VERSION "'}"
#define INSTRUCTIONS                                                                   \
	"'instructions': 'A mock server for tests. Its tools work; how it behaves "    \
	"otherwise is what it was started with.'"
/* A cache must not carry a mock into the next test. */
#define NO_CACHING "'ttlMs': 0, 'cacheScope': 'private'"

#define TOOLS_ALONE "'capabilities': {'tools': {}, 'logging': {}}"
#define ALL                                                                            \
	"'capabilities': {'tools': {'listChanged': true}, "                            \
	"'resources': {'subscribe': true, 'listChanged': true}, "                      \
	"'prompts': {'listChanged': true}, 'completions': {}, 'logging': {}}"

cJSON *protocol_initialize(const char *version, const char *name, bool all)
{
	cJSON *result = json_fill(NULL, "{'protocolVersion': %s}", version);

	json_fill(result, all ? "{" ALL "}" : "{" TOOLS_ALONE "}");
	return json_fill(
		result, "{'serverInfo': " SERVER_INFO ", " INSTRUCTIONS "}", name);
}

cJSON *protocol_discover(bool all)
{
	cJSON *result = json_fill(NULL, "{'supportedVersions': ['" MODERN "']}");

	json_fill(result, all ? "{" ALL "}" : "{" TOOLS_ALONE "}");
	return json_fill(result, "{" INSTRUCTIONS ", " NO_CACHING "}");
}

cJSON *protocol_cacheable(cJSON *result, enum protocol_style style)
{
	return style == PROTOCOL_STATELESS ? json_fill(result, "{" NO_CACHING "}")
					   : result;
}

/* The member, which is made if it is not there. */
static cJSON *object_in(cJSON *object, const char *key)
{
	cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);

	return member ? member : cJSON_AddObjectToObject(object, key);
}

cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name)
{
	if (style == PROTOCOL_HANDSHAKE)
		return result;
	if (!json_get(result, "resultType"))
		json_fill(result, "{'resultType': 'complete'}");
	json_fill(object_in(result, "_meta"), "{'" META "serverInfo': " SERVER_INFO "}",
		name);
	return result;
}

static const char *const capability_names[] = {"sampling", "elicitation", "roots"};

unsigned protocol_capabilities(const cJSON *capabilities)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < COUNT(capability_names); i++)
		if (cJSON_IsObject(json_get(capabilities, capability_names[i])))
			bits |= 1U << i;
	return bits;
}

const char *protocol_capability_name(enum protocol_capability capability)
{
	for (unsigned i = 0; i < COUNT(capability_names); i++)
		if (capability == 1U << i)
			return capability_names[i];
	return "";
}

int protocol_level(const char *level)
{
	for (unsigned i = 0; i < COUNT(levels); i++)
		if (!strcmp(level, levels[i]))
			return (int)i;
	return -1;
}
