#include "harness/witness/witness_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utlist.h>

#include "harness/witness/stop_ring.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/web.h"

#define PEM_MAX ((size_t)1 << 20)

struct reader {
	struct web_exchange *exchange;
	char *label; /* "NAME=VALUE" or "NAME"; NULL: all containers */
	struct reader *prev, *next;
};

struct witness_server {
	struct witness_server_options options;
	struct web *web;
	char *host; /* NULL: a unix socket */
	char *instance;
	struct stop_ring ring;
	struct reader *readers;
	unsigned reader_count;
	struct loop_timer *heartbeat;
};

/* --- lines --- */

/* Is this label among them? NULL: it need not be. */
static bool has_label(const cJSON *labels, const char *label)
{
	const char *equals = label ? strchr(label, '=') : NULL;
	SCOPED(mem_free) char *name = label
		? mem_textf("%.*s",
			  (int)(equals ? equals - label : (ptrdiff_t)strlen(label)),
			  label)
		: NULL;
	const char *value = label ? json_text(labels, name) : NULL;

	return !label || (value && (!equals || strcmp(value, equals + 1) == 0));
}

static void say(const struct reader *reader, const char *line, size_t len)
{
	web_stream_add(reader->exchange, line, len);
}

/* Takes json. */
static void say_json(const struct reader *reader, const char *what, cJSON *json)
{
	SCOPED(json_free) cJSON *whole = cJSON_CreateObject();
	SCOPED(mem_free) char *text = NULL;
	SCOPED(mem_free) char *line = NULL;

	cJSON_AddItemToObject(whole, what, json);
	text = json_print_inert(whole, false);
	line = mem_textf("%s\n", text);
	say(reader, line, strlen(line));
}

static void say_heartbeat(
	const struct witness_server *server, const struct reader *reader)
{
	cJSON *json = cJSON_CreateObject();

	json_add_int(json, "clock_ns", clock_now());
	json_add_int(json, "watching", watch_count(server->options.watch));
	json_add_int(json, "seq", (int64_t)server->ring.seq);
	say_json(reader, "heartbeat", json);
}

static void on_heartbeat(void *arg)
{
	struct witness_server *server = arg;
	const struct reader *reader;

	loop_timer_set(server->heartbeat, WITNESS_HEARTBEAT_NS);
	DL_FOREACH(server->readers, reader)
		say_heartbeat(server, reader);
}

/* --- GET /v1/node --- */

static char *boot_id(void)
{
	struct buf text = {0};

	if (!fs_read_file(&text, "/proc/sys/kernel/random/boot_id"))
		buf_clear(&text);
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return text.len ? buf_take(&text) : mem_text("");
}

static void answer_node(
	const struct witness_server *server, struct web_exchange *exchange)
{
	const struct witness_server_options *options = &server->options;
	SCOPED(mem_free) char *boot = boot_id();
	struct utsname host = {0};
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *text = NULL;

	uname(&host);
	json = json_fill(NULL,
		"{'name': %s, 'engine': %s, 'kernel': %s, 'boot_id': %s, 'instance': %s, "
		"'watching': %u, 'not_seen': %s}",
		options->node, options->engine, host.release, boot, server->instance,
		watch_count(options->watch), options->not_seen);
	json_add_int(json, "seq", (int64_t)server->ring.seq);
	json_add_int(json, "clock_ns", clock_now());
	text = json_print_inert(json, false);
	web_reply(exchange, 200, "application/json", text, strlen(text));
}

/* --- GET /v1/stops --- */

static void say_kept(
	struct witness_server *server, const struct reader *reader, uint64_t since)
{
	const struct kept_stop *stop =
		stop_ring_after(&server->ring, since, clock_now());
	uint64_t next = stop ? stop->seq : server->ring.seq + 1;

	if (next > since + 1) {
		cJSON *lost = cJSON_CreateObject();

		json_add_int(lost, "from", (int64_t)since + 1);
		json_add_int(lost, "to", (int64_t)next - 1);
		say_json(reader, "lost", lost);
	}
	for (; stop; stop = stop->next) {
		if (has_label(stop->labels, reader->label))
			say(reader, stop->line, stop->len);
	}
}

static void say_watching(
	const struct reader *reader, const struct watched_stop *watched)
{
	if (has_label(watched_stop_about(watched)->labels, reader->label))
		say_json(reader, "watching", watched_stop_json(watched));
}

/* The number of a stop. */
static bool is_seq(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < sizeof "18446744073709551615" - 1 &&
		text[digits] == '\0';
}

static void begin_stops(struct witness_server *server, struct web_exchange *exchange,
	const char *since)
{
	const char *label = web_query(exchange, "label", 0);
	const struct watched_stop *watched = NULL;
	struct reader *reader = mem_zeroed(sizeof *reader);

	reader->exchange = exchange;
	reader->label = label && label[0] ? mem_text(label) : NULL;
	exchange->data = reader;
	DL_APPEND(server->readers, reader);
	server->reader_count++;
	web_stream_begin(exchange, 200, "application/x-ndjson");
	while ((watched = watch_next(server->options.watch, watched)))
		say_watching(reader, watched);
	if (since)
		say_kept(server, reader, strtoull(since, NULL, 10));
	say_heartbeat(server, reader);
}

/* --- requests --- */

static void refuse(struct web_exchange *exchange, unsigned status, const char *why)
{
	SCOPED(json_free) cJSON *json = json_fill(NULL, "{'error': %s}", why);
	SCOPED(mem_free) char *text = json_print(json);

	web_reply(exchange, status, "application/json", text, strlen(text));
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct witness_server *server = arg;
	bool node = strcmp(exchange->path, "/v1/node") == 0;
	bool stops = strcmp(exchange->path, "/v1/stops") == 0;
	const char *since = web_query(exchange, "since", 0);

	if (!node && !stops)
		refuse(exchange, 404, "there are /v1/node and /v1/stops");
	else if (strcmp(exchange->method, "GET") != 0)
		refuse(exchange, 405, "only GET");
	else if (node)
		answer_node(server, exchange);
	else if (since && !is_seq(since))
		refuse(exchange, 400, "since: expected the number of a stop");
	else if (server->reader_count == WITNESS_READERS_MAX)
		refuse(exchange, 503, "too many readers");
	else
		begin_stops(server, exchange, since);
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end UNUSED)
{
	struct witness_server *server = arg;
	struct reader *reader = exchange->data;

	if (!reader)
		return;
	DL_DELETE(server->readers, reader);
	server->reader_count--;
	free(reader->label);
	free(reader);
}

/* --- telling --- */

void witness_server_tell_watching(
	struct witness_server *server, const struct watched_stop *watched)
{
	const struct reader *reader;

	DL_FOREACH(server->readers, reader)
		say_watching(reader, watched);
}

void witness_server_tell_stop(
	struct witness_server *server, const struct watched_stop *watched)
{
	const struct kept_stop *stop =
		stop_ring_add(&server->ring, watched_stop_report_json(watched),
			watched_stop_about(watched)->labels, clock_now());
	const struct reader *reader;

	DL_FOREACH(server->readers, reader) {
		if (has_label(stop->labels, reader->label))
			say(reader, stop->line, stop->len);
	}
}

void witness_server_tell_missed(struct witness_server *server, const char *id,
	const struct subject_about *about)
{
	const struct reader *reader;

	DL_FOREACH(server->readers, reader) {
		cJSON *json = json_fill(NULL, "{'container': %s, 'name': %s}", id,
			about ? about->name : "");

		if (about && !has_label(about->labels, reader->label)) {
			cJSON_Delete(json);
			continue;
		}
		if (about && about->exit_code >= 0)
			json_add_int(json, "exit_code", about->exit_code);
		say_json(reader, "missed", json);
	}
}

/* --- open and close --- */

static bool read_pem(
	struct buf *text, const char *folder, const char *name, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);

	buf_init(text, PEM_MAX);
	return fs_read_file(text, path) || err_sys(err, "%s", path);
}

/* "10.99.2.2:7443", "[::1]:7443" */
static bool split(const char *rest, char **host, uint16_t *port, struct err *err)
{
	const char *colon = strrchr(rest, ':');
	bool v6 = rest[0] == '[';
	char *end = NULL;
	unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;

	if (!colon || end == colon + 1 || *end || number > UINT16_MAX ||
		(v6 && colon[-1] != ']'))
		return err_set(err, "https://%s: expected https://ADDRESS:PORT", rest);
	*port = (uint16_t)number;
	*host = mem_textf("%.*s", (int)(colon - rest) - 2 * v6, rest + v6);
	return true;
}

static bool listen_tls(
	struct witness_server *server, struct web_options *web, struct err *err)
{
	const char *folder = server->options.tls;
	SCOPED(buf_done) struct buf ca = {0};
	SCOPED(buf_done) struct buf cert = {0};
	SCOPED(buf_done) struct buf key = {0};
	struct web_tls tls;

	if (!folder)
		return err_set(err,
			"https:// needs --tls FOLDER, with ca.pem, cert.pem and key.pem");
	if (!split(server->options.address + strlen("https://"), &server->host,
		    &web->port, err) ||
		!read_pem(&ca, folder, "ca.pem", err) ||
		!read_pem(&cert, folder, "cert.pem", err) ||
		!read_pem(&key, folder, "key.pem", err))
		return false;
	tls = (struct web_tls){buf_text(&ca), buf_text(&cert), buf_text(&key)};
	web->host = server->host;
	web->tls = &tls;
	server->web = web_create(server->options.loop, web, err);
	return server->web != NULL;
}

static bool open_web(struct witness_server *server, struct err *err)
{
	const char *address = server->options.address;
	struct web_options web = {
		.handle = on_request,
		.over = on_over,
		.arg = server,
		.connections = 2 * WITNESS_READERS_MAX,
	};

	if (strncmp(address, "https://", strlen("https://")) == 0)
		return listen_tls(server, &web, err);
	if (strncmp(address, "unix:///", strlen("unix:///")) != 0)
		return err_set(err,
			"%s: expected unix:///PATH or https://ADDRESS:PORT (what a witness tells "
			"goes over no plain TCP)",
			address);
	web.socket = address + strlen("unix://");
	server->web = web_create(server->options.loop, &web, err);
	return server->web != NULL;
}

struct witness_server *witness_server_create(
	const struct witness_server_options *options, struct err *err)
{
	struct witness_server *server = mem_zeroed(sizeof *server);

	server->options = *options;
	server->instance = mem_textf("%d-%lld", (int)getpid(), (long long)clock_now());
	server->heartbeat = loop_timer_create(options->loop, on_heartbeat, server);
	loop_timer_set(server->heartbeat, WITNESS_HEARTBEAT_NS);
	if (open_web(server, err))
		return server;
	witness_server_destroy(server);
	return NULL;
}

void witness_server_destroy(struct witness_server *server)
{
	if (!server)
		return;
	web_destroy(server->web);
	loop_timer_destroy(server->heartbeat);
	stop_ring_done(&server->ring);
	free(server->host);
	free(server->instance);
	free(server);
}

char *witness_server_address(const struct witness_server *server)
{
	bool v6 = server->host && strchr(server->host, ':');

	return server->host ? mem_textf(v6 ? "https://[%s]:%u" : "https://%s:%u",
				      server->host, web_port(server->web))
			    : mem_text(server->options.address);
}
