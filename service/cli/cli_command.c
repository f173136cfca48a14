#include "service/cli/cli_command.h"

#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"

/* Not passed on: AGENT_KEY goes by another name. */
static const char *const secrets[] = {
	"AGENT_KEY=", "WEBHOOK_TOKEN=", "MCP_CONFIG=", "STORE="};

/* --tools= leaves the MCP servers' tools alone: a chat room has no shell. */
void cli_command_argv(const struct cli_host *host,
	const struct cli_conversation *conversation, struct strlist *argv)
{
	const struct cli_config *config = host->config;

	strlist_add(argv, "%s", config->path);
	strlist_add(argv, "--output-format");
	strlist_add(argv, "stream-json");
	strlist_add(argv, "--verbose");
	strlist_add(argv, "--input-format");
	strlist_add(argv, "stream-json");
	strlist_add(argv, "--model=%s", host->model);
	strlist_add(argv, "--tools=");
	if (config->allowed_tools)
		strlist_add(argv, "--allowedTools=%s", config->allowed_tools);
	if (config->mcp_text) {
		strlist_add(argv, "--mcp-config");
		strlist_add(argv, "%s", config->mcp_text);
	}
	strlist_add(argv, "--setting-sources=");
	strlist_add(argv, "--strict-mcp-config");
	strlist_add(argv, "%s=%s", conversation->resumes ? "--resume" : "--session-id",
		conversation->id);
	if (conversation->forgets)
		strlist_add(argv, "--no-session-persistence");
}

static bool is_secret(const char *pair)
{
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (strncmp(pair, secrets[i], strlen(secrets[i])) == 0)
			return true;
	return false;
}

/* A segment of a path: everything but RFC 3986's unreserved characters in hexadecimal. */
static void add_segment(struct buf *url, const char *text)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if (strchr(unreserved, *text))
			buf_add(url, text, 1);
		else
			buf_addf(url, "%%%02X", (unsigned char)*text);
}

static void put(struct strlist *env, const char *name, const char *value)
{
	SCOPED(mem_free) char *pair = mem_textf("%s=%s", name, value);

	strlist_put(env, pair);
}

/* The API below this URL sees whose requests they are. */
static void put_base_url(
	const struct cli_host *host, const char *room, struct strlist *env)
{
	SCOPED(buf_done) struct buf url = {0};
	const char *at = host->agent_url, *mark;

	while ((mark = strstr(at, CLI_ROOM_MARK))) {
		buf_add(&url, at, (size_t)(mark - at));
		add_segment(&url, room);
		at = mark + strlen(CLI_ROOM_MARK);
	}
	buf_adds(&url, at);
	put(env, "ANTHROPIC_BASE_URL", buf_text(&url));
}

void cli_command_env(const struct cli_host *host, const char *room, const char *bot,
	struct strlist *env)
{
	for (char **pair = environ; pair && *pair; pair++)
		if (!is_secret(*pair))
			strlist_put(env, *pair);
	put_base_url(host, room, env);
	if (host->key)
		put(env, "ANTHROPIC_API_KEY", host->key);
	put(env, "CLAUDE_CODE_ENTRYPOINT", "sdk-cli");
	put(env, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
	put(env, "DISABLE_TELEMETRY", "1");
	put(env, "SESSION_ROOM", room);
	put(env, "SESSION_BOT", bot);
}
