#include "harness/engine/docker/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define ADDRESS "unix:///var/run/docker.sock"
#define PING_NS (4 * CLOCK_S)
/* The call's own deadline comes first, with the better error. */
#define EXTRA_NS    (1 * CLOCK_S)
#define WRITTEN_FOR "1.41" /* Docker 20.10 */
#define OLDEST      "1.25" /* Init and StopTimeout of a container */
#define STOP_SIGNAL "1.42" /* /stop takes a signal */

/* "1.41" as 1041; 0 when the text is no version. */
static int version_number(const char *text)
{
	int major, minor;

	return text && sscanf(text, "%d.%d", &major, &minor) == 2 ? major * 1000 + minor
								  : 0;
}

/* --- the address --- */

static bool parse_tcp(struct docker_api *api, const char *rest, struct err *err)
{
	size_t len = strcspn(rest, "/");
	const char *port = memrchr(rest, ':', len);

	if (len == 0 || port == rest || rest[len] != '\0')
		return err_set(err, "%s%s: expected tcp://HOST:PORT", api->said_by,
			api->address);
	if (getenv("DOCKER_TLS_VERIFY") && getenv("DOCKER_TLS_VERIFY")[0])
		return err_set(err,
			"%s%s with DOCKER_TLS_VERIFY: a daemon behind TLS can't "
			"be asked, only plain tcp:// and unix://",
			api->said_by, api->address);
	api->host = mem_textf("%.*s", (int)(port ? port - rest : (ptrdiff_t)len), rest);
	api->base =
		port ? mem_textf("http://%s", rest) : mem_textf("http://%s:2375", rest);
	return true;
}

static bool parse_address(struct docker_api *api, const char *address, struct err *err)
{
	static const char unix_scheme[] = "unix://", tcp_scheme[] = "tcp://";
	const char *said = address ? NULL : getenv("DOCKER_HOST");

	if (!address)
		address = said && said[0] ? said : ADDRESS;
	api->address = mem_text(address);
	api->said_by = address == said ? "DOCKER_HOST=" : "";
	if (strncmp(api->address, tcp_scheme, strlen(tcp_scheme)) == 0)
		return parse_tcp(api, api->address + strlen(tcp_scheme), err);
	if (strncmp(api->address, unix_scheme, strlen(unix_scheme)) != 0 ||
		api->address[strlen(unix_scheme)] != '/')
		return err_set(err,
			"%s%s: only unix:///PATH and tcp://HOST:PORT "
			"are understood",
			api->said_by, api->address);
	api->socket = mem_text(api->address + strlen(unix_scheme));
	api->base = mem_text("http://docker");
	return true;
}

/* curl's error for a socket that cannot be used does not say why. */
static bool check_socket(const struct docker_api *api, struct err *err)
{
	const char *why = api->said_by[0]            ? " (DOCKER_HOST)"
		: strcmp(api->address, ADDRESS) == 0 ? " (the default)"
						     : "";

	if (!api->socket || access(api->socket, R_OK | W_OK) == 0)
		return true;
	if (errno == EACCES)
		return err_set(err,
			"%s%s: Permission denied: the Docker daemon's socket is for root and "
			"the members of its group (`sudo`, or the group docker)",
			api->address, why);
	return err_sys(err, "no Docker daemon at %s%s", api->address, why);
}

/* --- calls --- */

/* {"message": "No such container: x"} */
static void say_failure(const struct fetch_result *result, struct err *err)
{
	SCOPED(json_free) cJSON *json =
		json_parse(buf_text(result->body), result->body->len);
	const char *message = json_text(json, "message");
	int len = (int)strcspn(buf_text(result->body), "\n");

	if (message)
		err_set(err, "%s (HTTP %ld)", message, result->status);
	else
		err_set(err, "HTTP %ld %.*s", result->status, len < 300 ? len : 300,
			buf_text(result->body));
}

bool docker_api_went_well(const struct fetch_result *result, struct err *err)
{
	if (result->end != FETCH_ANSWERED)
		return err_set(err, "the Docker daemon: %s", result->why);
	if (result->status / 100 == 2 || result->status == 304)
		return true;
	say_failure(result, err);
	return false;
}

struct fetch_call *docker_api_begin(struct docker_api *api,
	const struct fetch_request *request, const char *path, struct err *err)
{
	SCOPED(mem_free) char *url = api->version && strncmp(path, "/v1.", 4) != 0
		? mem_textf("%s/v%s%s", api->base, api->version, path)
		: mem_textf("%s%s", api->base, path);
	struct fetch_request whole = *request;

	whole.url = url;
	whole.socket = api->socket;
	/* The daemon may have closed a warm connection, which would fail a stop. */
	whole.fresh = true;
	return fetch_start(api->fetch, &whole, err);
}

struct pending {
	const struct docker_call *call;
	struct err *err;
	bool over, ok;
};

/* Most calls answer with JSON; a stream of JSON objects becomes a string. */
static void on_done(void *arg, const struct fetch_result *result)
{
	struct pending *pending = arg;

	pending->over = true;
	if (pending->call->status)
		*pending->call->status = result->status;
	pending->ok = docker_api_went_well(result, pending->err);
	if (pending->ok && pending->call->text)
		*pending->call->text = mem_text(buf_text(result->body));
	if (pending->ok && pending->call->answer && result->body->len > 0) {
		cJSON *json = json_parse(result->body->data, result->body->len);

		*pending->call->answer =
			json ? json : cJSON_CreateString(buf_text(result->body));
	}
}

static bool is_over(const void *arg)
{
	return ((const struct pending *)arg)->over;
}

bool docker_api_call(
	struct docker_api *api, const struct docker_call *call, struct err *err)
{
	static const char *const json_type[] = {"Content-Type: application/json", NULL};
	static const char *const tar_type[] = {"Content-Type: application/x-tar", NULL};
	SCOPED(mem_free) char *body = call->json ? json_print(call->json) : NULL;
	struct pending pending = {.call = call, .err = err};
	int64_t within_ns = call->within_ns ? call->within_ns : DOCKER_API_NS;
	const struct fetch_request request = {
		.method = call->method,
		.headers = call->upload ? tar_type
			: body          ? json_type
					: NULL,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.upload = call->upload,
		.timeout_ns = within_ns,
		.done = on_done,
		.arg = &pending,
	};
	struct fetch_call *begun;
	enum wait_end end;

	if (call->status)
		*call->status = 0;
	begun = docker_api_begin(api, &request, call->path, err);
	if (!begun)
		return false;
	end = wait_until(api->loop, is_over, &pending,
		clock_now() + within_ns + EXTRA_NS,
		call->stubborn ? NULL : api->interrupted);
	if (end == WAIT_SO)
		return pending.ok;
	fetch_cancel(begun);
	return err_set(
		err, end == WAIT_INTERRUPTED ? "interrupted" : "no answer in time");
}

void docker_api_try(struct docker_api *api, const char *method, const char *path, ...)
{
	SCOPED(buf_done) struct buf text = {0};
	struct err ignored;
	va_list args;
	bool ok UNUSED;

	va_start(args, path);
	buf_addv(&text, path, args);
	va_end(args);
	ok = docker_api_call(api,
		&(struct docker_call){
			.method = method, .path = buf_text(&text), .stubborn = true},
		&ignored);
}

/* --- the version --- */

/* WRITTEN_FOR, or the nearest version that the daemon speaks. */
static bool choose_version(struct docker_api *api, struct err *err)
{
	const char *newest = json_text(api->about, "ApiVersion");
	const char *oldest = json_text(api->about, "MinAPIVersion");
	const char *chosen = WRITTEN_FOR;

	if (version_number(oldest) > version_number(chosen))
		chosen = oldest;
	if (version_number(newest) < version_number(chosen))
		chosen = newest;
	if (version_number(chosen) < version_number(OLDEST))
		return err_set(err, "%s speaks API version %s, too old: %s is needed",
			api->address, newest ? newest : "(none)", OLDEST);
	api->version = mem_text(chosen);
	if (version_number(chosen) >= version_number(STOP_SIGNAL))
		api->version_with_stop_signal = api->version;
	else if (version_number(newest) >= version_number(STOP_SIGNAL))
		api->version_with_stop_signal = STOP_SIGNAL;
	return true;
}

static bool ask_version(struct docker_api *api, struct err *err)
{
	if (!docker_api_call(api,
		    &(struct docker_call){.path = "/version",
			    .within_ns = PING_NS,
			    .answer = &api->about},
		    err))
		return err_while(err, "no Docker daemon answers at %s", api->address);
	return choose_version(api, err);
}

static bool is_podman(const cJSON *about)
{
	const cJSON *component;

	cJSON_ArrayForEach(component, json_get(about, "Components")) {
		const char *name = json_text(component, "Name");

		if (name && strstr(name, "Podman"))
			return true;
	}
	return false;
}

struct docker_api *docker_api_open(
	uv_loop_t *loop, const char *address, const bool *interrupted, struct err *err)
{
	struct docker_api *api = mem_zeroed(sizeof *api);

	api->loop = loop;
	api->interrupted = interrupted;
	if (parse_address(api, address, err) && check_socket(api, err) &&
		(api->fetch = fetch_create(loop, 4, err)) && ask_version(api, err)) {
		api->is_podman = is_podman(api->about);
		return api;
	}
	docker_api_close(api);
	return NULL;
}

void docker_api_close(struct docker_api *api)
{
	if (!api)
		return;
	fetch_destroy(api->fetch);
	cJSON_Delete(api->about);
	free(api->address);
	free(api->socket);
	free(api->host);
	free(api->base);
	free(api->version);
	free(api);
}

char *docker_api_time(int64_t wall_ns)
{
	return mem_textf("%lld.%09lld", (long long)(wall_ns / CLOCK_S),
		(long long)(wall_ns % CLOCK_S));
}

char *docker_api_escape(const char *text)
{
	return fetch_escape(text);
}
