#include "lib/proc_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char status[] = "Name:\tSigBlk:\t9\nState:\tS (sleeping)\n"
			     "NSpid:\t412\t31\t1\nSigBlk:\t00ff\n";

static void proc_file_reads_a_file_of_a_process(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *pid;

	buf_adds(&text, "what it held");
	assert_true(proc_file_read(&text, getpid(), "status"));
	pid = proc_file_value(buf_text(&text), "Pid");
	assert_non_null(pid);
	assert_int_equal(strtol(pid, NULL, 10), getpid());
	assert_int_equal(proc_file_inner_pid(buf_text(&text)), getpid());
}

static void proc_file_cuts_a_file_at_the_ceiling(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {.ceiling = 4096};

	assert_true(proc_file_read(&text, getpid(), "smaps"));
	assert_in_range(text.len, 1, 4096);
}

static void proc_file_of_a_reaped_process_cannot_be_read(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	char target[16] = "untouched";
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(proc_file_read(&text, pid, "status"));
	assert_false(proc_file_link(pid, "exe", target, sizeof target));
	assert_string_equal(target, "");
}

static void proc_file_link_is_cut_to_its_buffer(void **state UNUSED)
{
	char whole[4096], part[5];

	assert_true(proc_file_link(getpid(), "exe", whole, sizeof whole));
	assert_true(proc_file_link(getpid(), "exe", part, sizeof part));
	assert_int_equal(strlen(part), 4);
	assert_memory_equal(whole, part, 4);
}

static void proc_file_value_is_that_of_a_whole_key_in_front(void **state UNUSED)
{
	static const struct {
		const char *key, *value, *why;
	} rows[] = {
		{"Name", "SigBlk:\t9", "the first line"},
		{"SigBlk", "00ff", "not the name that looks like the key"},
		{"Sig", NULL, "half a key"},
		{"Threads", NULL, "a key that is absent"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *value = proc_file_value(status, rows[i].key);

		if (!value != !rows[i].value ||
			(value && strncmp(value, rows[i].value, strlen(rows[i].value))))
			fail_msg("%s: %s", rows[i].key, rows[i].why);
	}
}

static void proc_file_inner_pid_is_the_last_one(void **state UNUSED)
{
	assert_int_equal(proc_file_inner_pid(status), 1);
	assert_int_equal(proc_file_inner_pid("NSpid:\t412\n"), 412);
	assert_int_equal(proc_file_inner_pid("Name:\tx\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proc_file_reads_a_file_of_a_process),
		cmocka_unit_test(proc_file_cuts_a_file_at_the_ceiling),
		cmocka_unit_test(proc_file_of_a_reaped_process_cannot_be_read),
		cmocka_unit_test(proc_file_link_is_cut_to_its_buffer),
		cmocka_unit_test(proc_file_value_is_that_of_a_whole_key_in_front),
		cmocka_unit_test(proc_file_inner_pid_is_the_last_one),
	};

	return cmocka_run_group_tests_name("proc_file", tests, NULL, NULL);
}
