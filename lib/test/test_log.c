#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"

#define LINE_CEILING (64 << 10)

/* The log in a file of its own, until the scene ends. */
static int open_scene(void **state)
{
	int *file = malloc(sizeof *file);

	if (!file)
		return -1;
	*file = memfd_create("log", MFD_CLOEXEC);
	log_to(*file);
	*state = file;
	return *file < 0 ? -1 : 0;
}

static int close_scene(void **state)
{
	int *file = *state;

	log_to(STDERR_FILENO);
	close(*file);
	free(file);
	return 0;
}

/* What was logged in the scene so far. */
static const char *read_scene(void **state, struct buf *text)
{
	int *file = *state;
	char block[4096];
	ssize_t len;
	off_t at = 0;

	buf_clear(text);
	while ((len = pread(*file, block, sizeof block, at)) > 0) {
		assert_true(buf_add(text, block, (size_t)len));
		at += len;
	}
	return buf_text(text);
}

static void read_to_end(int fd, struct buf *text)
{
	char block[4096];
	ssize_t len;

	while ((len = read(fd, block, sizeof block)) > 0)
		assert_true(buf_add(text, block, (size_t)len));
}

static void free_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static const char *text_in(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void assert_child_ended_well(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The first test, before log_to() was called. */
static void log_goes_to_stderr_until_it_is_pointed_elsewhere(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	int ends[2];
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		log_event("here");
		_exit(0);
	}
	close(ends[1]);
	read_to_end(ends[0], &text);
	close(ends[0]);
	assert_child_ended_well(child);
	assert_non_null(strstr(buf_text(&text), "\"event\":\"here\"}\n"));
}

static void log_begins_with_time_pid_and_event(void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(free_json) cJSON *json = NULL;
	static const char *const names[] = {
		"ns", "time", "pid", "event", "working", "why"};
	int64_t before = clock_now(), ns = 0;
	const cJSON *member;
	size_t i = 0;

	log_event("drain.begin", "working", LOG_INT(3), "why", LOG_TEXT("SIGTERM"));
	json = cJSON_Parse(read_scene(state, &text));
	assert_non_null(json);
	cJSON_ArrayForEach(member, json)
		assert_string_equal(member->string, names[i++]);
	assert_int_equal(i, COUNT(names));
	ns = strtoll(buf_text(&text) + strlen("{\"ns\":"), NULL, 10);
	assert_true(ns >= before && ns <= clock_now());
	assert_int_equal(
		strlen(text_in(json, "time")), strlen("2026-11-22T22:05:00.123Z"));
	assert_int_equal(
		cJSON_GetNumberValue(cJSON_GetObjectItem(json, "pid")), getpid());
	assert_string_equal(text_in(json, "event"), "drain.begin");
	assert_string_equal(text_in(json, "why"), "SIGTERM");
}

static void log_writes_every_kind_of_value(void **state)
{
	SCOPED(buf_done) struct buf text = {0};

	log_event("kinds", "least", LOG_INT(INT64_MIN), "most", LOG_INT(INT64_MAX),
		"none", LOG_TEXT(NULL), "empty", LOG_TEXT(""), "yes", LOG_BOOL(true),
		"no", LOG_BOOL(false));
	assert_non_null(strstr(read_scene(state, &text),
		",\"event\":\"kinds\",\"least\":-9223372036854775808,"
		"\"most\":9223372036854775807,\"none\":null,\"empty\":\"\","
		"\"yes\":true,\"no\":false}\n"));
}

static void log_writes_text_as_json_and_utf8(void **state)
{
#define FFFD "\xEF\xBF\xBD"
	static const struct {
		const char *text;
		const char *written;
		const char *why;
	} rows[] = {
		{"plain", "plain", "nothing to do"},
		{"a\"b\\c/d", "a\\\"b\\\\c/d", "quotes and backslashes"},
		{"a\nb\tc", "a\\nb\\tc", "one line stays one line"},
		{"\x01\x1f\r\b\f\x7f", "\\u0001\\u001f\\u000d\\u0008\\u000c\\u007f",
			"controls"},
		{"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80",
			"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80",
			"two, three and four bytes"},
		{"a\xFFz", "a" FFFD "z", "never a byte of UTF-8"},
		{"\x80", FFFD, "a continuation of nothing"},
		{"\xC3", FFFD, "cut after one of two"},
		{"\xE2\x82", FFFD FFFD, "cut after two of three"},
		{"\xF0\x9F\x9A", FFFD FFFD FFFD, "cut after three of four"},
		{"\xC3\"", FFFD "\\\"", "the quote behind it is still a quote"},
		{"\xC0\x80", FFFD FFFD, "overlong NUL"},
		{"\xC1\xBF", FFFD FFFD, "overlong, two bytes"},
		{"\xE0\x9F\xBF", FFFD FFFD FFFD, "overlong, three bytes"},
		{"\xF0\x8F\xBF\xBF", FFFD FFFD FFFD FFFD, "overlong, four bytes"},
		{"\xED\xA0\x80", FFFD FFFD FFFD, "half of a surrogate pair"},
		{"\xED\x9F\xBF", "\xED\x9F\xBF", "the last before surrogates"},
		{"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF", "U+10FFFF"},
		{"\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD, "beyond it"},
	};
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(buf_done) struct buf expected = {0};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *last;

		log_event("text", "t", LOG_TEXT(rows[i].text));
		read_scene(state, &text);
		last = strstr(memrchr(text.data, '{', text.len), "\"t\":");
		buf_clear(&expected);
		buf_addf(&expected, "\"t\":\"%s\"}\n", rows[i].written);
		assert_non_null(last);
		if (strcmp(last, buf_text(&expected)) != 0)
			fail_msg("%s: %s", rows[i].why, last);
	}
}

static void log_escapes_event_and_names_as_well(void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(free_json) cJSON *json = NULL;

	log_event("an \"event\"\n", "a \"name\"", LOG_INT(1));
	json = cJSON_Parse(read_scene(state, &text));
	assert_string_equal(text_in(json, "event"), "an \"event\"\n");
	assert_non_null(cJSON_GetObjectItem(json, "a \"name\""));
}

static void log_cuts_the_longest_text_of_a_line_that_is_too_long(void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(buf_done) struct buf big = {0};
	SCOPED(free_json) cJSON *json = NULL;
	const char *cut;

	for (unsigned i = 0; i < 100000; i++)
		buf_adds(&big, "\xC3\xA9");
	log_event("long", "before", LOG_TEXT("short"), "big", LOG_TEXT(buf_text(&big)),
		"after", LOG_INT(7));
	read_scene(state, &text);
	assert_in_range(text.len, LINE_CEILING - 8, LINE_CEILING);
	json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_string_equal(text_in(json, "before"), "short");
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "after")), 7);
	cut = text_in(json, "big");
	assert_string_equal(cut + strlen(cut) - 5, "\xC3\xA9\xE2\x80\xA6");
	assert_memory_equal(cut, buf_text(&big), strlen(cut) - 3);
}

static void log_cuts_several_long_texts_to_one_length(void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(buf_done) struct buf big = {0};
	SCOPED(free_json) cJSON *json = NULL;

	for (unsigned i = 0; i < 50000; i++)
		buf_adds(&big, "\n");
	log_event("long", "a", LOG_TEXT(buf_text(&big)), "b", LOG_TEXT(buf_text(&big)));
	read_scene(state, &text);
	assert_in_range(text.len, LINE_CEILING - 16, LINE_CEILING);
	json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_string_equal(text_in(json, "a"), text_in(json, "b"));
}

static void log_leaves_a_line_that_just_fits_whole(void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(buf_done) struct buf big = {0};
	size_t frame;

	log_event("fit", "t", LOG_TEXT("x"));
	frame = strlen(strstr(read_scene(state, &text), ",\"time\"")) +
		strlen("{\"ns\":") - 1;
	while (big.len < LINE_CEILING - frame - 20) /* a stamp has 19 digits at most */
		buf_adds(&big, "x");
	log_event("fit", "t", LOG_TEXT(buf_text(&big)));
	read_scene(state, &text);
	assert_non_null(strstr(text.data, buf_text(&big)));
	assert_null(strstr(text.data, "\xE2\x80\xA6"));
}

static void log_leaves_errno_alone(void **state UNUSED)
{
	errno = EXDEV;
	log_event("fine");
	assert_int_equal(errno, EXDEV);
	log_to(-1);
	log_event("to nowhere");
	assert_int_equal(errno, EXDEV);
}

static void log_writes_a_line_at_once(void **state UNUSED)
{
	int ends[2];
	char line[1024];
	ssize_t len;

	/* Datagrams: one write, one message. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	log_to(ends[0]);
	log_event("one", "n", LOG_INT(1));
	log_event("two", "n", LOG_INT(2));
	for (int n = 1; n <= 2; n++) {
		len = recv(ends[1], line, sizeof line - 1, MSG_DONTWAIT);
		assert_true(len > 1);
		line[len] = '\0';
		assert_int_equal(line[0], '{');
		assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	}
	close(ends[0]);
	close(ends[1]);
}

static void log_writes_gathered_lines_together(void **state UNUSED)
{
	int64_t before_ns, between_ns;
	char lines[1024], *second;
	int ends[2];
	ssize_t len;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	log_to(ends[0]);
	log_gather(true);
	before_ns = clock_now();
	log_event("one", "n", LOG_INT(1));
	between_ns = clock_now();
	log_event("two", "n", LOG_INT(2));
	assert_int_equal(recv(ends[1], lines, sizeof lines - 1, MSG_DONTWAIT), -1);
	log_flush();
	len = recv(ends[1], lines, sizeof lines - 1, MSG_DONTWAIT);
	assert_true(len > 1);
	lines[len] = '\0';
	second = strchr(lines, '\n') + 1;
	assert_in_range(
		strtoll(lines + strlen("{\"ns\":"), NULL, 10), before_ns, between_ns);
	assert_true(strtoll(second + strlen("{\"ns\":"), NULL, 10) >= between_ns);
	assert_ptr_equal(strchr(second, '\n'), lines + len - 1);
	log_event("three");
	log_gather(false);
	assert_true(recv(ends[1], lines, sizeof lines - 1, MSG_DONTWAIT) > 1);
	log_event("four");
	assert_true(recv(ends[1], lines, sizeof lines - 1, MSG_DONTWAIT) > 1);
	log_to(STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
}

/* A child writes far more than the pipe or socket holds, without blocking, to
 * ends[1]. */
static void check_full(int ends[2])
{
	SCOPED(buf_done) struct buf text = {0};
	char big[50000];
	unsigned count = 0;
	pid_t child;

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		log_to(ends[1]);
		for (int i = 0; i < 20; i++)
			log_event("big", "big", LOG_TEXT(big));
		_exit(0);
	}
	close(ends[1]);
	read_to_end(ends[0], &text);
	close(ends[0]);
	assert_child_ended_well(child);
	for (char *at = text.data, *end; (end = strchr(at, '\n')); at = end + 1) {
		SCOPED(free_json) cJSON *json =
			cJSON_ParseWithLength(at, (size_t)(end - at));

		assert_string_equal(text_in(json, "big"), big);
		count++;
	}
	assert_int_equal(count, 20);
}

static void log_waits_for_a_full_pipe_that_does_not_block(void **state UNUSED)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	check_full(ends);
}

static void log_waits_for_a_full_socket_that_does_not_block(void **state UNUSED)
{
	int ends[2], size = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	check_full(ends);
}

/* What was written while nobody read is there, and what was not is counted. */
static void check_impatient(int ends[2], bool gathers)
{
	SCOPED(buf_done) struct buf text = {0};
	char big[10000];
	unsigned whole = 0, lost = 0;

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	log_to(ends[1]);
	log_patience(20 * CLOCK_MS);
	log_gather(gathers);
	for (int i = 0; i < 50; i++)
		log_event("big", "big", LOG_TEXT(big));
	log_flush();
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 2; i++) {
		char part[65536];
		ssize_t len;

		while ((len = read(ends[0], part, sizeof part)) > 0)
			assert_true(buf_add(&text, part, (size_t)len));
		log_event("last");
		log_flush();
	}
	log_gather(false);
	log_patience(0);
	log_to(STDERR_FILENO);
	for (char *at = text.data, *end; (end = strchr(at, '\n')); at = end + 1) {
		SCOPED(free_json) cJSON *json =
			cJSON_ParseWithLength(at, (size_t)(end - at));

		whole += text_in(json, "big") != NULL;
		lost += (unsigned)json_int(json, "lines", 0);
	}
	assert_true(whole < 50);
	assert_int_equal(whole + lost, 50);
	assert_non_null(strstr(text.data, "\"last\"}\n"));
	close(ends[0]);
	close(ends[1]);
}

static void log_does_not_wait_for_ever_for_a_pipe(void **state UNUSED)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	check_impatient(ends, false);
}

static void log_does_not_wait_for_ever_for_a_socket(void **state UNUSED)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	check_impatient(ends, false);
}

static void log_counts_the_lines_that_it_gathered_in_vain(void **state UNUSED)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	check_impatient(ends, true);
}

static void log_survives_the_end_of_its_reader(void **state UNUSED)
{
	int ends[2];
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[1]);
	child = fork(); /* with SIGPIPE as it comes: it would end the child */
	if (child == 0) {
		log_to(ends[0]);
		log_event("nobody listens");
		_exit(0);
	}
	assert_child_ended_well(child);
	close(ends[0]);
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_goes_to_stderr_until_it_is_pointed_elsewhere),
		SCENE_TEST(log_begins_with_time_pid_and_event),
		SCENE_TEST(log_writes_every_kind_of_value),
		SCENE_TEST(log_writes_text_as_json_and_utf8),
		SCENE_TEST(log_escapes_event_and_names_as_well),
		SCENE_TEST(log_cuts_the_longest_text_of_a_line_that_is_too_long),
		SCENE_TEST(log_cuts_several_long_texts_to_one_length),
		SCENE_TEST(log_leaves_a_line_that_just_fits_whole),
		SCENE_TEST(log_leaves_errno_alone),
		SCENE_TEST(log_writes_a_line_at_once),
		SCENE_TEST(log_writes_gathered_lines_together),
		SCENE_TEST(log_waits_for_a_full_pipe_that_does_not_block),
		SCENE_TEST(log_waits_for_a_full_socket_that_does_not_block),
		SCENE_TEST(log_does_not_wait_for_ever_for_a_pipe),
		SCENE_TEST(log_does_not_wait_for_ever_for_a_socket),
		SCENE_TEST(log_counts_the_lines_that_it_gathered_in_vain),
		SCENE_TEST(log_survives_the_end_of_its_reader),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
