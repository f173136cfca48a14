#include "lib/fetch.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/run_program.h"
#include "lib/test/web_scene.h"
#include "test/support/temp_dir.h"

/* A web with TLS, and a client whose certificate is in this folder. */
struct tls_scene {
	struct web_scene *web;
	char *folder;
	struct buf ca, cert, key;
	struct fetch *fetch;
	bool done;
	long status;
	enum fetch_end end;
	struct buf body;
};

static void on_done(void *arg, const struct fetch_result *result)
{
	struct tls_scene *scene = arg;

	scene->done = true;
	scene->status = result->status;
	scene->end = result->end;
	buf_add(&scene->body,
		result->end == FETCH_ANSWERED ? buf_text(result->body) : result->why,
		strlen(result->end == FETCH_ANSWERED ? buf_text(result->body)
						     : result->why));
}

static void on_piece(void *arg, const char *data, size_t len)
{
	struct tls_scene *scene = arg;

	buf_add(&scene->body, data, len);
}

static void read_pem(const struct tls_scene *scene, struct buf *text, const char *name)
{
	SCOPED(mem_free) char *path = mem_textf("%s/node/%s", scene->folder, name);

	assert_true(fs_read_file(text, path));
}

static void open_scene(struct tls_scene *scene, struct web_scene *web)
{
	struct web_options options = defaults;
	struct web_tls tls;
	struct err err;

	*scene = (struct tls_scene){.web = web, .folder = temp_dir_create()};
	if (!run_program(&web->loop,
		    (const char *const[]){
			    "sh", "test/support/certificates", scene->folder, NULL},
		    &scene->body, &err))
		fail_msg("%s", err.text);
	read_pem(scene, &scene->ca, "ca.pem");
	read_pem(scene, &scene->cert, "cert.pem");
	read_pem(scene, &scene->key, "key.pem");
	tls = (struct web_tls){
		buf_text(&scene->ca), buf_text(&scene->cert), buf_text(&scene->key)};
	options.tls = &tls;
	open_web(web, options);
	scene->fetch = fetch_create(&web->loop, 2, &err);
	assert_non_null(scene->fetch);
}

static void close_scene(struct tls_scene *scene)
{
	fetch_destroy(scene->fetch);
	temp_dir_remove(scene->folder);
	buf_done(&scene->ca);
	buf_done(&scene->cert);
	buf_done(&scene->key);
	buf_done(&scene->body);
}

/* `who` shows its certificate, and trusts the authority of this file. Streamed where
 * the answer is to be read as it comes. */
static void begin(
	struct tls_scene *scene, const char *who, const char *ca, bool streamed)
{
	SCOPED(mem_free)
	char *url = mem_textf("https://127.0.0.1:%u/in", web_port(scene->web->web));
	SCOPED(mem_free) char *authority = mem_textf("%s/%s", scene->folder, ca);
	SCOPED(mem_free) char *cert = mem_textf("%s/%s/cert.pem", scene->folder, who);
	SCOPED(mem_free) char *key = mem_textf("%s/%s/key.pem", scene->folder, who);
	const struct fetch_tls tls = {
		authority, who[0] ? cert : NULL, who[0] ? key : NULL};
	struct err err;

	scene->done = false;
	buf_clear(&scene->body);
	assert_non_null(fetch_start(scene->fetch,
		&(struct fetch_request){.url = url,
			.tls = &tls,
			.data = streamed ? on_piece : NULL,
			.done = on_done,
			.arg = scene},
		&err));
}

static void ask(struct tls_scene *scene, const char *who, const char *ca)
{
	begin(scene, who, ca, false);
	until(&scene->web->loop, scene->done);
}

static void web_answers_a_client_with_a_certificate(void **state)
{
	struct tls_scene scene;

	open_scene(&scene, *state);
	ask(&scene, "harness", "authority.pem");
	assert_string_equal(buf_text(&scene.body), "GET /in size=none tag=none body=");
	assert_int_equal(scene.status, 200);
	close_scene(&scene);
}

static void web_tells_nothing_to_others(void **state)
{
	static const struct {
		const char *who, *why;
	} rows[] = {
		{"", "no certificate"},
		{"stranger", "of another authority"},
		{"node", "a server's, not a client's"},
	};
	struct tls_scene scene;

	open_scene(&scene, *state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask(&scene, rows[i].who, "authority.pem");
		if (scene.status != 403 || scene.web->handed > 0)
			fail_msg("%s: %ld %s", rows[i].why, scene.status,
				buf_text(&scene.body));
		assert_string_equal(buf_text(&scene.body),
			"{\"error\":\"a client certificate is needed\"}");
	}
	close_scene(&scene);
}

static void client_does_not_ask_a_server_of_another_authority(void **state)
{
	struct tls_scene scene;

	open_scene(&scene, *state);
	ask(&scene, "harness", "other.pem");
	assert_int_equal(scene.end, FETCH_FAILED);
	assert_non_null(strstr(buf_text(&scene.body), "certificate"));
	assert_int_equal(scene.web->handed, 0);
	close_scene(&scene);
}

static void web_streams_over_tls(void **state)
{
	struct web_scene *web = *state;
	struct tls_scene scene;
	struct web_exchange *exchange;

	open_scene(&scene, web);
	web->parks = true;
	begin(&scene, "harness", "authority.pem", true);
	until(&web->loop, web->handed == 1);
	exchange = web->kept[0];
	web_stream_begin(exchange, 200, "text/plain");
	web_stream_add(exchange, "one ", 4);
	until(&web->loop, strcmp(buf_text(&scene.body), "one ") == 0);
	web_stream_add(exchange, "two", 3);
	until(&web->loop, strcmp(buf_text(&scene.body), "one two") == 0);
	web_stream_end(exchange);
	until(&web->loop, scene.done && web->over[WEB_ANSWERED] == 1);
	close_scene(&scene);
}

static void web_notices_that_a_client_of_a_stream_left(void **state)
{
	struct web_scene *web = *state;
	struct tls_scene scene;

	open_scene(&scene, web);
	web->parks = true;
	begin(&scene, "harness", "authority.pem", true);
	until(&web->loop, web->handed == 1);
	web_stream_begin(web->kept[0], 200, "text/plain");
	web_stream_add(web->kept[0], "one", 3);
	until(&web->loop, scene.body.len == 3);
	fetch_destroy(scene.fetch);
	scene.fetch = NULL;
	until(&web->loop, web->over[WEB_LEFT] == 1 && web_connections(web->web) == 0);
	close_scene(&scene);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(web_answers_a_client_with_a_certificate),
		SCENE(web_tells_nothing_to_others),
		SCENE(client_does_not_ask_a_server_of_another_authority),
		SCENE(web_streams_over_tls),
		SCENE(web_notices_that_a_client_of_a_stream_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
