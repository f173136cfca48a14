/*
 * program - starts a program that was built beside the test, and ends it.
 *
 * The kernel kills a program that outlives its test.
 */
#ifndef TEST_SUPPORT_PROGRAM_H
#define TEST_SUPPORT_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct program {
	pid_t pid; /* 0: not started */
	int pidfd; /* readable when the program has ended */
	bool ended;
	int status; /* of waitpid(), when it has ended */
};

/* Each 0: as the test's own. They stay the caller's. */
struct program_fds {
	int in, out, err;
};

/* The nearest "FOLDER/name" above the test's own file; NULL: there is none. Gives a
 * string to free(). */
char *program_path(const char *name);
/* The folder of the built programs. Borrowed. */
const char *program_folder(void);

/* argv[0] is a program of ours, or one of PATH. Takes no ownership; argv ends in NULL. */
void program_start(
	struct program *program, const char *const *argv, struct program_fds fds);
/* Collects the status if the program has ended: true. */
bool program_ended(struct program *program);
/* Waits until it has ended; its waitpid() status. */
int program_wait(struct program *program);
/* SIGKILL unless it has ended; then frees what belongs to it. A zeroed one is accepted. */
void program_kill(struct program *program);

struct program_output {
	int code;  /* the exit code; 128 + n after signal n */
	char *out; /* stdout, owned */
	char *err; /* stderr, owned */
};

/* Runs a program to its end. For program_output_done(). */
struct program_output program_run(const char *const *argv);
void program_output_done(struct program_output *output);

/* The exit code of a waitpid() status; 128 + n for signal n. */
int program_code(int status);

#endif
