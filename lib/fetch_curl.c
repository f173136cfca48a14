#include "lib/fetch_curl.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/clock.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

#define SMALL_BUFFER 2048L /* bytes */

bool fetch_curl_has_left(const struct fetch_call *call)
{
	long len = 0;

	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &len);
	return len > 0;
}

/* From here to on_attempt(): called by curl. These call nothing of curl but getinfo,
 * and no owner. */
static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct fetch_call *call = arg;
	size_t len = size * count;
	long status = 0;

	if (call->data)
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!fetch_call_take_body(call, status, data, len)) {
		call->blame = "the answer is larger than its ceiling";
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/* A line of the head: its name, and its value without the white space around it. */
static void note_header(struct fetch_call *call, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t at = colon ? (size_t)(colon - line) + 1 : 0;

	if (!colon)
		return;
	while (len > at && strchr(" \t\r\n", line[len - 1]))
		len--;
	while (at < len && strchr(" \t", line[at]))
		at++;
	fetch_call_note_header(call, line, (size_t)(colon - line), line + at, len - at);
}

/* Curl accepts a head that was cut off. */
static void note_head(struct fetch_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	fetch_call_note_head(call, status);
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct fetch_call *call = arg;
	size_t len = size * count;

	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		call->headed = call->framed = false;
		buf_clear(&call->found);
	}
	note_header(call, line, len);
	if ((len >= 15 && strncasecmp(line, "Content-Length:", 15) == 0) ||
		(len >= 18 && strncasecmp(line, "Transfer-Encoding:", 18) == 0))
		call->framed = true;
	else if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
		note_head(call);
	return len;
}

static size_t on_upload(char *room, size_t size, size_t count, void *arg)
{
	struct fetch_call *call = arg;
	size_t wanted = size * count;
	ssize_t len;

	if ((uint64_t)call->file_left < wanted)
		wanted = (size_t)call->file_left;
	do
		len = wanted > 0 ? read(call->file, room, wanted) : 0;
	while (len < 0 && errno == EINTR);
	if (len < 0 || (len == 0 && wanted > 0)) {
		call->blame = len < 0 ? "the file to upload cannot be read"
				      : "the file to upload became shorter";
		return CURL_READFUNC_ABORT;
	}
	call->file_left -= len;
	return (size_t)len;
}

/* connect() tries the local ports of one parity first: once half of the range (some
 * 14,000 connections to one server) is in use, it walks all of those in vain each time.
 * With a range of its own, here of every port that the system allows, a socket takes
 * the next free one. Kernels before 6.3 do not know the option, and lose nothing. */
static void allow_every_port(curl_socket_t fd)
{
	uint32_t range = UINT32_C(0xffff) << 16 | 1; /* high, low */

	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range);
}

static curl_socket_t open_socket(const struct curl_sockaddr *address)
{
	curl_socket_t fd = socket(
		address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	if (fd >= 0 && address->family != AF_UNIX)
		allow_every_port(fd);
	return fd;
}

/* When a reused connection breaks before the first byte of an answer, curl would send
 * the request again, over a new connection or another idle one. Curl may do so only as
 * long as no part of the request has left. */
static curl_socket_t on_open(
	void *arg, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	struct fetch_call *call = arg;

	if (fetch_curl_has_left(call)) {
		call->repeated = true;
		return CURL_SOCKET_BAD;
	}
	call->opened = true;
	return open_socket(address);
}

static int on_attempt(void *arg, char *peer UNUSED, char *local UNUSED,
	int peer_port UNUSED, int local_port UNUSED)
{
	struct fetch_call *call = arg;

	if (fetch_curl_has_left(call)) {
		call->repeated = true;
		return CURL_PREREQFUNC_ABORT;
	}
	call->attempted = true;
	return CURL_PREREQFUNC_OK;
}

static void add_header(struct fetch_call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	if (!longer)
		abort(); /* out of memory */
	call->headers = longer;
}

/* A header without a value removes one that curl would add by default. */
static void add_headers(struct fetch_call *call, const char *const *lines)
{
	bool typed = false;

	add_header(call, "Expect:");
	for (; lines && *lines; lines++) {
		typed = typed || strncasecmp(*lines, "Content-Type:", 13) == 0;
		add_header(call, *lines);
	}
	if (!typed)
		add_header(call, "Content-Type:");
}

static bool open_upload(struct fetch_call *call, const char *path, struct err *err)
{
	struct stat stat;

	call->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (call->file < 0 || fstat(call->file, &stat) != 0)
		return err_sys(err, "upload %s", path);
	if (!S_ISREG(stat.st_mode))
		return err_set(err, "upload %s: not a regular file", path);
	call->file_left = stat.st_size;
	return true;
}

static unsigned set_body(struct fetch_call *call, const struct fetch_request *request)
{
	const char *method = request->method ? request->method : "";
	bool post = !strcmp(method, "POST") || !strcmp(method, "PUT") ||
		!strcmp(method, "PATCH");
	CURL *easy = call->easy;
	unsigned failed = 0;

	if (request->upload) {
		failed |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
		failed |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
		failed |= curl_easy_setopt(easy, CURLOPT_READDATA, call);
		failed |= curl_easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->file_left);
	} else if (request->body || post) {
		failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)(request->body ? request->body_len : 0));
		failed |= curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
			request->body ? request->body : "");
	} else if (!strcmp(method, "HEAD")) {
		call->bodiless = true;
		failed |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	return failed;
}

/* QUICK_EXIT: a name lookup must not block the loop when its call is canceled. */
static unsigned set_behavior(struct fetch_call *call)
{
	CURL *easy = call->easy;
	unsigned failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	failed |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	failed |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	failed |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_attempt);
	failed |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	return failed;
}

/* Curl keeps its buffer, of 16 KiB, as long as the call lasts; a streamed answer may
 * last for hours and comes in small pieces. */
static unsigned set_buffer(
	const struct fetch_call *call, const struct fetch_request *request)
{
	return call->data || request->small
		? curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, SMALL_BUFFER)
		: 0;
}

static unsigned set_tls(CURL *easy, const struct fetch_tls *tls)
{
	unsigned failed = 0;

	if (!tls)
		return 0;
	failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
	failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	failed |= curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
	failed |= curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
	return failed;
}

bool fetch_curl_prepare(
	struct fetch_call *call, const struct fetch_request *request, struct err *err)
{
	CURL *easy = call->easy;
	long fresh = request->fresh,
	     once = request->last || (request->fresh && !request->keep);
	long version = request->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
	unsigned failed = 0;

	if (request->upload && !open_upload(call, request->upload, err))
		return false;
	call->shares = request->http2;
	add_headers(call, request->headers);
	failed |= set_behavior(call);
	failed |= set_buffer(call, request);
	failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	failed |= set_tls(easy, request->tls);
	failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
	failed |= set_body(call, request);
	failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	failed |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->socket);
	failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh);
	failed |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, once);
	if (request->reuse_s)
		failed |= curl_easy_setopt(
			easy, CURLOPT_MAXAGE_CONN, (long)request->reuse_s);
	return failed == 0 || err_set(err, "curl refuses an option");
}

void fetch_curl_unload(struct fetch_call *call)
{
	call->easy = NULL;
	curl_slist_free_all(call->headers);
	call->headers = NULL;
	if (call->file >= 0)
		close(call->file);
	call->file = -1;
}

static enum fetch_end end_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return FETCH_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT: /* curl's own limit for connecting */
		return FETCH_REFUSED;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: /* it was reset */
		return FETCH_BROKEN;
	default:
		return FETCH_FAILED;
	}
}

/* Curl reads seconds and dates; some APIs send milliseconds. */
static int64_t retry_after_ns(CURL *easy)
{
	struct curl_header *header;
	curl_off_t seconds = 0;
	double ms;

	if (curl_easy_header(easy, "retry-after-ms", 0, CURLH_HEADER, -1, &header) ==
		CURLHE_OK) {
		ms = strtod(header->value, NULL);
		if (ms > 0 && ms <= INT32_MAX)
			return (int64_t)(ms * (double)CLOCK_MS);
	}
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
	return seconds > 0 && seconds <= INT32_MAX / 1000 ? seconds * CLOCK_S : 0;
}

void fetch_curl_finish(struct fetch_call *call, enum fetch_end end, const char *why)
{
	struct fetch_result *result = &call->result;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &result->status);
	result->retry_after_ns = retry_after_ns(call->easy);
	result->reused = call->attempted && !call->opened;
	result->sent = fetch_curl_has_left(call);
	result->unframed = call->headed && !call->framed && result->status != 204 &&
		result->status != 304 && !call->bodiless;
	fetch_call_end(call, end, why);
}

void fetch_curl_conclude(struct fetch_call *call, CURLcode code)
{
	enum fetch_end end = end_of(code);

	if (call->blame)
		fetch_curl_finish(call, FETCH_FAILED, call->blame);
	else if (call->repeated || (end == FETCH_REFUSED && fetch_curl_has_left(call)))
		fetch_curl_finish(call, FETCH_BROKEN,
			"the reused connection ended before an answer came");
	else if (end == FETCH_ANSWERED && !call->headed)
		fetch_curl_finish(call, FETCH_BROKEN,
			"the connection ended within the head of the answer");
	else if (end == FETCH_ANSWERED)
		fetch_curl_finish(call, end, "");
	else
		fetch_curl_finish(
			call, end, call->why[0] ? call->why : curl_easy_strerror(code));
}
