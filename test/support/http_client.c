#include "test/support/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/until.h"

int http_dial(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	assert_true(errno == ECONNREFUSED || errno == ECONNRESET);
	close(fd);
	return -1;
}

static bool is_refused(uint16_t port)
{
	int fd = http_dial(port);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

void http_wait_refused(uint16_t port)
{
	until(NULL, is_refused(port));
}

void http_send_text(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

int http_receive(int fd, struct buf *buf)
{
	char data[65536];
	ssize_t len;

	while ((len = recv(fd, data, sizeof data, MSG_DONTWAIT)) > 0)
		assert_true(buf_add(buf, data, (size_t)len));
	if (len == 0)
		return 0;
	return errno == EAGAIN ? 1 : -errno;
}

void http_open(struct http_client *client, uint16_t port)
{
	*client = (struct http_client){.fd = http_dial(port)};
	if (client->fd < 0)
		fail_msg("port %u refuses", port);
}

void http_close(struct http_client *client)
{
	close(client->fd);
	buf_done(&client->raw);
}

void http_send(struct http_client *client, const char *method, const char *path,
	const char *headers, const char *body)
{
	SCOPED(mem_free) char *text = mem_textf(
		"%s %s HTTP/1.1\r\nhost: mock\r\n%scontent-length: %zu\r\n\r\n%s",
		method, path, headers, body ? strlen(body) : 0, body ? body : "");

	http_send_text(client->fd, text);
}

enum http_end http_read(struct http_client *client, int patience_ms)
{
	struct pollfd wait = {.fd = client->fd, .events = POLLIN};
	char data[16384];
	ssize_t len;

	if (poll(&wait, 1, patience_ms) == 0)
		return HTTP_SILENT;
	len = recv(client->fd, data, sizeof data, 0);
	if (len < 0) {
		assert_int_equal(errno, ECONNRESET);
		return HTTP_RESET;
	}
	buf_add(&client->raw, data, (size_t)len);
	return len > 0 ? HTTP_OPEN : HTTP_EOF;
}

const char *http_raw_body(const struct http_client *client)
{
	const char *end = strstr(buf_text(&client->raw), "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* Adds what a chunked body has so far; true when its last chunk came. */
static bool dechunk(const char *body, struct buf *text)
{
	while (*body) {
		char *end;
		size_t len = strtoul(body, &end, 16);

		if (strncmp(end, "\r\n", 2) != 0)
			return false;
		if (len == 0)
			return strncmp(end, "\r\n\r\n", 4) == 0;
		end += 2;
		if (strnlen(end, len + 2) < len + 2) {
			buf_adds(text, end);
			return false;
		}
		buf_add(text, end, len);
		body = end + len + 2;
	}
	return false;
}

static bool is_chunked(const struct http_client *client)
{
	return strcasestr(buf_text(&client->raw), "transfer-encoding: chunked") != NULL;
}

bool http_body(const struct http_client *client, struct buf *text)
{
	const char *body = http_raw_body(client);
	const char *length = strcasestr(buf_text(&client->raw), "content-length:");

	if (!body)
		return false;
	if (is_chunked(client))
		return dechunk(body, text);
	buf_adds(text, body);
	return length &&
		text->len >= strtoul(length + strlen("content-length:"), NULL, 10);
}

enum http_end http_read_all(struct http_client *client, int patience_ms)
{
	for (;;) {
		SCOPED(buf_done) struct buf text = {0};
		enum http_end end;

		if (is_chunked(client) && http_body(client, &text))
			return HTTP_EOF;
		end = http_read(client, patience_ms);
		if (end != HTTP_OPEN)
			return end;
	}
}

void http_expect(struct http_client *client, const char *text)
{
	while (http_count(client, text) == 0) {
		if (http_read(client, HTTP_PATIENCE_MS) != HTTP_OPEN)
			fail_msg("%s did not come, but:\n%s", text,
				buf_text(&client->raw));
	}
}

unsigned http_count(const struct http_client *client, const char *text)
{
	SCOPED(buf_done) struct buf body = {0};
	unsigned count = 0;

	http_body(client, &body);
	for (const char *at = buf_text(&body); (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

struct http_answer http_answer(struct http_client *client)
{
	struct http_answer answer = {0};
	SCOPED(buf_done) struct buf text = {0};

	while (!http_body(client, &text)) {
		buf_clear(&text);
		if (http_read(client, HTTP_PATIENCE_MS) != HTTP_OPEN)
			fail_msg("no whole answer, but: %s", buf_text(&client->raw));
	}
	answer.status = atoi(buf_text(&client->raw) + strlen("HTTP/1.1 "));
	answer.headers = mem_text(buf_text(&client->raw));
	answer.body = json_parse(buf_text(&text), text.len);
	buf_clear(&client->raw);
	return answer;
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->headers);
	cJSON_Delete(answer->body);
}
