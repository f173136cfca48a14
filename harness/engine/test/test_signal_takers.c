/*
 * Who takes a signal, of processes that wait for it in each way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/engine/signal_takers.h"
#include "lib/cc.h"

#define LOOKS_MAX 2000 /* of a ms each */

static sigset_t only(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return set;
}

static void block(void)
{
	sigset_t set = only(SIGTERM);

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void await(int number)
{
	sigset_t set = only(number);
	int got;

	sigwait(&set, &got);
}

/* --- what the processes do --- */

static void block_only(void)
{
	block();
	pause();
}

static void wait_in_main(void)
{
	block();
	await(SIGTERM);
}

static void wait_for_another(void)
{
	await(SIGUSR1);
}

static void *wait_in_thread(void *arg UNUSED)
{
	await(SIGTERM);
	return NULL;
}

static void *do_nothing(void *arg UNUSED)
{
	pause();
	return NULL;
}

static void wait_beside_main(void)
{
	pthread_t thread;

	block();
	pthread_create(&thread, NULL, wait_in_thread, NULL);
	pause();
}

static void leave_it_to_a_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, do_nothing, NULL);
	block();
	pause();
}

static void read_it(void)
{
	sigset_t set = only(SIGTERM);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);

	block();
	while (fd >= 0)
		pause();
}

static void read_another(void)
{
	sigset_t set = only(SIGUSR1);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);

	block();
	while (fd >= 0)
		pause();
}

/* --- the tests --- */

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run();
	_exit(0);
}

static bool are_same(const struct signal_takers *one, const struct signal_takers *other)
{
	return one->known == other->known && one->main_waits == other->main_waits &&
		one->unblocked == other->unblocked && one->waiting == other->waiting &&
		one->signalfds == other->signalfds;
}

static void each_way_is_seen(void **state UNUSED)
{
	static const struct {
		void (*run)(void);
		struct signal_takers takers;
	} rows[] = {
		{block_only, {.known = true}},
		{wait_in_main, {.known = true, .main_waits = true, .waiting = 1}},
		{wait_for_another, {.known = true, .unblocked = 1}},
		{wait_beside_main, {.known = true, .waiting = 1}},
		{leave_it_to_a_thread, {.known = true, .unblocked = 1}},
		{read_it, {.known = true, .signalfds = 1}},
		{read_another, {.known = true}},
	};
	const struct timespec ms = {.tv_nsec = 1000000};

	for (size_t i = 0; i < COUNT(rows); i++) {
		pid_t pid = start(rows[i].run);
		struct signal_takers takers = {0};
		unsigned looks = 0;

		/* Until it has come to its wait, and stays there. */
		for (unsigned same = 0; same < 20 && looks < LOOKS_MAX; looks++) {
			takers = (struct signal_takers){.pid = pid};
			signal_takers_look(&takers, SIGTERM);
			same = are_same(&takers, &rows[i].takers) ? same + 1 : 0;
			nanosleep(&ms, NULL);
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (looks == LOOKS_MAX)
			print_error(
				"row %zu: known %d main_waits %d unblocked %u waiting %u "
				"signalfds %u\n",
				i, takers.known, takers.main_waits, takers.unblocked,
				takers.waiting, takers.signalfds);
		assert_true(looks < LOOKS_MAX);
	}
}

static void looks_add_up(void **state UNUSED)
{
	pid_t pid = start(block_only);
	struct signal_takers takers = {.pid = pid, .waiting = 1, .main_waits = true};

	signal_takers_look(&takers, SIGTERM);
	assert_true(takers.known);
	assert_true(takers.main_waits);
	assert_int_equal(takers.waiting, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(takers.gone);
	signal_takers_look(&takers, SIGTERM);
	assert_true(takers.gone);
	assert_false(takers.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_is_seen),
		cmocka_unit_test(looks_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
