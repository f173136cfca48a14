/*
 * stacks - what is known of programs that people run in containers: which signal means
 * a graceful stop to each, how long it takes for one, and what its last words mean.
 *
 * harness/judge/stacks.json, a part of the program, has a row for each, in the order in
 * which they are tried: inits before servers, servers before interpreters. A file of
 * the user's has more of them, which are tried first.
 */
#ifndef HARNESS_JUDGE_STACKS_H
#define HARNESS_JUDGE_STACKS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/strlist.h"

/* A regular expression (POSIX, extended), in JSON a string. */
struct stack_pattern {
	bool given;
	regex_t regex;
};

struct stack_words {
	struct stack_pattern line; /* of its log */
	char *means;               /* in words; not NULL */
};

struct stack_words_list {
	struct stack_words *list;
	unsigned count;
};

struct stack {
	char *name; /* "nginx" */
	/* It is recognized by one of these ("php-fpm*"): the name of its process, its
	 * program, or the script that its interpreter runs; */
	struct strlist programs;
	struct stack_pattern command; /* or by its whole command line. */

	char *stop_signal; /* "SIGQUIT": lets it finish its work */
	struct strlist
		signals; /* "SIGTERM=stops fast: ...", for stack_signal_means() */
	struct strlist runs_on; /* signals that it takes, and does not end on */
	struct strlist leaves;  /* that end it at once, and not what runs below it */
	int64_t exit_code;      /* of its graceful stop, where the program sets none */
	int64_t timeout_ns;     /* how long its graceful stop may take; 0: not known */
	bool unbounded;         /* it takes as long as the work under way */
	char *option;           /* what sets that, in its command line; NULL: nothing */
	struct stack_words_list last_words;
	char *cure; /* with the line to write, for stack_add_cure(); NULL: none is known */
	char *source; /* where all this was read or tried */
};

struct stacks;

/* Those of stacks.json. */
struct stacks *stacks_create(void) MUST_CHECK;
void stacks_destroy(struct stacks *stacks);

/* Adds those of a file, which is like stacks.json, before all others. An error begins
 * with file:line:column. */
bool stacks_add_file(
	struct stacks *stacks, const char *path, struct err *err) MUST_CHECK;

/* What a process is, by its name and its command line; NULL: it is none of them.
 * Borrowed. */
const struct stack *stacks_match(
	const struct stacks *stacks, const char *name, const char *command);

/* What a line of its log means; NULL: not known. Borrowed. */
const char *stack_last_words(const struct stack *stack, const char *line);

/* What this signal does to it, in words ("stops fast: ..."); NULL: not known. */
const char *stack_signal_means(const struct stack *stack, int signal_number);

/* Is the signal in this list of names (runs_on, leaves)? */
bool stack_has_signal(const struct strlist *names, int signal_number);

/* Adds its cure. In it {seconds} and {ms} are a time that fits the grace: four fifths of
 * it, in whole seconds. */
void stack_add_cure(const struct stack *stack, int64_t grace_ns, struct buf *text);

#define STACK_UNBOUNDED INT64_MAX
/* How long its graceful stop may take, in ns: by the option in its command line, where
 * that has it ("--graceful-timeout 8"), or else by its default. 0: not known. */
int64_t stack_timeout_ns(const struct stack *stack, const char *command);

#endif
