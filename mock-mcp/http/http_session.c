#include "mock-mcp/http/http_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/mem.h"
#include "mock-mcp/http/http_stream.h"

static void draw_id(char id[HTTP_SESSION_ID])
{
	unsigned char bytes[(HTTP_SESSION_ID - 1) / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (unsigned i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void on_lifetime(void *arg)
{
	http_session_end(arg, "lifetime");
}

static struct log_identity identity_of(const struct http_session *session)
{
	struct log_identity identity = *session->http->options->identity;

	identity.session = session->label;
	return identity;
}

struct http_session *http_session_create(struct http *http, const char *label)
{
	const struct mcp_behavior *behavior = http->options->behavior;
	struct http_session *session;
	struct log_identity identity;

	if (HASH_COUNT(http->sessions) >= HTTP_SESSIONS_MAX)
		return NULL;
	session = mem_zeroed(sizeof *session);
	session->http = http;
	session->label = mem_text(label);
	session->replay = (struct replay_log){
		.total = &http->replay_size, .total_most = HTTP_REPLAY_MAX};
	draw_id(session->id);
	identity = identity_of(session);
	session->peer = peer_create(http->loop,
		&(struct peer_options){
			.behavior = behavior,
			.identity = identity,
			.rng = http->options->rng,
			.peers = &http->peers,
			.transport = &http_stream_transport,
			.arg = session,
		});
	session->lifetime = loop_timer_create(http->loop, on_lifetime, session);
	if (behavior->http.lifetime_ns > 0)
		loop_timer_set(session->lifetime, behavior->http.lifetime_ns);
	HASH_ADD_STR(http->sessions, id, session);
	log_event("mcp.session.begin", LOG_IDENTITY(&identity), "id",
		LOG_TEXT(session->id));
	return session;
}

struct http_session *http_session_find(struct http *http, const char *id)
{
	struct http_session *session;

	HASH_FIND_STR(http->sessions, id, session);
	return session;
}

void http_session_end(struct http_session *session, const char *why)
{
	struct http *http = session->http;
	bool stay = http->options->behavior->http.stream == MCP_STREAM_STAY &&
		!http->ending;
	struct log_identity identity = identity_of(session);

	log_event("mcp.session.end", LOG_IDENTITY(&identity), "id",
		LOG_TEXT(session->id), "why", LOG_TEXT(why));
	HASH_DEL(http->sessions, session);
	while (session->streams)
		http_stream_end(session->streams, stay);
	peer_destroy(session->peer);
	replay_log_clear(&session->replay);
	loop_timer_destroy(session->lifetime);
	free(session->label);
	free(session);
}
