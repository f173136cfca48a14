/* What a client of HTTP/2 can have a web do is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/test/web_http2_scene.h"

static void a_thousand_streams_come_over_ten_connections(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client clients[10];

	open_web(scene, http2_options());
	for (unsigned i = 0; i < COUNT(clients); i++) {
		open_client(scene, &clients[i]);
		for (unsigned j = 0; j < 100; j++)
			(void)http2_get(&clients[i], "/one-of-many");
	}
	for (unsigned i = 0; i < COUNT(clients); i++)
		until(&scene->loop,
			(http2_turn(&clients[i]), clients[i].closed == 100));
	assert_int_equal(scene->over[WEB_ANSWERED], 1000);
	assert_int_equal(web_connections(scene->web), 10);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		for (unsigned j = 0; j < 100; j++)
			assert_answer(&clients[i], (int32_t)(2 * j + 1), 200,
				"GET /one-of-many size=none tag=none body=");
		http2_close(&clients[i]);
	}
}

/* Those beyond the bound were certainly not handed over (RFC 9113, 8.7). */
static void streams_beyond_the_bound_are_refused(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	for (unsigned i = 0; i < WEB_HTTP2_STREAMS + 10; i++)
		(void)http2_get(&client, "/kept");
	until(&scene->loop, (http2_turn(&client), client.closed == 10));
	assert_int_equal(scene->handed, WEB_HTTP2_STREAMS);
	for (unsigned i = 0; i < client.count; i++)
		if (client.answers[i].closed)
			assert_int_equal(
				client.answers[i].code, NGHTTP2_REFUSED_STREAM);
	http2_close(&client);
	until(&scene->loop, scene->over[WEB_LEFT] == WEB_HTTP2_STREAMS);
}

/* CVE-2023-44487. Begins and resets a stream `times`, as fast as the server reads. */
static void reset_rapidly(
	struct web_scene *scene, struct http2_client *client, unsigned times)
{
	for (unsigned i = 0; i < times && !client->over && client->goaways == 0; i++) {
		int32_t id = http2_get(client, "/");

		http2_turn(client);
		http2_reset(client, id);
		http2_turn(client);
		turn(scene);
	}
}

static void a_flood_of_resets_ends_the_connection(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	reset_rapidly(scene, &client, WEB_HTTP2_STREAMS);
	assert_int_equal(client.goaways, 0);
	reset_rapidly(scene, &client, 2 * WEB_HTTP2_RESETS);
	until(&scene->loop, http2_is_over(&client));
	assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(scene->handed <= WEB_HTTP2_RESETS + WEB_HTTP2_STREAMS);
	http2_close(&client);
}

/* GET / of stream id, and a piece behind it, until the server ends the connection. */
#define GET_LEN 15
static void put_get(uint8_t *frame, uint32_t id)
{
	memcpy(frame, "\0\0\x06\x01\x05\0\0\0\0\x82\x86\x84\x01\x01x", GET_LEN);
	for (unsigned i = 0; i < 4; i++)
		frame[5 + i] = (uint8_t)(id >> (24 - 8 * i));
}

static void flood_streams(
	struct web_scene *scene, int fd, const uint8_t *behind, size_t behind_len)
{
	uint32_t id = 1;

	while (id < 4000000 && web_connections(scene->web) == 1) {
		uint8_t piece[100 * (GET_LEN + 13)];
		size_t len = 0;

		for (unsigned i = 0; i < 100; i++, id += 2) {
			put_get(piece + len, id);
			len += GET_LEN;
			if (behind_len == 0)
				continue;
			memcpy(piece + len, behind, behind_len);
			memcpy(piece + len + 5, piece + len - GET_LEN + 5, 4);
			len += behind_len;
		}
		if (send(fd, piece, len, MSG_NOSIGNAL) < 0)
			break;
		turn(scene);
	}
}

/* The client has the server reset them: their windows would be too large. */
static void a_flood_of_resets_by_the_server_ends_the_connection(void **state)
{
	static const uint8_t too_much[13] = {
		0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, -1, -1, -1};
	struct web_scene *scene = *state;
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	http2_turn(&client);
	until(&scene->loop, web_connections(scene->web) == 1);
	flood_streams(scene, client.fd, too_much, sizeof too_much);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_in_range(scene->handed, WEB_HTTP2_RESETS, WEB_HTTP2_RESETS + 100);
	http2_close(&client);
}

/* Of more streams than it may have: a RST_STREAM each, which it does not read. */
static void a_flood_of_refused_streams_ends_the_connection(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	http2_turn(&client);
	until(&scene->loop, web_connections(scene->web) == 1);
	flood_streams(scene, client.fd, NULL, 0);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_int_equal(scene->handed, WEB_HTTP2_STREAMS);
	http2_close(&client);
}

/* A header of 4,000 bytes, and a byte for each time that it comes again. */
static void a_head_of_many_megabytes_is_reset(void **state)
{
	static const char begin[] = "\0\x3e\x80\x01\x05\0\0\0\x01" /* 16,000 bytes */
				    "\x82\x86\x84\x01\x01x"
				    "\x40\x04"
				    "bomb"
				    "\x7f\xa1\x1e";
	static const char reset[] = "\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02";
	struct web_scene *scene = *state;
	char frame[9 + 16000];
	int fd;

	memset(frame, 0xbe, sizeof frame);
	memcpy(frame, begin, sizeof begin - 1);
	memset(frame + sizeof begin - 1, 'x', 4000);
	open_web(scene, http2_options());
	fd = dial_and_say(scene, preface);
	assert_int_equal(send(fd, "\0\0\0\x04\0\0\0\0\0", 9, 0), 9);
	assert_int_equal(send(fd, frame, sizeof frame, 0), sizeof frame);
	until(&scene->loop,
		http_receive(fd, &scene->received) >= 0 &&
			memmem(buf_text(&scene->received), scene->received.len, reset,
				sizeof reset - 1));
	assert_int_equal(scene->handed, 0);
	close(fd);
}

/* Acknowledgements that the client does not read. */
static void a_flood_of_pings_ends_the_connection(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int fd;

	open_web(scene, http2_options());
	open_client(scene, &client);
	fd = client.fd;
	http2_turn(&client);
	until(&scene->loop, web_connections(scene->web) == 1);
	for (unsigned i = 0; i < 1000000 && web_connections(scene->web) == 1; i++) {
		static const uint8_t ping[17 * 100] = {0};
		static uint8_t pings[sizeof ping];

		for (unsigned j = 0; j < 100; j++)
			memcpy(pings + 17 * j, "\0\0\x08\x06\0\0\0\0\0abcdefgh", 17);
		if (send(fd, pings, sizeof pings, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
			errno != EAGAIN)
			break;
		turn(scene);
	}
	until(&scene->loop, web_connections(scene->web) == 0);
	http2_close(&client);
}

/* Garbage where frames should be */

static void what_is_not_http2_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18, "text where SETTINGS should be"},
		{"\0\0\0\x04\0\0\0\0\x01", 9, "SETTINGS of a stream"},
		{"\xff\xff\xff\x04\0\0\0\0\0", 9, "a frame that is too long"},
		{"\0\0\x01\x04\0\0\0\0\0x", 10,
			"SETTINGS of a length that it cannot have"},
		{"\0\0\0\x04\0\0\0\0\0\0\0\x01\x00\x05\0\0\0\x01x", 19,
			"DATA of no stream"},
		{"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\xff", 19,
			"a head that cannot be unpacked"},
	};
	struct web_scene *scene = *state;

	open_web(scene, http2_options());
	for (unsigned i = 0; i < COUNT(rows); i++) {
		int fd = dial_and_say(scene, preface);

		assert_int_equal(send(fd, rows[i].bytes, rows[i].len, 0), rows[i].len);
		(void)read_to_end(scene, fd);
		until(&scene->loop, web_connections(scene->web) == 0);
		if (scene->handed)
			fail_msg("handed over: %s", rows[i].why);
		close(fd);
	}
	assert_int_equal(scene->closed, COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_thousand_streams_come_over_ten_connections),
		SCENE(streams_beyond_the_bound_are_refused),
		SCENE(a_flood_of_resets_ends_the_connection),
		SCENE(a_flood_of_resets_by_the_server_ends_the_connection),
		SCENE(a_flood_of_refused_streams_ends_the_connection),
		SCENE(a_head_of_many_megabytes_is_reset),
		SCENE(a_flood_of_pings_ends_the_connection),
		SCENE(what_is_not_http2_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
