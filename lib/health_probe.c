#include "lib/health_probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define SCHEME       "http://"
#define LINE_CEILING ((size_t)1 << 10)

/* Where to ask; all of it is owned. */
struct place {
	char *host, *port, *path;
	bool is_v6;
};

static void place_done(struct place *place)
{
	free(place->host);
	free(place->port);
	free(place->path);
}

static char *copy_of(const char *text, size_t len)
{
	return mem_textf("%.*s", (int)len, text);
}

/* "HOST:PORT/PATH", "[HOST]:PORT" of IPv6, "HOST". */
static bool read_url(struct place *place, const char *url)
{
	const bool in_brackets = *url == '[';
	const char *host = url + in_brackets;
	size_t len = strcspn(host, in_brackets ? "]" : ":/");
	const char *rest = host + len;
	const char *port = "80";
	size_t port_len = 2;

	if (in_brackets && *rest++ != ']')
		return false;
	if (*rest == ':') {
		port = ++rest;
		port_len = strspn(port, "0123456789");
		rest += port_len;
	}
	if (len == 0 || port_len == 0 || (*rest != '\0' && *rest != '/'))
		return false;
	place->is_v6 = in_brackets;
	place->host = copy_of(host, len);
	place->port = copy_of(port, port_len);
	place->path = mem_textf("%s/health", rest);
	return true;
}

/* A server that listens at every address also listens on loopback. */
static bool find_place(
	struct place *place, const char *host, const char *where, struct err *err)
{
	if (where[strspn(where, "0123456789")] != '\0')
		return (strncmp(where, SCHEME, strlen(SCHEME)) == 0 &&
			       read_url(place, where + strlen(SCHEME))) ||
			err_set(err, "%s: expected a port or " SCHEME "HOST:PORT",
				where);
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	place->is_v6 = strchr(host, ':') != NULL;
	place->host = mem_text(host);
	place->port = mem_text(where);
	place->path = mem_text("/health");
	return true;
}

/* Bounds the next call on the socket. */
static bool set_patience(int fd, int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - clock_now();
	struct timeval time = {
		.tv_sec = left_ns / CLOCK_S, .tv_usec = left_ns % CLOCK_S / CLOCK_US};

	if (left_ns < CLOCK_US) {
		errno = ETIMEDOUT;
		return false;
	}
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0;
}

/* -1, with errno: to none of the addresses. */
static int dial(const struct addrinfo *addresses, int64_t deadline_ns)
{
	for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
		int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int number;

		if (fd < 0)
			continue;
		if (set_patience(fd, deadline_ns) &&
			connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			return fd;
		number = errno == EINPROGRESS ? ETIMEDOUT : errno;
		close(fd);
		errno = number;
	}
	return -1;
}

static int connect_to(const struct place *place, int64_t deadline_ns, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	int failed = getaddrinfo(place->host, place->port, &hints, &addresses);
	int fd;

	if (failed) {
		err_set(err, "%s", gai_strerror(failed));
		return -1;
	}
	fd = dial(addresses, deadline_ns);
	if (fd < 0)
		err_sys(err, "connect");
	freeaddrinfo(addresses);
	return fd;
}

/* The first line of the answer. */
static bool receive_line(int fd, struct buf *line, int64_t deadline_ns, struct err *err)
{
	char some[256];

	while (!strchr(buf_text(line), '\n')) {
		ssize_t len = -1;

		if (set_patience(fd, deadline_ns))
			len = recv(fd, some, sizeof some, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			errno = ETIMEDOUT;
		if (len < 0)
			return err_sys(err, "wait for an answer");
		if (len == 0 || !buf_add(line, some, (size_t)len))
			return err_set(err, "it did not answer in HTTP");
	}
	return true;
}

static bool ask(int fd, const struct place *place, int64_t deadline_ns, struct err *err)
{
	SCOPED(buf_done) struct buf line;
	SCOPED(mem_free) char *request = mem_textf(place->is_v6
			? "GET %s HTTP/1.1\r\nHost: [%s]:%s\r\nConnection: close\r\n\r\n"
			: "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n",
		place->path, place->host, place->port);
	size_t len = strlen(request);
	long status;

	buf_init(&line, LINE_CEILING);
	if (!set_patience(fd, deadline_ns) ||
		send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return err_sys(err, "ask");
	if (!receive_line(fd, &line, deadline_ns, err))
		return false;
	if (strncmp(line.data, "HTTP/1.", 7) != 0 || line.len < 12)
		return err_set(err, "it did not answer in HTTP");
	status = strtol(line.data + 8, NULL, 10);
	return status == 200 || err_set(err, "it answered with status %ld", status);
}

bool health_probe(
	const char *host, const char *where, int64_t timeout_ns, struct err *err)
{
	SCOPED(place_done) struct place place = {0};
	int64_t deadline_ns = clock_now() + timeout_ns;
	bool healthy;
	int fd;

	if (!find_place(&place, host, where, err))
		return false;
	fd = connect_to(&place, deadline_ns, err);
	healthy = fd >= 0 && ask(fd, &place, deadline_ns, err);
	if (fd >= 0)
		close(fd);
	return healthy ||
		err_while(err, place.is_v6 ? SCHEME "[%s]:%s%s" : SCHEME "%s:%s%s",
			place.host, place.port, place.path);
}
