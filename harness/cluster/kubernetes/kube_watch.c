#include "harness/cluster/kubernetes/kube_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define LIST_NS      (20 * CLOCK_S)
#define LIST_CEILING ((size_t)64 << 20)
#define LINE_CEILING ((size_t)4 << 20) /* an object is 1.5 MiB at most, as etcd's */
#define STREAM_S     290               /* the server's own limit is 300 s and more */
#define AGAIN_NS     (100 * CLOCK_MS)  /* after a first failure, then twice as long */
#define AGAIN_MOST   (5 * CLOCK_S)

struct kube_watch {
	struct kube_api *api;
	struct kube_watch_options options;
	char *path, *query;
	char *version; /* to go on from; NULL: the list is to be asked for */
	bool listed;
	struct fetch_call *call; /* NULL: none is */
	struct lines lines;
	struct loop_timer *again;
	unsigned failures; /* in a row */
	char trouble[256];
};

static void set_trouble(struct kube_watch *watch, const char *why)
{
	if (!strcmp(watch->trouble, why))
		return;
	snprintf(watch->trouble, sizeof watch->trouble, "%s", why);
	watch->trouble[strcspn(watch->trouble, "\n")] = '\0';
	watch->options.troubled(watch->options.arg, watch->trouble);
}

/* --- when it goes on --- */

static void go_on(struct kube_watch *watch)
{
	watch->failures = 0;
	loop_timer_set(watch->again, 0);
}

static void forget_version(struct kube_watch *watch)
{
	free(watch->version);
	watch->version = NULL;
}

static void go_on_later(struct kube_watch *watch, const struct err *err)
{
	int64_t pause_ns = AGAIN_NS << (watch->failures < 6 ? watch->failures : 6);

	watch->failures++;
	set_trouble(watch, err->text);
	/* Only a whole list shows that it sees again: a stream may stay silent. */
	if (!watch->options.only_new)
		forget_version(watch);
	loop_timer_set(watch->again, pause_ns < AGAIN_MOST ? pause_ns : AGAIN_MOST);
}

static void note_version(struct kube_watch *watch, const cJSON *object)
{
	const char *version =
		json_text(json_get(object, "metadata"), "resourceVersion");

	if (!version)
		return;
	free(watch->version);
	watch->version = mem_text(version);
}

/* --- the list --- */

static void on_listed(void *arg, const struct fetch_result *result)
{
	struct kube_watch *watch = arg;
	SCOPED(json_free) cJSON *json = NULL;
	struct err err;

	watch->call = NULL;
	if (!kube_api_went_well(watch->api, result, "GET", watch->path, &err)) {
		go_on_later(watch, &err);
		return;
	}
	json = json_parse(buf_text(result->body), result->body->len);
	note_version(watch, json);
	if (!watch->version) {
		err_set(&err, "the answer to %s is no list", watch->path);
		go_on_later(watch, &err);
		return;
	}
	watch->listed = true;
	set_trouble(watch, "");
	if (watch->options.listed)
		watch->options.listed(watch->options.arg, json_get(json, "items"));
	go_on(watch);
}

static char *list_path(const struct kube_watch *watch)
{
	return mem_textf("%s?%s%s%s", watch->path, watch->query ? watch->query : "",
		watch->query ? "&" : "", watch->options.only_new ? "limit=1" : "");
}

/* --- the stream --- */

static void on_error_event(struct kube_watch *watch, const cJSON *status)
{
	const char *message = json_text(status, "message");
	struct err err;

	if (json_int(status, "code", 0) == 410) {
		forget_version(watch);
		return;
	}
	err_set(&err, "%s", message ? message : "the server broke the watch off");
	set_trouble(watch, err.text);
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	static const char *const names[] = {"ADDED", "MODIFIED", "DELETED"};
	struct kube_watch *watch = arg;
	SCOPED(json_free) cJSON *json = cut ? NULL : json_parse(line, len);
	const char *type = json_text(json, "type");
	const cJSON *object = json_get(json, "object");

	if (!type || !object)
		return;
	if (!strcmp(type, "ERROR")) {
		on_error_event(watch, object);
		return;
	}
	note_version(watch, object);
	for (unsigned i = 0; i < COUNT(names); i++)
		if (!strcmp(type, names[i]))
			watch->options.changed(
				watch->options.arg, (enum kube_change)i, object);
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct kube_watch *watch = arg;

	watch->failures = 0;
	set_trouble(watch, "");
	lines_feed(&watch->lines, data, len);
}

/* The end of a stream is nothing unusual: servers and balancers limit it. */
static void on_stream_end(void *arg, const struct fetch_result *result)
{
	struct kube_watch *watch = arg;
	struct err err;

	watch->call = NULL;
	lines_done(&watch->lines);
	lines_init(&watch->lines, LINE_CEILING, on_line, watch);
	if (result->status == 410)
		forget_version(watch);
	if (kube_api_went_well(watch->api, result, "GET", watch->path, &err) ||
		result->status == 410) {
		/* One that ends at once is asked for no faster than this. */
		loop_timer_set(watch->again, AGAIN_NS);
		return;
	}
	go_on_later(watch, &err);
}

static char *stream_path(const struct kube_watch *watch)
{
	return mem_textf("%s?%s%swatch=true&allowWatchBookmarks=true&timeoutSeconds=%d"
			 "&resourceVersion=%s",
		watch->path, watch->query ? watch->query : "", watch->query ? "&" : "",
		STREAM_S, watch->version);
}

/* --- its turns --- */

static void begin(
	struct kube_watch *watch, const struct fetch_request *request, const char *path)
{
	struct err err;

	watch->call = kube_api_begin(watch->api, request, path, &err);
	if (!watch->call)
		go_on_later(watch, &err);
}

static void on_again(void *arg)
{
	struct kube_watch *watch = arg;
	SCOPED(mem_free) char *path = NULL;

	if (!watch->version) {
		path = list_path(watch);
		begin(watch,
			&(struct fetch_request){.timeout_ns = LIST_NS,
				.body_ceiling = LIST_CEILING,
				.done = on_listed,
				.arg = watch},
			path);
		return;
	}
	path = stream_path(watch);
	begin(watch,
		&(struct fetch_request){.timeout_ns = (STREAM_S + 30) * CLOCK_S,
			.data = on_data,
			.done = on_stream_end,
			.arg = watch},
		path);
}

struct kube_watch *kube_watch_create(
	struct kube_api *api, const struct kube_watch_options *options)
{
	struct kube_watch *watch = mem_zeroed(sizeof *watch);

	watch->api = api;
	watch->options = *options;
	watch->path = mem_text(options->path);
	watch->query = mem_text(options->query);
	lines_init(&watch->lines, LINE_CEILING, on_line, watch);
	watch->again = loop_timer_create(api->loop, on_again, watch);
	loop_timer_set(watch->again, 0);
	return watch;
}

void kube_watch_destroy(struct kube_watch *watch)
{
	if (!watch)
		return;
	if (watch->call)
		fetch_cancel(watch->call);
	loop_timer_destroy(watch->again);
	lines_done(&watch->lines);
	free(watch->path);
	free(watch->query);
	free(watch->version);
	free(watch);
}

bool kube_watch_has_listed(const struct kube_watch *watch)
{
	return watch->listed;
}

const char *kube_watch_trouble(const struct kube_watch *watch)
{
	return watch->trouble;
}
