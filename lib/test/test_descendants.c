#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/descendants.h"
#include "test/support/pid_namespace.h"

typedef void read_fn(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg);

static read_fn *const both[] = {descendants_read, descendants_scan};

/* A parent with two children, the first of which has one of its own. */
struct tree {
	pid_t root, first, second, below;
};

static pid_t fork_waiting(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static pid_t fork_first(int tell)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid_t below = fork_waiting();

		if (write(tell, &below, sizeof below) == sizeof below)
			pause();
		_exit(0);
	}
	return pid;
}

static pid_t read_pid(int fd)
{
	pid_t pid;

	assert_int_equal(read(fd, &pid, sizeof pid), sizeof pid);
	return pid;
}

static void grow(struct tree *tree)
{
	int from_root[2], from_first[2];

	assert_int_equal(pipe(from_root), 0);
	assert_int_equal(pipe(from_first), 0);
	tree->root = fork();
	if (tree->root == 0) {
		pid_t pids[] = {fork_first(from_first[1]), fork_waiting()};

		if (write(from_root[1], pids, sizeof pids) == sizeof pids)
			pause();
		_exit(0);
	}
	tree->first = read_pid(from_root[0]);
	tree->second = read_pid(from_root[0]);
	tree->below = read_pid(from_first[0]);
	for (int end = 0; end < 2; end++) {
		close(from_root[end]);
		close(from_first[end]);
	}
}

static void fell(const struct tree *tree)
{
	kill(tree->below, SIGKILL);
	kill(tree->first, SIGKILL);
	kill(tree->second, SIGKILL);
	kill(tree->root, SIGKILL);
	waitpid(tree->root, NULL, 0);
}

static size_t place_of(const struct descendants *descendants, pid_t pid)
{
	size_t place = 0;

	while (place < descendants->count && descendants->all[place].pid != pid)
		place++;
	return place;
}

static void descendants_are_all_processes_below_parents_first(void **state UNUSED)
{
	struct tree tree;

	grow(&tree);
	for (size_t i = 0; i < COUNT(both); i++) {
		SCOPED(descendants_done) struct descendants descendants = {0};

		both[i](&descendants, tree.root, NULL, NULL);
		assert_int_equal(descendants.count, 3);
		assert_true(descendants_has(&descendants, tree.first));
		assert_true(descendants_has(&descendants, tree.second));
		assert_true(descendants_has(&descendants, tree.below));
		assert_false(descendants_has(&descendants, tree.root));
		assert_true(place_of(&descendants, tree.first) <
			place_of(&descendants, tree.below));
		for (size_t k = 0; k < descendants.count; k++)
			assert_false(descendants.all[k].dead);
	}
	fell(&tree);
}

static bool is_first(const void *arg, pid_t pid)
{
	return ((const struct tree *)arg)->first == pid;
}

static void descendants_leave_out_the_spared_and_all_below(void **state UNUSED)
{
	struct tree tree;

	grow(&tree);
	for (size_t i = 0; i < COUNT(both); i++) {
		SCOPED(descendants_done) struct descendants descendants = {0};

		both[i](&descendants, tree.root, is_first, &tree);
		assert_int_equal(descendants.count, 1);
		assert_int_equal(descendants.all[0].pid, tree.second);
	}
	fell(&tree);
}

static void descendants_read_replaces_what_it_held(void **state UNUSED)
{
	SCOPED(descendants_done) struct descendants descendants = {0};
	pid_t pid = fork_waiting();

	for (size_t i = 0; i < COUNT(both); i++) {
		descendants_add(&descendants, 1, false);
		both[i](&descendants, pid, NULL, NULL);
		assert_int_equal(descendants.count, 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void descendants_marks_zombies(void **state UNUSED)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	for (size_t i = 0; i < COUNT(both); i++) {
		SCOPED(descendants_done) struct descendants descendants = {0};

		both[i](&descendants, getpid(), NULL, NULL);
		assert_true(descendants_has(&descendants, pid));
		assert_true(descendants.all[place_of(&descendants, pid)].dead);
	}
	waitpid(pid, NULL, 0);
}

static void *tell_and_stay(void *arg)
{
	const int *tell = arg;
	char state = '\0';

	/* Until the first thread of this process shows as a zombie. */
	while (state != 'Z') {
		FILE *file = fopen("/proc/self/stat", "re");

		if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
			_exit(1);
		fclose(file);
	}
	if (write(*tell, "", 1) == 1)
		pause();
	_exit(0);
}

static void descendants_takes_a_process_without_its_first_thread_for_alive(
	void **state UNUSED)
{
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, tell_and_stay, &fds[1]) == 0)
			pthread_exit(NULL);
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	for (size_t i = 0; i < COUNT(both); i++) {
		SCOPED(descendants_done) struct descendants descendants = {0};

		both[i](&descendants, getpid(), NULL, NULL);
		assert_true(descendants_has(&descendants, pid));
		assert_false(descendants.all[place_of(&descendants, pid)].dead);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A shell that was put in, and what it runs. */
static void join_what_was_put_in(bool (*open)(struct pid_namespace *space))
{
	SCOPED(descendants_done) struct descendants descendants = {0};
	struct pid_namespace space;
	pid_t shell;

	if (!open(&space))
		skip();
	descendants_read(&descendants, space.pid1, NULL, NULL);
	descendants_join_namespace(&descendants, space.pid1);
	assert_int_equal(descendants.count, 0);
	shell = pid_namespace_put_in(&space, "sleep 100; true");
	descendants_read(&descendants, space.pid1, NULL, NULL);
	assert_int_equal(descendants.count, 0);
	while (descendants.count < 2) {
		descendants_read(&descendants, space.pid1, NULL, NULL);
		descendants_join_namespace(&descendants, space.pid1);
	}
	assert_int_equal(descendants.count, 2);
	assert_true(descendants_has(&descendants, shell));
	/* Neither PID 1 itself nor what is outside. */
	assert_false(descendants_has(&descendants, space.pid1));
	assert_false(descendants_has(&descendants, space.helper));
	assert_false(descendants_has(&descendants, getpid()));
	/* Each once. */
	descendants_join_namespace(&descendants, space.pid1);
	assert_int_equal(descendants.count, 2);
	pid_namespace_close(&space);
}

static void descendants_join_what_was_put_into_the_namespace(void **state UNUSED)
{
	join_what_was_put_in(pid_namespace_open);
}

/* The namespace's own /proc lists them. */
static void descendants_join_what_was_put_into_a_container(void **state UNUSED)
{
	join_what_was_put_in(pid_namespace_open_with_proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descendants_are_all_processes_below_parents_first),
		cmocka_unit_test(descendants_leave_out_the_spared_and_all_below),
		cmocka_unit_test(descendants_read_replaces_what_it_held),
		cmocka_unit_test(descendants_marks_zombies),
		cmocka_unit_test(
			descendants_takes_a_process_without_its_first_thread_for_alive),
		cmocka_unit_test(descendants_join_what_was_put_into_the_namespace),
		cmocka_unit_test(descendants_join_what_was_put_into_a_container),
	};

	return cmocka_run_group_tests_name("descendants", tests, NULL, NULL);
}
