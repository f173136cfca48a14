#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/test/web_scene.h"
#include "test/support/temp_dir.h"

/* Requests and answers */

static void web_hands_over_the_whole_request(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"POST /a%20b?size=fine&flag HTTP/1.1\r\nHost: x\r\n"
		"X-Tag: t1\r\nContent-Length: 5\r\n\r\nhel");
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->handed, 0);
	http_send_text(fd, "lo");
	until(&scene->loop, receives(scene, fd, "body=hello"));
	assert_received(scene, "HTTP/1.1 200 OK\r\n");
	assert_received(scene, "Content-Type: text/plain\r\n");
	assert_received(scene, "POST /a b size=fine tag=t1 body=hello");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	assert_int_equal(web_exchanges(scene->web), 0);
	assert_int_equal(web_connections(scene->web), 1);
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
}

static void web_does_not_let_a_nul_cut_a_path(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "GET /a%20%00b?size=a%00b HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "body="));
	assert_received(scene, "GET /a%20%00b size=a%00b tag=none");
	close(fd);
}

static void add_header_line(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s: %s;", name, value);
}

/* A request as it came, for a server that passes it on. */
static void web_keeps_target_and_headers(void **state)
{
	struct web_scene *scene = *state;
	SCOPED(buf_done) struct buf lines = {0};
	struct web_options options = defaults;
	int fd;

	options.keeps_target = true;
	scene->parks = true;
	open_web(scene, options);
	fd = dial_and_say(scene,
		"GET /a%20b?c=d%00&e HTTP/1.1\r\nHost: x\r\nX-Tag: 1\r\nX-Tag: 2\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	assert_string_equal(web_target(scene->kept[0]), "/a%20b?c=d%00&e");
	web_each_header(scene->kept[0], add_header_line, &lines);
	assert_string_equal(buf_text(&lines), "Host: x;X-Tag: 1;X-Tag: 2;");
	web_reply(scene->kept[0], 204, NULL, "", 0);
	http_send_text(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 2);
	assert_string_equal(web_target(scene->kept[1]), "/next");
	close(fd);
}

static int dial_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void web_listens_at_a_unix_socket(void **state)
{
	struct web_scene *scene = *state;
	char *folder = temp_dir_create();
	SCOPED(mem_free) char *path = mem_textf("%s/web.sock", folder);
	struct web_options options = defaults;
	struct web *second;
	struct stat file;
	struct err err;
	int fd;

	options.socket = path;
	open_web(scene, options);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	fd = dial_socket(path);
	http_send_text(fd, "GET /over HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /over size=none"));
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
	/* Somebody listens there: it stays. */
	second = web_create(&scene->loop, &options, &err);
	assert_null(second);
	assert_non_null(strstr(err.text, "Address already in use"));
	close(dial_socket(path));
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(access(path, F_OK), -1);
	temp_dir_remove(folder);
}

/* What a program that was killed left behind does not keep the next one away. */
static void web_replaces_a_socket_at_which_nobody_listens(void **state)
{
	struct web_scene *scene = *state;
	char *folder = temp_dir_create();
	SCOPED(mem_free) char *path = mem_textf("%s/web.sock", folder);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct web_options options = defaults;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	options.socket = path;
	open_web(scene, options);
	close(dial_socket(path));
	web_destroy(scene->web);
	scene->web = NULL;
	temp_dir_remove(folder);
}

static void web_tells_a_bare_query_name_from_a_missing_one(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /?flag&empty= HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	assert_string_equal(web_query(scene->kept[0], "flag", 0), "");
	assert_string_equal(web_query(scene->kept[0], "empty", 0), "");
	assert_null(web_query(scene->kept[0], "other", 0));
	close(fd);
}

static void web_gives_every_value_of_a_repeated_query_name(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene,
		"GET /?a%5B%5D=one&b=x&a[]=t%20wo&a%5B%5D HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	assert_string_equal(web_query(scene->kept[0], "a[]", 0), "one");
	assert_string_equal(web_query(scene->kept[0], "a[]", 1), "t wo");
	assert_string_equal(web_query(scene->kept[0], "a[]", 2), "");
	assert_null(web_query(scene->kept[0], "a[]", 3));
	assert_null(web_query(scene->kept[0], "b", 1));
	close(fd);
}

static void web_closes_a_client_that_left_in_the_middle_of_its_body(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(&scene->loop, web_connections(scene->web) == 1);
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

/* The web learns of the end while most of the body lies in the kernel. */
static void web_reads_the_body_of_a_client_that_has_left(void **state)
{
	struct web_scene *scene = *state;
	char request[100000], header[128];
	int fd;

	open_web(scene, defaults);
	memset(request, 'x', sizeof request);
	snprintf(header, sizeof header,
		"POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
		sizeof request);
	fd = dial_and_say(scene, header);
	assert_int_equal(send(fd, request, sizeof request, 0), sizeof request);
	shutdown(fd, SHUT_WR);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "POST /all");
	assert_true(scene->received.len > sizeof request);
	assert_int_equal(scene->over[WEB_ANSWERED], 1);
	close(fd);
	forget(scene);
	fd = dial_and_say(scene, header);
	assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
	shutdown(fd, SHUT_WR);
	read_to_end(scene, fd);
	assert_int_equal(scene->handed, 1);
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
}

/* How many of many clients that end in the middle of their header are left waiting. */
static int count_left_waiting(uint16_t port)
{
	const struct timeval patience = {.tv_sec = 5};
	int waiting = 0;

	for (unsigned i = 0; i < 300 && waiting == 0; i++) {
		int fd = http_dial(port);
		char byte;

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		http_send_text(fd, "GET / HTTP/1.1\r\nHost: ");
		shutdown(fd, SHUT_WR);
		waiting += recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN;
		close(fd);
	}
	return waiting;
}

/* The web may learn of the end before it has read the bytes. One client in ten hits
 * that, if it is a process of its own. */
static void web_closes_a_client_that_left_in_the_middle_of_its_header(void **state)
{
	struct web_scene *scene = *state;
	int status = -1;
	pid_t clients;

	open_web(scene, defaults);
	clients = fork();
	if (clients == 0)
		_exit(count_left_waiting(web_port(scene->web)));
	assert_true(clients > 0);
	until(&scene->loop, waitpid(clients, &status, WNOHANG) == clients);
	assert_int_equal(status, 0);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_int_equal(scene->handed, 0);
}

static void web_joins_a_chunked_body(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"PUT /c HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	turn(scene);
	http_send_text(fd, "2\r\nde\r\n0\r\n\r\n");
	until(&scene->loop,
		receives(scene, fd, "PUT /c size=none tag=none body=abcde"));
	close(fd);
}

static void web_asks_a_waiting_client_to_continue(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Content-Length: 2\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "HTTP/1.1 100 Continue\r\n\r\n"));
	assert_int_equal(scene->handed, 0);
	http_send_text(fd, "ok");
	until(&scene->loop, receives(scene, fd, "body=ok"));
	close(fd);
}

static void web_sends_no_body_to_head(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "Content-Length: 32\r\n");
	assert_not_received(scene, "body=");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_sends_no_stream_to_head(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(
		scene, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_stream_begin(scene->kept[0], 200, "text/event-stream");
	web_stream_add(scene->kept[0], "data", 4);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_not_received(scene, "data");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_answers_when_the_owner_does(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	assert_int_equal(web_exchanges(scene->web), 1);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_false(receives(scene, fd, "HTTP"));
	web_add_header(scene->kept[0], "X-One", "1");
	web_add_header(scene->kept[0], "X-Two", "2");
	web_reply(scene->kept[0], 529, NULL, NULL, 0);
	until(&scene->loop, receives(scene, fd, "\r\n\r\n"));
	assert_received(scene, "HTTP/1.1 529 ");
	assert_received(scene, "X-One: 1\r\n");
	assert_received(scene, "X-Two: 2\r\n");
	assert_received(scene, "Content-Length: 0\r\n");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_answers_pipelined_requests_in_order(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
		"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz"
		"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "/3 size"));
	assert_int_equal(scene->handed, 3);
	until(&scene->loop, scene->over[WEB_ANSWERED] == 3);
	assert_true(strstr(scene->received.data, "/1 ") <
		strstr(scene->received.data, "/2 "));
	assert_true(strstr(scene->received.data, "/2 ") <
		strstr(scene->received.data, "/3 "));
	assert_int_equal(web_connections(scene->web), 1);
	http_send_text(fd, "GET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "/4 size"));
	close(fd);
}

/* More than any buffer on the way holds, in both directions. */
static void web_carries_large_bodies(void **state)
{
	struct web_scene *scene = *state;
	size_t len = (size_t)6 << 20, sent = 0;
	char *body = malloc(len);
	char header[128];
	int fd;

	assert_non_null(body);
	memset(body, 'x', len);
	open_web(scene,
		(struct web_options){.handle = on_request,
			.over = on_over,
			.closed = on_client_closed,
			.body_ceiling = len});
	snprintf(header, sizeof header,
		"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
	fd = dial_and_say(scene, header);
	while (sent < len) {
		ssize_t some =
			send(fd, body + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (some > 0)
			sent += (size_t)some;
		else
			turn(scene);
	}
	until(&scene->loop,
		(http_receive(fd, &scene->received), scene->received.len > len));
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	assert_memory_equal(
		scene->received.data + scene->received.len - len, body, len);
	close(fd);
	free(body);
}

/* Refusals */

static unsigned refused;

static void on_refused(void *arg UNUSED, unsigned status)
{
	assert_int_equal(status, 413);
	refused++;
}

static void refuse_in_words(void *arg UNUSED, const struct web_exchange *exchange,
	struct buf *head, struct buf *body)
{
	buf_adds(head, "X-Id: 7\r\n");
	buf_addf(body, "\"%s of %s\"", exchange->method, exchange->path);
}

static void web_refuses_in_the_words_of_its_owner(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	options.body_ceiling = 100;
	options.refusal = refuse_in_words;
	open_web(scene, options);
	fd = dial_and_say(
		scene, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
	forget(scene);
	read_to_end(scene, fd);
	assert_received(scene, "HTTP/1.1 413 ");
	assert_received(scene, "X-Id: 7\r\n\r\n\"PUT of /a\"");
	assert_received(scene, "Content-Length: 11\r\n");
	close(fd);
}

static void web_refuses_what_is_too_large(void **state)
{
	static const struct {
		const char *request;
		const char *why;
	} rows[] = {
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n",
			"announced"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n"
		 "Expect: 100-continue\r\n\r\n",
			"announced and asked for"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "32\r\n01234567890123456789012345678901234567890123456789\r\n"
		 "33\r\n012345678901234567890123456789012345678901234567890\r\n",
			"found while it arrives, the end still out"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n"
		 "\r\n",
			"past what a number holds, so that microhttpd says it"},
	};
	struct web_scene *scene = *state;
	struct web_options options = defaults;

	options.body_ceiling = 100;
	options.refused = on_refused;
	open_web(scene, options);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial_and_say(scene, rows[i].request);

		forget(scene);
		read_to_end(scene, fd);
		if (strncmp(buf_text(&scene->received), "HTTP/1.1 413 ", 13) != 0)
			fail_msg("%s: %s", rows[i].why, buf_text(&scene->received));
		assert_received(scene, "Connection: close\r\n");
		close(fd);
		if (i + 1 == COUNT(rows))
			break;
		assert_received(scene,
			"\r\n\r\n{\"error\":\"the body is larger than 100 bytes\"}");
		assert_int_equal(refused, i + 1);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

static void web_takes_a_body_that_just_fits(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	options.body_ceiling = 5;
	open_web(scene, options);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345");
	until(&scene->loop, receives(scene, fd, "body=12345"));
	close(fd);
}

static void web_refuses_what_is_not_http(void **state)
{
	static const struct {
		const char *request;
		const char *answer; /* "" when there is none */
		const char *why;
	} rows[] = {
		{"GET / HTTQ/1.1\r\n\r\n", "HTTP/1.1 400 ", "another protocol"},
		{"GET /\r\n\r\n", "HTTP/1.1 400 ", "no version"},
		{"GET / HTTP/9.0\r\n\r\n", "HTTP/1.1 505 ", "a version to come"},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 ", "not a header"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
			"HTTP/1.1 400 ", "a length that is no number"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
			"HTTP/1.1 400 ", "a negative length"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
			"HTTP/1.1 400 ", "a length with something behind it"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			"HTTP/1.1 400 ", "a chunk without a length"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "2\r\nabcd\r\n",
			"HTTP/1.1 400 ", "a chunk longer than it says"},
		{"nonsense\r\n\r\n", "", "not even a request line"},
	};
	struct web_scene *scene = *state;

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial_and_say(scene, rows[i].request);
		const char *answer = rows[i].answer;

		forget(scene);
		read_to_end(scene, fd);
		if (strncmp(buf_text(&scene->received), answer, strlen(answer)) != 0 ||
			(!*answer && scene->received.len > 0))
			fail_msg("%s: %s", rows[i].why, buf_text(&scene->received));
		close(fd);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

/* Ten lines of a kibibyte: more than the 8 KiB of many servers. */
static void web_takes_a_long_header(void **state)
{
	struct web_scene *scene = *state;
	char line[1025];
	int fd;

	open_web(scene, defaults);
	memset(line, 'x', sizeof line);
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	fd = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
	for (int i = 0; i < 10; i++)
		http_send_text(fd, line);
	http_send_text(fd, "\r\n");
	read_to_end(scene, fd);
	assert_received(scene, "HTTP/1.1 200 ");
	assert_int_equal(scene->handed, 1);
	close(fd);
}

static void web_refuses_an_endless_header(void **state)
{
	struct web_scene *scene = *state;
	char line[1024];
	int fd;

	open_web(scene, defaults);
	memset(line, 'x', sizeof line);
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	fd = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 64; i++)
		http_send_text(fd, line);
	read_to_end(scene, fd);
	assert_received(scene, "HTTP/1.1 431 ");
	assert_int_equal(scene->handed, 0);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCENE(web_hands_over_the_whole_request),
		SCENE(web_does_not_let_a_nul_cut_a_path),
		SCENE(web_keeps_target_and_headers),
		SCENE(web_listens_at_a_unix_socket),
		SCENE(web_replaces_a_socket_at_which_nobody_listens),
		SCENE(web_tells_a_bare_query_name_from_a_missing_one),
		SCENE(web_gives_every_value_of_a_repeated_query_name),
		SCENE(web_closes_a_client_that_left_in_the_middle_of_its_body),
		SCENE(web_reads_the_body_of_a_client_that_has_left),
		SCENE(web_closes_a_client_that_left_in_the_middle_of_its_header),
		SCENE(web_joins_a_chunked_body),
		SCENE(web_asks_a_waiting_client_to_continue),
		SCENE(web_sends_no_body_to_head),
		SCENE(web_sends_no_stream_to_head),
		SCENE(web_answers_when_the_owner_does),
		SCENE(web_answers_pipelined_requests_in_order),
		SCENE(web_carries_large_bodies),
		SCENE(web_refuses_what_is_too_large),
		SCENE(web_refuses_in_the_words_of_its_owner),
		SCENE(web_takes_a_body_that_just_fits),
		SCENE(web_refuses_what_is_not_http),
		SCENE(web_takes_a_long_header),
		SCENE(web_refuses_an_endless_header),
	};

	return cmocka_run_group_tests_name("web request", tests, NULL, NULL);
}
