#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/test/blunt_server.h"
#include "test/support/own_network.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define LISTENING "\"event\":\"balancer.listening\",\"port\":"

/* bin/balancer between clients and a blunt server, which are in the loop of the test. */
struct balancer_scene {
	uv_loop_t loop;
	uv_timer_t tick; /* turns the loop: the program is not in it */
	char *folder, *log, *socket;
	struct program program;
	struct blunt_server server;
	struct fetch *fetch;
	long long port;
	/* Of the last answer. */
	struct fetch_call *call;
	unsigned done, pieces;
	struct fetch_result result;
	struct buf body, heads;
};

static void on_tick(uv_timer_t *timer UNUSED)
{
}

static bool logged(const struct balancer_scene *scene, const char *text)
{
	SCOPED(buf_done) struct buf log = {0};

	return fs_read_file(&log, scene->log) && strstr(buf_text(&log), text);
}

static long long logged_port(const struct balancer_scene *scene)
{
	SCOPED(buf_done) struct buf log = {0};
	const char *at;

	if (!fs_read_file(&log, scene->log))
		return 0;
	at = strstr(buf_text(&log), LISTENING);
	return at ? strtoll(at + strlen(LISTENING), NULL, 10) : 0;
}

/* With two more options, each may be NULL. */
static void start_balancer(
	struct balancer_scene *scene, const char *option, const char *other)
{
	SCOPED(mem_free)
	char *backends = mem_textf("--backends=127.0.0.1:%d", scene->server.port);
	SCOPED(mem_free) char *control = mem_textf("--control=%s", scene->socket);
	const char *const argv[] = {"balancer", backends, control,
		option ? option : "--lag=0s", other, NULL};
	int log = open(scene->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	program_start(&scene->program, argv, (struct program_fds){.err = log});
	close(log);
	until(&scene->loop, (scene->port = logged_port(scene)) != 0);
}

static int set_up(void **state)
{
	struct balancer_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->tick);
	uv_timer_start(&scene->tick, on_tick, 5, 5);
	scene->folder = temp_dir_create();
	scene->log = mem_textf("%s/log", scene->folder);
	scene->socket = mem_textf("%s/control.sock", scene->folder);
	server_open(&scene->server, &scene->loop, NULL);
	scene->fetch = fetch_create(&scene->loop, 8, &err);
	*state = scene;
	return scene->fetch ? 0 : -1;
}

static int tear_down(void **state)
{
	struct balancer_scene *scene = *state;

	fetch_destroy(scene->fetch);
	program_kill(&scene->program);
	server_close(&scene->server);
	uv_close((uv_handle_t *)&scene->tick, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->server.last);
	buf_done(&scene->body);
	buf_done(&scene->heads);
	temp_dir_remove(scene->folder);
	free(scene->log);
	free(scene->socket);
	free(scene);
	return 0;
}

static void add_head(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s: %s\n", name, value);
}

static void on_piece(void *arg, const char *data, size_t len)
{
	struct balancer_scene *scene = arg;

	scene->pieces++;
	buf_add(&scene->body, data, len);
}

static void on_done(void *arg, const struct fetch_result *result)
{
	struct balancer_scene *scene = arg;

	scene->done++;
	scene->result = *result;
	buf_add(&scene->body, buf_text(result->body), result->body->len);
	fetch_each_header(scene->call, add_head, &scene->heads);
	scene->call = NULL;
}

static void begin(struct balancer_scene *scene, struct fetch_request request)
{
	SCOPED(mem_free)
	char *url = mem_textf("http://127.0.0.1:%lld%s", scene->port, request.url);
	struct err err = {0};

	buf_clear(&scene->body);
	buf_clear(&scene->heads);
	scene->pieces = 0;
	request.url = url;
	request.all_heads = true;
	request.data = on_piece;
	request.done = on_done;
	request.arg = scene;
	scene->call = fetch_start(scene->fetch, &request, &err);
	assert_non_null(scene->call);
}

static void ask(struct balancer_scene *scene, struct fetch_request request)
{
	unsigned before = scene->done;

	begin(scene, request);
	until(&scene->loop, scene->done > before);
}

static void assert_said(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected \"%s\" in: %s", part, text);
}

/* --- tests --- */

static void a_request_and_its_answer_pass_as_they_came(void **state)
{
	struct balancer_scene *scene = *state;
	const char *const headers[] = {
		"Host: shop.example", "X-Tag: 1", "Content-Type: text/odd", NULL};
	SCOPED(mem_free)
	char *who = mem_textf("X-Backend: 127.0.0.1:%d\n", scene->server.port);
	const char *request;

	start_balancer(scene, NULL, NULL);
	ask(scene,
		(struct fetch_request){.url = "/busy",
			.method = "PUT",
			.headers = headers,
			.body = "hello",
			.body_len = 5});
	request = buf_text(&scene->server.last);
	assert_said(request, "PUT /busy HTTP/1.1\r\n");
	assert_said(request, "\r\nHost: shop.example\r\n");
	assert_said(request, "\r\nX-Tag: 1\r\n");
	assert_said(request, "\r\nContent-Type: text/odd\r\n");
	assert_said(request, "\r\n\r\nhello");
	assert_int_equal(scene->result.status, 503);
	assert_said(buf_text(&scene->heads), "Retry-After: 7\n");
	assert_said(buf_text(&scene->heads), who);
	begin(scene, (struct fetch_request){.url = "/a/../b%20c?d=%2F&e"});
	until(&scene->loop, scene->server.requests == 2); /* it gets no answer */
	request = buf_text(&scene->server.last);
	assert_said(request, "GET /a/../b%20c?d=%2F&e HTTP/1.1\r\n");
}

/* What the client sees of each end that a backend can make. */
static void an_answer_ends_as_that_of_the_backend(void **state)
{
	static const struct {
		const char *path;
		enum fetch_end end;
		long status;
		const char *body;
	} rows[] = {
		{"/plain", FETCH_ANSWERED, 200, "hello"},
		{"/empty", FETCH_ANSWERED, 204, ""},
		{"/missing", FETCH_ANSWERED, 404, "no such thing"},
		{"/last", FETCH_ANSWERED, 200, "bye"},
		{"/until-the-end", FETCH_ANSWERED, 200, "all"},
		{"/drip", FETCH_ANSWERED, 200, "dripdripdripdripdrip"},
		{"/half-body", FETCH_BROKEN, 200, "half"},
		{"/half-chunks", FETCH_BROKEN, 200, "half"},
		{"/leave", FETCH_ANSWERED, 502,
			"{\"error\":\"the backend did not answer\"}\n"},
		{"/reset", FETCH_ANSWERED, 502,
			"{\"error\":\"the backend did not answer\"}\n"},
		{"/hang", FETCH_ANSWERED, 504,
			"{\"error\":\"the backend did not answer in time\"}\n"},
	};
	struct balancer_scene *scene = *state;

	start_balancer(scene, "--timeout=300ms", NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].path);
		ask(scene, (struct fetch_request){.url = rows[i].path});
		assert_int_equal(scene->result.end, rows[i].end);
		assert_int_equal(scene->result.status, rows[i].status);
		assert_string_equal(buf_text(&scene->body), rows[i].body);
	}
	/* Neither the client's connection was closed for it, nor the backend's. */
	assert_true(scene->result.reused);
	assert_true(logged(scene, "\"event\":\"request.failed\""));
}

static void a_stream_flows(void **state)
{
	struct balancer_scene *scene = *state;

	start_balancer(scene, NULL, NULL);
	begin(scene, (struct fetch_request){.url = "/drip"});
	until(&scene->loop, scene->pieces >= 1);
	assert_int_equal(scene->done, 0);
	until(&scene->loop, scene->done == 1);
	assert_true(scene->pieces > 1);
}

/* Who closes an idle connection while a request is on its way loses that. */
static void an_idle_connection_is_not_used_for_long(void **state)
{
	struct balancer_scene *scene = *state;

	start_balancer(scene, "--idle=1", NULL);
	ask(scene, (struct fetch_request){.url = "/plain"});
	ask(scene, (struct fetch_request){.url = "/plain"});
	assert_int_equal(scene->server.accepted, 1);
	until_idle(&scene->loop, 2100); /* curl counts whole seconds */
	ask(scene, (struct fetch_request){.url = "/plain"});
	assert_int_equal(scene->server.accepted, 2);
}

static void a_request_goes_to_another_backend(void **state)
{
	struct balancer_scene *scene = *state;
	struct blunt_server other = {0};
	SCOPED(mem_free) char *both = NULL;

	/* A port at which nobody listens, beside the server. */
	server_open(&other, &scene->loop, NULL);
	server_close(&other);
	until_idle(&scene->loop, 5);
	both = mem_textf(
		"--backends=127.0.0.1:%d,127.0.0.1:%d", other.port, scene->server.port);
	start_balancer(scene, "--retries=1", both);
	for (unsigned i = 0; i < 4; i++) {
		ask(scene, (struct fetch_request){.url = "/plain"});
		assert_int_equal(scene->result.status, 200);
	}
	assert_true(logged(scene, "\"event\":\"request.retried\""));
	assert_false(logged(scene, "\"event\":\"request.failed\""));
}

static void control(struct balancer_scene *scene, const char *method, const char *url,
	const char *body)
{
	struct err err = {0};
	unsigned before = scene->done;

	buf_clear(&scene->body);
	scene->call = fetch_start(scene->fetch,
		&(struct fetch_request){
			.method = method,
			.url = url,
			.socket = scene->socket,
			.body = body,
			.body_len = body ? strlen(body) : 0,
			.done = on_done,
			.arg = scene,
		},
		&err);
	assert_non_null(scene->call);
	until(&scene->loop, scene->done > before);
}

#define BACKENDS "http://balancer/control/backends"

static void backends_are_changed_at_the_control_socket(void **state)
{
	static const char *const wrong[] = {"", "[]", "{\"backends\":7}",
		"{\"backends\":[7]}", "{\"backends\":[\"shop:80\"]}",
		"{\"backends\":[\"10.0.0.1\"]}", "{\"backends\":[\"10.0.0.1:0\"]}",
		"{\"backends\":[],\"lag\":1}"};
	struct balancer_scene *scene = *state;
	SCOPED(mem_free)
	char *present =
		mem_textf("\"127.0.0.1:%d\",\"state\":\"up\"", scene->server.port);

	start_balancer(scene, NULL, NULL);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		print_message("%s\n", wrong[i]);
		control(scene, "PUT", BACKENDS, wrong[i]);
		assert_int_equal(scene->result.status, 400);
		assert_said(buf_text(&scene->body), "{\"error\":\"");
	}
	control(scene, "GET", BACKENDS, NULL);
	assert_int_equal(scene->result.status, 200);
	assert_said(buf_text(&scene->body), present);
	control(scene, "PUT", BACKENDS, "{\"backends\":[\"[::1]:9\"]}");
	assert_string_equal(buf_text(&scene->body),
		"{\"backends\":[{\"address\":\"[::1]:9\",\"state\":\"up\",\"under_way\":0,"
		"\"requests\":0}]}");
	control(scene, "PUT", BACKENDS, "{\"backends\":[]}");
	assert_string_equal(buf_text(&scene->body), "{\"backends\":[]}");
	ask(scene, (struct fetch_request){.url = "/plain"});
	assert_int_equal(scene->result.status, 503);
	assert_said(buf_text(&scene->heads), "Retry-After: 1\n");
	control(scene, "DELETE", BACKENDS, NULL);
	assert_int_equal(scene->result.status, 405);
	control(scene, "GET", "http://balancer/control", NULL);
	assert_int_equal(scene->result.status, 404);
	/* It is not at the port of the traffic. */
	ask(scene, (struct fetch_request){.url = "/control/backends"});
	assert_int_equal(scene->result.status, 503);
}

/* Its connections are closed once its last request is over. */
static void a_backend_that_is_taken_out_keeps_its_requests(void **state)
{
	struct balancer_scene *scene = *state;
	struct fetch_call *under_way;

	start_balancer(scene, NULL, NULL);
	scene->server.crowd = 2;
	begin(scene, (struct fetch_request){.url = "/crowd"});
	until(&scene->loop, scene->server.waiting == 1);
	under_way = scene->call;
	control(scene, "PUT", BACKENDS, "{\"backends\":[]}");
	scene->call = under_way;
	assert_said(buf_text(&scene->body), "\"state\":\"out\",\"under_way\":1");
	assert_int_equal(scene->server.open, 1);
	say(scene->server.visits, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	until(&scene->loop, scene->done == 2);
	assert_int_equal(scene->result.status, 200);
	until(&scene->loop, scene->server.open == 0);
	until(&scene->loop, logged(scene, "\"event\":\"backend.closed\""));
}

static void a_balancer_answers_what_it_has_and_ends(void **state)
{
	struct balancer_scene *scene = *state;

	start_balancer(scene, NULL, NULL);
	scene->server.crowd = 2;
	begin(scene, (struct fetch_request){.url = "/crowd"});
	until(&scene->loop, scene->server.waiting == 1);
	assert_int_equal(kill(scene->program.pid, SIGTERM), 0);
	until(&scene->loop, logged(scene, "\"event\":\"balancer.stopping\""));
	say(scene->server.visits, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
	until(&scene->loop, scene->done == 1);
	assert_string_equal(buf_text(&scene->body), "last");
	assert_int_equal(program_code(program_wait(&scene->program)), 0);
	assert_int_equal(access(scene->socket, F_OK), -1);
}

static void wrong_options_are_refused(void **state UNUSED)
{
	static const struct {
		const char *option, *why;
		int code;
	} rows[] = {
		{"--health-interval=0s", "--health-interval: expected more than 0s", 2},
		{"--health-path=ready", "--health-path: expected a path", 2},
		{"--backends=shop:80", "--backends: shop:80: expected an address", 3},
		{"--control=/dev/null/x", "--control: listen on /dev/null/x", 3},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *const argv[] = {"balancer", rows[i].option, NULL};
		struct program_output output = program_run(argv);

		assert_int_equal(output.code, rows[i].code);
		assert_said(output.err, rows[i].why);
		program_output_done(&output);
	}
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_request_and_its_answer_pass_as_they_came),
		SCENE(an_answer_ends_as_that_of_the_backend),
		SCENE(a_stream_flows),
		SCENE(an_idle_connection_is_not_used_for_long),
		SCENE(a_request_goes_to_another_backend),
		SCENE(backends_are_changed_at_the_control_socket),
		SCENE(a_backend_that_is_taken_out_keeps_its_requests),
		SCENE(a_balancer_answers_what_it_has_and_ends),
		cmocka_unit_test(wrong_options_are_refused),
	};

	own_network();
	return cmocka_run_group_tests_name("balancer", tests, NULL, NULL);
}
