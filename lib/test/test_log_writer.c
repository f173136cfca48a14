#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/cc.h"
#include "lib/log.h"
#include "lib/log_writer.h"

/* What the log has written so far. */
static void read_all(int fd, char text[4096])
{
	ssize_t len = read(fd, text, 4095);

	text[len > 0 ? len : 0] = '\0';
}

struct turn {
	uv_prepare_t handle; /* behind the first writer, in front of the second */
	int fd;
	char before[4096];
};

static void on_turn(uv_prepare_t *handle)
{
	struct turn *turn = handle->data;

	read_all(turn->fd, turn->before);
	log_event("late");
	uv_prepare_stop(handle);
}

static void on_timer(uv_timer_t *timer UNUSED)
{
	log_event("early");
	log_event("early");
}

static void log_writer_writes_before_and_after_what_runs_between(void **state UNUSED)
{
	struct log_writer *after, *before;
	struct turn turn = {0};
	char text[4096];
	uv_timer_t timer;
	uv_loop_t loop;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	log_to(ends[1]);
	log_gather(true);
	turn.fd = ends[0];
	assert_int_equal(uv_loop_init(&loop), 0);
	after = log_writer_create(&loop);
	uv_prepare_init(&loop, &turn.handle);
	turn.handle.data = &turn;
	uv_prepare_start(&turn.handle, on_turn);
	before = log_writer_create(&loop);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_timer, 0, 0);
	uv_run(&loop, UV_RUN_DEFAULT); /* the writers do not keep it going */
	assert_non_null(strstr(turn.before, "early"));
	assert_non_null(strstr(strstr(turn.before, "early") + 1, "early"));
	read_all(ends[0], text);
	assert_non_null(strstr(text, "late"));
	log_writer_destroy(before);
	log_writer_destroy(after);
	log_writer_destroy(NULL);
	uv_close((uv_handle_t *)&turn.handle, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	log_gather(false);
	log_to(STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_writer_writes_before_and_after_what_runs_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
