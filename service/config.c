#include "service/config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/settings.h"
#include "service/agent/agent_release.h"

#define RESERVE_MAX_NS (1 * CLOCK_S)
#define BOT_NAME_MAX   64

static const char *const mcp_starts[] = {"lazy", "session", NULL};

static const char *const agents[] = {"api", "cli", NULL};

static const char *const agent_http_versions[] = {"1.1", "2", NULL};

static const char *const pacings[] = {"adaptive", "none", NULL};

const char *const config_disconnects[] = {"parallel", "sequential", "none", NULL};
const char *const config_session_ends[] = {"keep", "archive", "delete", NULL};

#define AT(member) offsetof(struct config, member)

static const struct field settings[] = {
	{"HOST", FIELD_TEXT, AT(host), "127.0.0.1", .help = "address to listen on"},
	{"PORT", FIELD_INT, AT(port), "8080",
		.help = "port to listen on; 0: any free one", .max = UINT16_MAX},
	{"AGENT", FIELD_CHOICE, AT(agent), "api",
		.help = "the agent of a session: a session of the agent API, or a "
			"process of the CLI, as the agent SDKs start it",
		.choices = agents},
	{"AGENT_URL", FIELD_TEXT, AT(agent_url), "https://api.anthropic.com",
		.help = "base URL of the agent API; the certificate of https is to be "
			"of an authority of the system; with AGENT=cli the room is put "
			"where {room} is in it"},
	{"AGENT_HTTP", FIELD_CHOICE, AT(agent_http), "1.1",
		.help = "version of HTTP to the agent API. 1.1: a connection for each "
			"event stream and each request under way; 2: few connections "
			"for all, by prior knowledge. With https it is agreed with the "
			"server (ALPN; 1.1 where that has no 2), and a request that "
			"must not come twice has a connection of its own",
		.choices = agent_http_versions},
	{"AGENT_KEY", FIELD_TEXT, AT(agent_key), NULL, .help = "key of the agent API",
		.secret = true},
	{"AGENT_ID", FIELD_TEXT, AT(agent_id), NULL,
		.help = "agent of every session; none: creates one"},
	{"ENVIRONMENT_ID", FIELD_TEXT, AT(environment_id), NULL,
		.help = "environment of every session; none: creates one"},
	{"MODEL", FIELD_TEXT, AT(model), "claude-sonnet-5",
		.help = "model of a created agent, or of the CLI"},
	{"MCP_CONFIG", FIELD_TEXT, AT(mcp_setting), NULL,
		.help = "MCP servers of a session: path of a JSON file, or the JSON "
			"itself ({\"mcpServers\":{\"NAME\":{\"command\":...,"
			"\"args\":[...],\"env\":{...}}}}, or \"url\" and \"headers\" "
			"of one over HTTP)"},
	{"MCP_START", FIELD_CHOICE, AT(mcp.start), "lazy",
		.help = "when MCP servers start: at the first tool call, or with their "
			"session",
		.choices = mcp_starts},
	{"BOTS", FIELD_TEXT, AT(bot_list),
		"financial_analyst,personal_assistant,operations_assistant",
		.help = "names of the bots, separated by commas"},
	{"STORE", FIELD_TEXT, AT(store_path), ":memory:",
		.help = "path of the database with which sessions survive a restart"},
	{"GRACE", FIELD_DURATION, AT(grace_ns), "10s",
		.help = "time from the stop signal until the container engine kills "
			"the service"},
	{"RESERVE", FIELD_TEXT, AT(reserve_text), NULL,
		.help = "part of the GRACE kept for flush and exit; default a tenth of "
			"it, at most 1s"},
	{"TURN_BUDGET", FIELD_TEXT, AT(turn_budget_text), NULL,
		.help = "time from the stop signal until running turns are "
			"interrupted; default half of GRACE - RESERVE"},
	{"SESSION_END", FIELD_CHOICE, AT(session_end), "keep",
		.help = "what happens to the agent session at the end of a session",
		.choices = config_session_ends},
	{"DISCONNECT", FIELD_CHOICE, AT(disconnect), "parallel",
		.help = "how sessions are released at the stop",
		.choices = config_disconnects},
	{"PACING", FIELD_CHOICE, AT(pacing), "adaptive",
		.help = "sessions that the agent API refuses to end with HTTP 429. "
			"adaptive: each waits for its Retry-After, and they are spread "
			"over time at the rate that the API accepts; none: each is "
			"tried three times, like any failure",
		.choices = pacings},
	{"IDLE_TIMEOUT", FIELD_DURATION, AT(idle_ns), "30m",
		.help = "closes a session that was not used for so long; 0s: never"},
	{"SESSION_LIMIT", FIELD_INT, AT(session_limit), "1024",
		.help = "sessions open at a time; a new one closes the least recently "
			"used idle one",
		.min = 1, .max = 100000},
	{"QUEUE_LIMIT", FIELD_INT, AT(queue_limit), "16",
		.help = "turns that may wait for one session", .min = 1, .max = 10000},
	{"WEBHOOK_TOKEN", FIELD_TEXT, AT(webhook_token), NULL,
		.help = "token of webhooks (Authorization: Bearer TOKEN); none: not "
			"checked",
		.secret = true},
	{"TURN_TIMEOUT", FIELD_DURATION, AT(turn_ns), "10m",
		.help = "deadline of a turn"},
	{"REQUEST_TIMEOUT", FIELD_DURATION, AT(request_ns), "30s",
		.help = "deadline of a short request to the agent API"},
	{"MCP_EOF", FIELD_DURATION, AT(mcp.eof_ns), "1s",
		.help = "time from the end of an MCP server's stdin until SIGTERM; over "
			"HTTP: how long the answer to DELETE may take"},
	{"MCP_TERM", FIELD_DURATION, AT(mcp.term_ns), "1s",
		.help = "time from SIGTERM until SIGKILL"},
	{"MCP_CALL_TIMEOUT", FIELD_DURATION, AT(mcp.call_ns), "2m",
		.help = "deadline of a tool call"},
	{"MCP_START_TIMEOUT", FIELD_DURATION, AT(mcp.start_ns), "30s",
		.help = "deadline of an MCP server's start and handshake"},
	{"CLI_PATH", FIELD_TEXT, AT(cli.path), "claude",
		.help = "the CLI of AGENT=cli: a path, or a name in PATH"},
	{"CLI_START_TIMEOUT", FIELD_DURATION, AT(cli.start_ns), "60s",
		.help = "deadline of its start, to the answer to initialize"},
	{"CLI_INTERRUPT", FIELD_DURATION, AT(cli.interrupt_ns), "1s",
		.help = "time from the interrupt of a turn until the end of its stdin "
			"all the same"},
	{"CLI_EOF", FIELD_DURATION, AT(cli.eof_ns), "2s",
		.help = "time from the end of its stdin until SIGTERM"},
	{"CLI_TERM", FIELD_DURATION, AT(cli.term_ns), "5s",
		.help = "time from SIGTERM until SIGKILL"},
	{"DRAIN_DELAY", FIELD_DURATION, AT(drain_delay_ns), "0s",
		.help = "goes on accepting for so long after the stop signal, while "
			"/ready answers 503, for slow load balancers"},
	{"DRAIN_JITTER", FIELD_DURATION, AT(drain_jitter_ns), "0s",
		.help = "at the stop each session's release begins at random within "
			"this time, so that a thousand clients do not turn to the "
			"next replica at once; goes with DISCONNECT=parallel"},
	{"LINGER", FIELD_DURATION, AT(linger_ns), "200ms",
		.help = "keeps idle connections open for so long at the stop, for late "
			"requests"},
	{"BODY_LIMIT", FIELD_INT, AT(body_limit), "1048576",
		.help = "largest body of a webhook, in bytes", .min = 1024,
		.max = 64 << 20},
	{"HEALTH", FIELD_INT, AT(health), "0",
		.help = "asks the service at this port for its health instead, and "
			"exits with 0 or 1",
		.max = UINT16_MAX},
	{0},
};

static const char about[] =
	"Chat webhooks in, an agent's answers out: one agent session per room and bot, "
	"with MCP servers (stdio, HTTP) whose tools the agent can call.\v"
	"Secrets are read from the environment alone. SIGTERM, SIGINT or SIGHUP stop "
	"the service; a second one forces the stop. Exit status: 0 when every session "
	"was released, 1 when one was not, the store was not written or the service could "
	"not run, 2 for invalid settings.";

/* Compose files leave a variable empty that is not set. */
static void forget_empty(struct config *config)
{
	char **texts[] = {&config->agent_key, &config->agent_id,
		&config->environment_id, &config->mcp_setting, &config->reserve_text,
		&config->turn_budget_text, &config->webhook_token, &config->store_path};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (*texts[i] && **texts[i] == '\0') {
			free(*texts[i]);
			*texts[i] = NULL;
		}
}

static bool check_url(const struct config *config, struct err *err)
{
	const char *url = config->agent_url, *authority;

	if (strncmp(url, "http://", 7) == 0)
		authority = url + 7;
	else if (strncmp(url, "https://", 8) == 0)
		authority = url + 8;
	else
		return err_set(err, "AGENT_URL: expected http://... or https://...");
	if (strcspn(authority, "/?#") == 0)
		return err_set(err, "AGENT_URL: the host is missing");
	if (memchr(authority, '@', strcspn(authority, "/?#")))
		return err_set(err, "AGENT_URL: credentials belong in AGENT_KEY");
	if (config->agent != CONFIG_AGENT_CLI && strstr(url, CLI_ROOM_MARK))
		return err_set(err, "AGENT_URL: " CLI_ROOM_MARK " goes with AGENT=cli");
	return true;
}

/* The key becomes a line of a header. The usual mistake is the line end of a file. */
static bool check_key(const char *key, struct err *err)
{
	for (; key && *key; key++)
		if ((unsigned char)*key < ' ' || *key == 0x7f)
			return err_set(err,
				"AGENT_KEY: it contains a control character, "
				"such as a line end");
	return true;
}

/* A name is a segment of a path and a value of metadata. */
static bool check_bot(const struct config *config, const char *name, struct err *err)
{
	if (*name == '\0')
		return err_set(err, "BOTS: a name is empty");
	if (strlen(name) > BOT_NAME_MAX ||
		name[strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_.-")] != '\0')
		return err_set(err,
			"BOTS: \"%.80s\": at most %d letters, digits, '_', '-' and '.'",
			name, BOT_NAME_MAX);
	if (config_bot(config, name))
		return err_set(err, "BOTS: \"%s\" is given twice", name);
	return true;
}

static bool split_bots(struct config *config, struct err *err)
{
	const char *at = config->bot_list;

	for (;;) {
		size_t len = strcspn(at, ","), name_len;
		SCOPED(mem_free) char *name = NULL;

		while (len > 0 && *at == ' ') {
			at++;
			len--;
		}
		name_len = len;
		while (name_len > 0 && at[name_len - 1] == ' ')
			name_len--;
		name = mem_textf("%.*s", (int)name_len, at);
		if (!check_bot(config, name, err))
			return false;
		strlist_add(&config->bots, "%s", name);
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

static bool split_grace(struct config *config, struct err *err)
{
	int64_t reserve_ns = config->grace_ns / 10;

	if (reserve_ns > RESERVE_MAX_NS)
		reserve_ns = RESERVE_MAX_NS;
	if (config->reserve_text &&
		!clock_parse(&reserve_ns, config->reserve_text, err))
		return err_while(err, "RESERVE");
	if (reserve_ns >= config->grace_ns)
		return err_set(err, "RESERVE: nothing of the GRACE would be left");
	config->budget_ns = config->grace_ns - reserve_ns;
	config->turn_budget_ns = config->budget_ns / 2;
	if (config->turn_budget_text &&
		!clock_parse(&config->turn_budget_ns, config->turn_budget_text, err))
		return err_while(err, "TURN_BUDGET");
	if (config->drain_jitter_ns > config->budget_ns / 2)
		return err_set(err, "DRAIN_JITTER: more than half of GRACE - RESERVE");
	if (config->drain_jitter_ns > 0 && config->disconnect != DISCONNECT_PARALLEL)
		return err_set(err, "DRAIN_JITTER: goes with DISCONNECT=parallel");
	/* Idle connections must not use up the budget. */
	if (config->linger_ns > config->budget_ns / 4)
		config->linger_ns = config->budget_ns / 4;
	return true;
}

/* With a deadline of 0 everything would fail. */
static bool check_bounds(const struct config *config, struct err *err)
{
	const struct {
		const char *name;
		int64_t ns;
	} bounds[] = {
		{"TURN_TIMEOUT", config->turn_ns},
		{"REQUEST_TIMEOUT", config->request_ns},
		{"MCP_CALL_TIMEOUT", config->mcp.call_ns},
		{"MCP_START_TIMEOUT", config->mcp.start_ns},
		{"CLI_START_TIMEOUT", config->cli.start_ns},
	};

	for (size_t i = 0; i < COUNT(bounds); i++)
		if (bounds[i].ns == 0)
			return err_set(err, "%s: expected more than 0", bounds[i].name);
	return true;
}

static void drop_disabled(cJSON *servers)
{
	cJSON *server = servers ? servers->child : NULL;

	while (server) {
		cJSON *next = server->next;

		if (json_bool(server, "disabled", false))
			cJSON_Delete(cJSON_DetachItemViaPointer(servers, server));
		server = next;
	}
}

/* The CLI gets the configuration as it was given, and may call its servers' tools. */
static bool keep_for_cli(struct config *config, struct err *err)
{
	SCOPED(buf_done) struct buf tools = {0};
	SCOPED(json_doc_done) struct json_doc doc = {0};

	if (config->agent != CONFIG_AGENT_CLI)
		return true;
	if (!json_doc_given(&doc, "MCP_CONFIG", config->mcp_setting, err))
		return false;
	drop_disabled(cJSON_GetObjectItemCaseSensitive(doc.root, "mcpServers"));
	config->cli.mcp_text = json_print(doc.root);
	for (unsigned i = 0; i < config->mcp.count; i++)
		buf_addf(&tools, "%smcp__%s", i > 0 ? "," : "",
			config->mcp.list[i].name);
	config->cli.allowed_tools = tools.len > 0 ? buf_take(&tools) : NULL;
	return true;
}

static bool read_servers(struct config *config, struct err *err)
{
	if (!config->mcp_setting)
		return true;
	if (!mcp_config_read(&config->mcp, config->mcp_setting, err))
		return err_while(err, "MCP_CONFIG");
	if (!keep_for_cli(config, err))
		return false;
	if (mcp_config_is_text(config->mcp_setting)) {
		free(config->mcp_setting);
		/* The text may hold secrets in "env". */
		config->mcp_setting = mem_text("(given as text)");
	}
	return true;
}

bool config_read(struct config *config, int argc, char **argv, struct err *err)
{
	struct config made = {0};

	if (!settings_read(settings, "", &made, argc, argv, about, err))
		return false;
	forget_empty(&made);
	if (!made.store_path)
		made.store_path = mem_text(":memory:");
	if (!check_url(&made, err) || !check_key(made.agent_key, err) ||
		!split_bots(&made, err) || !split_grace(&made, err) ||
		!check_bounds(&made, err) || !read_servers(&made, err)) {
		config_done(&made);
		return false;
	}
	*config = made;
	return true;
}

void config_done(struct config *config)
{
	strlist_done(&config->bots);
	mcp_config_done(&config->mcp);
	free(config->cli.mcp_text);
	free(config->cli.allowed_tools);
	fields_done(settings, config);
	*config = (struct config){0};
}

void config_log(const struct config *config)
{
	settings_log(settings, config);
}

const char *config_bot(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->bots.count; i++)
		if (strcmp(config->bots.item[i], name) == 0)
			return config->bots.item[i];
	return NULL;
}
