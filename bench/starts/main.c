/*
 * starts - what it costs to start MCP servers on stdio, COUNT of them one after the other,
 * in each of the ways that a service could choose.
 *
 *   starts [COUNT]
 *
 * Each way runs in a process of its own that looks like the service: its memory is touched,
 * its sockets are open, and the pipes of the servers stay open. The rounds are paired:
 * every round runs each way once, the next one in the reverse order. Exit status: 0; 2 bad
 * usage; 3 something could not be measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/printout.h"
#include "bench/starts/methods.h"
#include "harness/programs.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"

#define COUNT_USUAL 2000
#define COUNT_MOST  5000
#define ROUNDS      4
#define MEMORY      ((size_t)48 << 20) /* of a service with a thousand sessions */
#define SOCKETS     2000               /* two of each session */

/* In microseconds for each start. */
struct cost {
	double blocked; /* wall clock in which the starting program waits */
	double cpu;     /* processor time of it, and of what it started */
};

struct crowd {
	unsigned count;
	const char *const *argv;
	pid_t *pids;
};

static bool look_like_the_service(struct err *err)
{
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return err_sys(err, "mmap");
	madvise(memory, MEMORY, MADV_NOHUGEPAGE);
	memset(memory, 1, MEMORY);
	for (unsigned i = 0; i < SOCKETS; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return err_sys(err, "open /dev/null");
	return true;
}

/* Our ends stay open. */
static bool start_one(const struct method *method, const struct crowd *crowd,
	unsigned at, struct err *err)
{
	int in[2], out[2], said[2], failed;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
		pipe2(said, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	failed = method->start(
		crowd->argv, (int[]){in[0], out[1], said[1]}, &crowd->pids[at]);
	close(in[0]);
	close(out[1]);
	close(said[1]);
	errno = failed;
	return !failed || err_sys(err, "%s: start %s", method->name, crowd->argv[0]);
}

static double cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void end_all(const struct crowd *crowd, unsigned started)
{
	for (unsigned i = 0; i < started; i++)
		kill(crowd->pids[i], SIGKILL);
	for (unsigned i = 0; i < started; i++)
		waitpid(crowd->pids[i], NULL, 0);
}

static bool measure(const struct method *method, const struct crowd *crowd,
	struct cost *cost, struct err *err)
{
	unsigned started = 0;
	int64_t began_ns;
	double cpu;
	bool ok = method->open(err) && look_like_the_service(err);

	began_ns = clock_now();
	cpu = cpu_us(RUSAGE_SELF);
	while (ok && started < crowd->count) {
		ok = start_one(method, crowd, started, err);
		started += ok;
	}
	cost->blocked = (double)(clock_now() - began_ns) / 1e3 / crowd->count;
	end_all(crowd, started);
	method->close();
	while (wait(NULL) > 0) /* the zygote */
		;
	cost->cpu =
		(cpu_us(RUSAGE_SELF) - cpu + cpu_us(RUSAGE_CHILDREN)) / crowd->count;
	return ok;
}

static bool measure_apart(const struct method *method, const struct crowd *crowd,
	struct cost *cost, struct err *err)
{
	struct cost *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	if (shared == MAP_FAILED)
		return err_sys(err, "mmap");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		bool ok = measure(method, crowd, shared, err);

		if (!ok)
			fprintf(stderr, "starts: %s\n", err->text);
		_exit(!ok);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	*cost = *shared;
	munmap(shared, sizeof *shared);
	return status == 0 || err_set(err, "%s was not measured", method->name);
}

static bool run_rounds(const struct crowd *crowd, struct samples blocked[METHODS],
	struct samples cpu[METHODS], struct err *err)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < METHODS; i++) {
			unsigned at = round % 2 ? METHODS - 1 - i : i;
			struct cost cost = {0};

			if (!measure_apart(&methods[at], crowd, &cost, err))
				return false;
			samples_add(&blocked[at], cost.blocked);
			samples_add(&cpu[at], cost.cpu);
		}
	}
	return true;
}

/* Of the pairs: each round's beside fork()'s of the same round. */
static struct samples ratios(const struct samples *of, const struct samples *to)
{
	struct samples made = {0};

	for (unsigned i = 0; i < of->count; i++)
		samples_add(&made, of->value[i] / to->value[i]);
	return made;
}

static void print(struct printout *printout, const char *what, const char *name,
	const struct samples *samples, const char *unit, int digits)
{
	SCOPED(mem_free) char *text = mem_textf("%s: %s", name, what);

	printout_row(printout,
		&(struct printout_row){text, samples, .unit = unit, .digits = digits});
}

static bool compare(unsigned count, struct err *err)
{
	SCOPED(mem_free) char *folder = programs_folder();
	SCOPED(mem_free) char *program = mem_textf("%s/../bin/mock-mcp", folder);
	const char *const argv[] = {program, "--name", "skills", NULL};
	struct crowd crowd = {count, argv, mem_zeroed(count * sizeof(pid_t))};
	struct samples blocked[METHODS] = {0}, cpu[METHODS] = {0};
	struct printout printout = {0};
	bool ok;

	printout_machine();
	printf("\nstarts: %u MCP servers (mock-mcp, three pipes each), one after the other\n"
	       "The program that starts them has 48 MiB and 2,000 descriptors, and more pipes\n"
	       "with every start. Medians of %d paired rounds; x: to fork() in the same round.\n",
		count, ROUNDS);
	ok = run_rounds(&crowd, blocked, cpu, err);
	for (unsigned i = 0; ok && i < METHODS; i++) {
		struct samples times = ratios(&blocked[i], &blocked[METHOD_FORK]);
		struct samples work = ratios(&cpu[i], &cpu[METHOD_FORK]);

		print(&printout, "blocked", methods[i].name, &blocked[i], "us", 0);
		print(&printout, "processor time", methods[i].name, &cpu[i], "us", 0);
		if (i == METHOD_FORK)
			continue;
		print(&printout, "blocked / fork", methods[i].name, &times, "x", 2);
		print(&printout, "processor time / fork", methods[i].name, &work, "x",
			2);
	}
	free(crowd.pids);
	return ok;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : COUNT_USUAL;
	struct err err = {0};

	if (argc > 2 || count < 1 || count > COUNT_MOST) {
		fprintf(stderr, "usage: starts [COUNT], at most %d\n", COUNT_MOST);
		return 2;
	}
	if (fd_limit_raise(&err) && compare((unsigned)count, &err))
		return 0;
	fprintf(stderr, "starts: %s\n", err.text);
	return 3;
}
