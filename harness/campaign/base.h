/*
 * base - what `stopbench run --against` compares with: an image, or an earlier commit of
 * the repository in the current folder.
 *
 * A commit is unpacked (`git archive`) into a folder of the run and built there: the
 * repository itself is not touched. Rounds of BASE run in that folder, so that a command
 * such as "build/server" means the one of that commit; stopbench's own programs are
 * those of the commit where they are built inside of the repository. Submodules are not
 * in an archive.
 */
#ifndef HARNESS_CAMPAIGN_BASE_H
#define HARNESS_CAMPAIGN_BASE_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct base {
	char *title;    /* "commit 1a2b3c4d5e6f (HEAD~1)", "image shop-api:1.4" */
	char *image;    /* the service's image; NULL: as the scenarios say */
	char *folder;   /* the working folder of the rounds; NULL: ours */
	char *programs; /* the folder of our programs; NULL: our own */
};

/* All borrowed for the call. */
struct base_options {
	uv_loop_t *loop;
	const bool *interrupted;
	const char *name; /* a commit as git knows it, else an image */
	/* A shell command that is run in the commit's folder, and prints to stderr; NULL:
	 * "make", where there is a Makefile. */
	const char *build;
	const char *folder;   /* of the run: it exists, and is removed with the run */
	const char *programs; /* the folder of our programs */
};

/* Turns the loop. */
bool base_open(struct base *base, const struct base_options *options,
	struct err *err) MUST_CHECK;
void base_done(struct base *base);

#endif
