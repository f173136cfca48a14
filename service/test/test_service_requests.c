#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "service/test/world.h"

#define ANN   "financial_analyst"
#define JSON  "application/json"
#define WHO   "\"creator\":{\"id\":1,\"name\":\"Test\"}"
#define ROOM  "\"room\":{\"id\":1,\"name\":\"Test\"}"
#define GOOD  "{" WHO "," ROOM ",\"content\":\"hello\"}"
#define TO_US "/webhook/" ANN

static int build(void **state)
{
	struct world *world = world_create();

	world_set(world, "BODY_LIMIT=2000");
	world_start_agent(world, NULL);
	*state = world;
	return 0;
}

static int raze(void **state)
{
	world_destroy(*state);
	return 0;
}

static void stop(struct world *world)
{
	world_signal(world, SIGTERM);
	assert_int_equal(world_exit(world), 0);
}

static void service_says_what_is_wrong_with_a_request(void **state)
{
	struct world *world = *state;
	SCOPED(buf_done) struct buf large = {0};
	struct shot *too_much;
	const struct {
		struct request request;
		long status;
		const char *says;
	} rows[] = {
		{{"POST", TO_US, JSON, NULL, GOOD}, 200, "You said: hello"},
		{{"POST", TO_US, "application/json; charset=utf-8", NULL, GOOD}, 200,
			""},
		{{"POST", TO_US, "Application/JSON ;x=y", NULL, GOOD}, 200, ""},
		{{"POST", TO_US, JSON, NULL, "{"}, 400, "body:1:2: "},
		{{"POST", TO_US, JSON, NULL, ""}, 400, "body:1:1: expected a value"},
		{{"POST", TO_US, JSON, NULL, "[]"}, 400,
			"expected an object, not an array"},
		{{"POST", TO_US, JSON, NULL, "{" ROOM "}"}, 400, "creator is missing"},
		{{"POST", TO_US, JSON, NULL, "{" WHO ",\"content\":\"x\"}"}, 400,
			"room is missing"},
		{{"POST", TO_US, JSON, NULL, "{" WHO "," ROOM "}"}, 400,
			"content is missing"},
		{{"POST", TO_US, JSON, NULL, "{" WHO "," ROOM ",\"content\":1}"}, 400,
			"content: expected a string, not a number"},
		{{"POST", TO_US, JSON, NULL,
			 "{" WHO "," ROOM ",\"content\":\"\xc3\x28\"}"},
			400, "is not UTF-8"},
		{{"POST", TO_US, "text/plain", NULL, GOOD}, 415, "application/json"},
		{{"POST", TO_US, "application/jsonx", NULL, GOOD}, 415,
			"application/json"},
		{{"POST", TO_US, NULL, NULL, GOOD}, 415, "application/json"},
		{{"POST", "/webhook/nobody", JSON, NULL, GOOD}, 404, "no such bot"},
		{{"POST", "/webhook/", JSON, NULL, GOOD}, 404, "no such bot"},
		{{"POST", TO_US "/more", JSON, NULL, GOOD}, 404, "no such bot"},
		{{"POST", "/webhook", JSON, NULL, GOOD}, 404, "nothing at this path"},
		{{"GET", "/", NULL, NULL, NULL}, 404, "nothing at this path"},
		{{"GET", "/healthy", NULL, NULL, NULL}, 404, "nothing at this path"},
		{{"GET", TO_US, NULL, NULL, NULL}, 405, "no use here"},
		{{"DELETE", TO_US, NULL, NULL, NULL}, 405, "no use here"},
		{{"POST", "/health", JSON, NULL, "{}"}, 405, "no use here"},
		{{"POST", "/metrics", JSON, NULL, "{}"}, 405, "no use here"},
		{{"POST", TO_US, JSON, NULL, NULL}, 400, "body:1:1: expected a value"},
		{{"GET", "/health?x=y", NULL, NULL, NULL}, 200, "alive"},
		{{"GET", "/ready", NULL, NULL, NULL}, 200, "ready"},
	};

	world_start(world);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct request *request = &rows[i].request;
		struct shot *shot = world_send(world, request);

		if (shot_status(shot) != rows[i].status ||
			!strstr(shot_body(shot), rows[i].says))
			world_fail(world, "%s %s %s: %ld %s", request->method,
				request->path, request->body ? request->body : "",
				shot_status(shot), shot_body(shot));
		/* Whatever is wrong is said in the same form. */
		if (rows[i].status != 200)
			assert_string_not_equal(shot_text(shot, "error"), "");
	}
	while (large.len <= 2000)
		buf_adds(&large, "0123456789");
	too_much = world_send(
		world, &(struct request){"POST", TO_US, JSON, NULL, large.data});
	assert_int_equal(shot_status(too_much), 413);
	assert_string_equal(
		shot_text(too_much, "error"), "the body is larger than 2000 bytes");
	assert_true(world_metric(world, "service_requests_total{status=\"413\"}") == 1);
	assert_true(world_metric(world, "service_requests_total{status=\"415\"}") == 3);
	assert_true(world_metric(world, "service_requests_total{status=\"405\"}") == 4);
	assert_int_equal(world_count(world, "agent.session.opened"), 1);
	stop(world);
}

static void service_wants_its_token_where_one_is_set(void **state)
{
	static const struct {
		const char *authorization;
		long status;
	} rows[] = {
		{NULL, 401},
		{"", 401},
		{"Bearer", 401},
		{"Bearer ", 401},
		{"Bearer secre", 401},
		{"Bearer secret2", 401},
		{"Bearer Secret", 401},
		{"Basic secret", 401},
		{"secret", 401},
		{"Bearer secret", 200},
		{"bearer  secret", 200},
	};
	struct world *world = *state;

	world_set(world, "WEBHOOK_TOKEN=secret");
	world_start(world);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shot *shot = world_send(world,
			&(struct request){
				"POST", TO_US, JSON, rows[i].authorization, GOOD});

		if (shot_status(shot) != rows[i].status)
			world_fail(world, "%s: %ld", rows[i].authorization,
				shot_status(shot));
	}
	/* Who has none learns nothing about bots. */
	assert_int_equal(shot_status(world_send(world,
				 &(struct request){
					 "POST", "/webhook/nobody", JSON, NULL, GOOD})),
		401);
	assert_int_equal(
		shot_status(world_send(world, &(struct request){.path = "/health"})),
		200);
	stop(world);
	world_expect_silence_about(world, "secret");
}

/* What raw bytes get for an answer, until the connection ends or falls silent. */
static char *converse(const struct world *world, const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(
			(uint16_t)strtol(strrchr(world_url(world), ':') + 1, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = {.tv_sec = WORLD_PATIENCE_S};
	SCOPED(buf_done) struct buf heard = {0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char piece[4096];
	ssize_t len;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	while ((len = read(fd, piece, sizeof piece)) > 0)
		buf_add(&heard, piece, (size_t)len);
	close(fd);
	return buf_take(&heard);
}

static void service_names_the_methods_that_have_a_use(void **state)
{
	struct world *world = *state;
	SCOPED(mem_free) char *answer = NULL, *head = NULL;

	world_start(world);
	answer = converse(world,
		"GET " TO_US " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 405 "));
	assert_non_null(strstr(answer, "Allow: POST\r\n"));
	head = converse(
		world, "HEAD /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(head, "HTTP/1.1 200 "));
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	stop(world);
}

static void service_is_well_when_its_own_probe_asks(void **state)
{
	struct world *world = *state;
	const char *port;

	world_start(world);
	port = strrchr(world_url(world), ':') + 1;
	assert_int_equal(world_run_service(world, "--health", port), 0);
	stop(world);
	assert_int_equal(world_run_service(world, "--health", port), 1);
}

static void service_does_not_start_with_settings_that_make_no_sense(void **state)
{
	struct world *world = *state;

	assert_int_equal(world_run_service(world, "--grace", "soon"), 2);
	assert_int_equal(world_run_service(world, "--store", "/nonexistent/x.db"), 1);
	assert_int_equal(world_run_service(world, "--host", "nowhere.invalid"), 1);
	assert_int_equal(world_count(world, "service.failed"), 3);
	assert_int_equal(world_count(world, "service.listening"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			service_says_what_is_wrong_with_a_request, build, raze),
		cmocka_unit_test_setup_teardown(
			service_wants_its_token_where_one_is_set, build, raze),
		cmocka_unit_test_setup_teardown(
			service_names_the_methods_that_have_a_use, build, raze),
		cmocka_unit_test_setup_teardown(
			service_is_well_when_its_own_probe_asks, build, raze),
		cmocka_unit_test_setup_teardown(
			service_does_not_start_with_settings_that_make_no_sense, build,
			raze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
