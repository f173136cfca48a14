/*
 * What is to be written in place of a shell or launcher, by the command lines of its
 * processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/launcher_cure.h"
#include "lib/cc.h"
#include "lib/mem.h"

#define PROCS_MAX 4
#define WAIT4     61

enum kind {
	WAITS = 1, /* for its child, and has no handler */
	SLEEPS,    /* has no handler, and nothing listens */
	LISTENS,
	HANDLES,
	HANDLES_ELSEWHERE, /* in the folder /app */
};

/* Each is the child of the one before. */
struct chain {
	const char *words; /* '^' between them; NULL: no more */
	enum kind kind;
};

/* The words with blanks, as one of a name has them. */
static void set_words(struct proc *proc, const char *words)
{
	char *at;

	proc->words = mem_text(words);
	proc->words_len = strlen(words) + 1;
	snprintf(proc->command, sizeof proc->command, "%s", words);
	for (at = proc->words; (at = strchr(at, '^')); at++)
		*at = '\0';
	for (at = proc->command; (at = strchr(at, '^')); at++)
		*at = ' ';
	at = strrchr(proc->words, '/');
	at = at ? at + 1 : proc->words;
	snprintf(proc->name, sizeof proc->name, "%.*s", (int)strcspn(at, ":"), at);
}

/* The caller's. */
static char *cure_of(const struct chain *chain)
{
	struct proc procs[PROCS_MAX] = {0};
	struct snapshot snapshot = {.procs = procs};
	char *cure;

	for (; chain[snapshot.count].words; snapshot.count++) {
		struct proc *proc = &procs[snapshot.count];

		proc->pid = 1 + (pid_t)snapshot.count;
		proc->ppid = (pid_t)snapshot.count;
		proc->state = 'S';
		proc->syscall = chain[snapshot.count].kind == WAITS ? WAIT4 : -1;
		proc->listening = chain[snapshot.count].kind == LISTENS;
		proc->caught = chain[snapshot.count].kind >= HANDLES
			? UINT64_C(1) << (SIGTERM - 1)
			: 0;
		proc->folder = mem_text(
			chain[snapshot.count].kind == HANDLES_ELSEWHERE ? "/app" : "/");
		set_words(proc, chain[snapshot.count].words);
	}
	cure = launcher_cure(&snapshot, SIGTERM);
	for (unsigned i = 0; i < snapshot.count; i++) {
		mem_free(&procs[i].words);
		mem_free(&procs[i].folder);
	}
	return cure;
}

#define IN_COMPOSE " in the Dockerfile, or that list as `command:` in compose."
#define NO_HANDLER                                                                      \
	" It has no handler for SIGTERM: it needs one then, or an init in front of it " \
	"(`docker run --init`, in compose `init: true`)."

static void a_launcher_is_cured_by_the_line_of_its_program(void **state UNUSED)
{
	static const struct {
		struct chain chain[PROCS_MAX];
		const char *cure; /* NULL: not known */
		const char *why;
	} rows[] = {
		{{{"sh^-c^nginx -g \"daemon off;\"", WAITS},
			 {"nginx^-g^daemon off;", HANDLES}},
			"Make nginx PID 1: `CMD [\"nginx\",\"-g\",\"daemon off;\"]`" IN_COMPOSE,
			"a shell's command"},
		{{{"sh^-c^nginx -g \"daemon off;\"", WAITS},
			 {"nginx: master process nginx", LISTENS}},
			"Make nginx PID 1: "
			"`CMD [\"nginx\",\"-g\",\"daemon off;\"]`" IN_COMPOSE
				NO_HANDLER,
			"a program that gave itself a title"},
		{{{"sh^-c^node x; true", WAITS}, {"node^x", SLEEPS}},
			"Make node PID 1: `CMD [\"sh\",\"-c\",\"exec node x; true\"]`" IN_COMPOSE
				NO_HANDLER,
			"no handler"},
		{{{"/sbin/docker-init^--^sh^-c^node x", HANDLES},
			 {"sh^-c^node x", WAITS}, {"node^x", HANDLES}},
			"Make node PID 1: `CMD [\"node\",\"x\"]`" IN_COMPOSE,
			"an init of the engine in front"},
		{{{"/bin/sh^/run.sh", WAITS}, {"nginx^-g^daemon off;", HANDLES}},
			"Make nginx PID 1: in place of what starts nginx, let the last line of "
			"/run.sh be `exec nginx -g \"daemon off;\"`.",
			"a script"},
		{{{"sh^run.sh", WAITS}, {"node^a'$b^^c d", LISTENS}},
			"Make node PID 1: in place of what starts node, let the last line of "
			"run.sh be `exec node 'a'\\''$b' \"\" \"c d\"`." NO_HANDLER,
			"words that need quotes"},
		{{{"bash^-e^/run.sh^node^x", WAITS}, {"node^x", HANDLES}},
			"Make node PID 1: let `exec \"$@\"` be the last line of /run.sh.",
			"a script that runs its words"},
		{{{"sh^-c^npm start", WAITS}, {"npm start", WAITS},
			 {"node^x", HANDLES}},
			"Make node PID 1: in place of what starts node, let the last line of its "
			"script be `exec node x`.",
			"a launcher behind a shell"},
		{{{"npm^start", WAITS}, {"sh^-c^node x", WAITS},
			 {"node^x", HANDLES_ELSEWHERE}},
			"Make node PID 1: `CMD [\"node\",\"x\"]` in the Dockerfile, or that list "
			"as `command:` in compose (in /app, where it runs now).",
			"npm, which goes to another folder"},
		{{{"npm start^^^", WAITS}, {"sh^-c^node x", WAITS},
			 {"node^x", HANDLES}},
			"Make node PID 1: `CMD [\"node\",\"x\"]`" IN_COMPOSE,
			"npm, which gave itself a title"},
		{{{"wrap: master", WAITS}, {"app^-v", HANDLES}}, NULL,
			"a title of what is no launcher"},
		{{{"python3^wrap.py", WAITS}, {"app^-v", HANDLES}},
			"Make app PID 1: `CMD [\"app\",\"-v\"]` in the Dockerfile, or that list "
			"as `command:` in compose; where python3 does more than start it, let "
			"that pass the signal on.",
			"a wrapper that is no shell"},

		{{{"sh^/run.sh", WAITS}, {"sleep^1", SLEEPS}}, NULL,
			"a script that sleeps has no program"},
		{{{"sh^-c^while :; do app; done", WAITS}, {"app", HANDLES}}, NULL,
			"a loop needs its shell"},
		{{{"sh^/run.sh", WAITS}, {"nginx: master process nginx", LISTENS}},
			NULL, "a title in place of its words"},
		{{{"sh^/run.sh", WAITS}, {"app^^", LISTENS}}, NULL,
			"a title of one word"},
		{{{"sh^-c^npm start", WAITS}, {"npm^start", WAITS}, {"x", SLEEPS}},
			NULL, "what npm starts is not seen to be a program"},
		{{{"sh^-c^node x", WAITS}}, NULL, "no child"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *cure = cure_of(rows[i].chain);

		if (!cure != !rows[i].cure || (cure && strcmp(cure, rows[i].cure) != 0))
			fail_msg("%s: %s\nnot %s", rows[i].why, cure ? cure : "none",
				rows[i].cure ? rows[i].cure : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launcher_is_cured_by_the_line_of_its_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
