/*
 * http_scene - the real mock-mcp over HTTP, with the test as its ledger, and requests as
 * clients send them.
 *
 * Everything unexpected fails the test.
 */
#ifndef MOCK_MCP_TEST_HTTP_SCENE_H
#define MOCK_MCP_TEST_HTTP_SCENE_H

#include <stdint.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "test/support/http_client.h"
#include "test/support/ledger_reader.h"
#include "test/support/program.h"

/* The headers of a POST, and those that a client of 2026-07-28 adds. */
#define HTTP_JSON                                                                      \
	"content-type: application/json\r\n"                                           \
	"accept: application/json, text/event-stream\r\n"
#define HTTP_MODERN HTTP_JSON "mcp-protocol-version: 2026-07-28\r\n"

struct http_scene {
	struct program program;
	struct ledger_reader *ledger;
	char *folder;
	uint16_t port;
	char *session; /* the Mcp-Session-Id of http_scene_greet(); NULL: none */
};

/* Starts it with this behavior (NULL: none). The scene is the test's state. */
struct http_scene *http_scene_begin(void **state, const char *behavior);
/* Ends it by SIGTERM and checks that it ends well; for cmocka, as its teardown. */
int http_scene_end(void **state);

/* The next event that contains text. Borrowed. */
const char *http_scene_event(struct http_scene *scene, const char *text);
/* How many events contain text, so far. */
unsigned http_scene_count(struct http_scene *scene, const char *text);
/* The descriptors that the server has open. */
unsigned http_scene_descriptors(const struct http_scene *scene);

/* Opens a connection and sends a request with a sound Host. `headers` as in http_send();
 * the session's are added where there is one. */
void http_scene_send(struct http_scene *scene, struct http_client *client,
	const char *method, const char *headers, const char *body);
/* The same and its whole answer. */
struct http_answer http_scene_call(struct http_scene *scene, const char *method,
	const char *headers, const char *body);
/* A POST in the session: the JSON of its answer, the caller's. */
cJSON *http_scene_post(struct http_scene *scene, const char *body);

/* initialize and initialized, in this version: the session is that of the requests that
 * follow. */
void http_scene_greet(struct http_scene *scene, const char *version);

#endif
