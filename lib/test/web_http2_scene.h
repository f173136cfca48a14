/*
 * web_http2_scene - a web that speaks HTTP/2, and its clients, for tests.
 */
#ifndef LIB_TEST_WEB_HTTP2_SCENE_H
#define LIB_TEST_WEB_HTTP2_SCENE_H

#include "lib/test/web_scene.h"
#include "lib/web_http2.h"
#include "test/support/http2_client.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static inline struct web_options http2_options(void)
{
	struct web_options options = defaults;

	options.http2 = true;
	return options;
}

static inline void open_client(struct web_scene *scene, struct http2_client *client)
{
	http2_open(client, dial(scene), 0);
}

static inline void assert_answer(
	struct http2_client *client, int32_t id, int status, const char *body)
{
	struct http2_answer *answer = http2_answer(client, id);

	assert_int_equal(answer->status, status);
	assert_string_equal(buf_text(&answer->body), body);
	assert_true(answer->ended);
	assert_int_equal(answer->code, NGHTTP2_NO_ERROR);
}

#endif
