#include "lib/fetch_http2.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <utlist.h>

#include "lib/fetch_origin.h"
#include "lib/mem.h"

struct fetch_http2 {
	uv_loop_t *loop;
	fetch_http2_queued_fn *queued;
	void *arg;
	uv_idle_t news; /* active: calls are queued */
	struct fetch_origin *origins;
};

static void on_news(uv_idle_t *news)
{
	struct fetch_http2 *http2 = news->data;

	uv_idle_stop(news);
	http2->queued(http2->arg);
}

static void on_queued(void *arg)
{
	uv_idle_start(&((struct fetch_http2 *)arg)->news, on_news);
}

struct fetch_http2 *fetch_http2_create(
	uv_loop_t *loop, fetch_http2_queued_fn *queued, void *arg)
{
	struct fetch_http2 *http2 = mem_zeroed(sizeof *http2);

	http2->loop = loop;
	http2->queued = queued;
	http2->arg = arg;
	uv_idle_init(loop, &http2->news);
	http2->news.data = http2;
	return http2;
}

/* Of a URL: "host:port", and the target behind it. False: err is set. */
static bool split_url(const char *url, char **authority, char **target, struct err *err)
{
	static const char scheme[] = "http://";
	const char *rest = url + strlen(scheme), *path;
	size_t len;

	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		return err_set(err, "%s: HTTP/2 without TLS needs http://", url);
	len = strcspn(rest, "/?#");
	path = rest + len;
	*authority = mem_textf("%.*s", (int)len, rest);
	*target = mem_textf(
		"%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "#"), path);
	return len > 0 || err_set(err, "%s: no host", url);
}

/* Curl reads names, numbers, brackets and ports. */
static bool read_authority(
	const char *authority, char **name, uint16_t *number, struct err *err)
{
	SCOPED(mem_free) char *url = mem_textf("http://%s/", authority);
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	bool ok = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
			CURLUE_OK;

	if (ok) {
		size_t len = strlen(host);
		bool v6 = host[0] == '[';

		*name = mem_textf("%.*s", (int)(len - (v6 ? 2 : 0)), host + v6);
		*number = (uint16_t)strtoul(port, NULL, 10);
	} else {
		err_set(err, "%s: no host and port", authority);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return ok;
}

static struct fetch_origin *find_origin(struct fetch_http2 *http2,
	const char *authority, const char *unix_socket, struct err *err)
{
	const char *name = unix_socket ? unix_socket : authority;
	struct fetch_origin *origin = http2->origins;
	uint16_t port = 0;
	char *host = NULL;

	while (origin &&
		(!origin->address.host != (unix_socket != NULL) ||
			strcmp(origin->address.name, name) != 0))
		origin = origin->next;
	if (origin || (!unix_socket && !read_authority(authority, &host, &port, err)))
		return origin;
	origin = fetch_origin_create(http2->loop,
		&(struct fetch_address){mem_text(name), host, port}, on_queued, http2);
	LL_PREPEND(http2->origins, origin);
	return origin;
}

bool fetch_http2_begin(struct fetch_http2 *http2, struct fetch_call *call,
	const struct fetch_request *request, struct err *err)
{
	SCOPED(mem_free) char *authority = NULL;
	SCOPED(mem_free) char *target = NULL;
	struct fetch_origin *origin = NULL;
	struct fetch_stream *stream;

	if (request->upload)
		return err_set(err, "HTTP/2: a file cannot be uploaded");
	if (split_url(request->url, &authority, &target, err))
		origin = find_origin(http2, authority, request->socket, err);
	if (!origin)
		return false;
	stream = fetch_stream_create(call, request, authority, target, err);
	if (stream)
		fetch_origin_add(origin, stream);
	return stream != NULL;
}

bool fetch_http2_has_left(const struct fetch_call *call)
{
	return call->stream->left;
}

void fetch_http2_cancel(struct fetch_call *call)
{
	fetch_connection_cancel(call->stream);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void fetch_http2_destroy(struct fetch_http2 *http2)
{
	struct fetch_origin *origin;

	if (!http2)
		return;
	while ((origin = http2->origins)) {
		http2->origins = origin->next;
		fetch_origin_destroy(origin);
	}
	uv_close((uv_handle_t *)&http2->news, on_closed);
}
