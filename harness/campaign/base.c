#include "harness/campaign/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define BUILD_NS (3600 * CLOCK_S)

/* What `git ARGUMENT...` prints, without the end of its line; the caller's to free().
 * NULL: it failed. */
static char *ask_git(
	const struct base_options *options, const char *verb, const char *argument)
{
	const char *const argv[] = {"git", "rev-parse", verb, argument, NULL};
	struct buf out = {.ceiling = 64 << 10};
	struct err err;
	char *answer = NULL;

	if (run_program(options->loop, argv, &out, &err))
		answer = mem_textf(
			"%.*s", (int)strcspn(buf_text(&out), "\n"), buf_text(&out));
	buf_done(&out);
	return answer;
}

/* Runs it in the folder; what it prints goes to stderr, for stdout has the results. */
static bool run_shell(const struct base_options *options, const char *folder,
	const char *line, struct err *err)
{
	SCOPED(mem_free) char *script = mem_textf("exec 1>&2\n%s\n", line);
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct err why;

	return run_program_call(options->loop,
		       &(struct program_call){
			       .argv = argv,
			       .folder = folder,
			       .within_ns = BUILD_NS,
			       .interrupted = options->interrupted,
		       },
		       &why) ||
		err_set(err, "the build of %s failed: %s", options->name, line);
}

/* `top` is the repository's folder. */
static bool unpack(const struct base_options *options, const char *top,
	const char *commit, const char *into, struct err *err)
{
	SCOPED(mem_free) char *archive = mem_textf("%s.tar", into);
	SCOPED(mem_free) char *output = mem_textf("--output=%s", archive);
	const char *const write[] = {"git", "-C", top, "archive", output, commit, NULL};
	const char *const read[] = {"tar", "-x", "-f", archive, "-C", into, NULL};
	SCOPED(buf_done) struct buf nothing = {.ceiling = 64 << 10};
	bool ok = fs_make_folders(into, err) &&
		run_program(options->loop, write, &nothing, err) &&
		run_program(options->loop, read, &nothing, err);

	unlink(archive);
	return ok || err_while(err, "unpack %s", options->name);
}

/* What `path` of the repository is below `root`; NULL: it is outside of the repository.
 * The caller's to free(). */
static char *moved(const char *path, const char *top, const char *root)
{
	size_t len = strlen(top);

	if (strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return mem_textf("%s%s", root, path + len);
}

static bool build(const struct base_options *options, const char *root, struct err *err)
{
	SCOPED(mem_free) char *makefile = mem_textf("%s/Makefile", root);

	if (!options->build && access(makefile, F_OK) != 0)
		return true;
	return run_shell(options, root, options->build ? options->build : "make", err);
}

static bool open_commit(struct base *base, const struct base_options *options,
	const char *commit, struct err *err)
{
	SCOPED(mem_free) char *root = mem_textf("%s/base", options->folder);
	SCOPED(mem_free) char *top = ask_git(options, "--show-toplevel", NULL);
	SCOPED(mem_free) char *here = realpath(".", NULL);

	if (!top || !here)
		return err_set(err, "git does not tell where its repository is");
	base->title = mem_textf("commit %.12s (%s)", commit, options->name);
	base->folder = moved(here, top, root);
	base->programs = moved(options->programs, top, root);
	return unpack(options, top, commit, root, err) && build(options, root, err);
}

bool base_open(struct base *base, const struct base_options *options, struct err *err)
{
	SCOPED(mem_free) char *wanted = mem_textf("%s^{commit}", options->name);
	SCOPED(mem_free) char *commit = ask_git(options, "--verify", wanted);

	*base = (struct base){0};
	if (!commit) {
		base->title = mem_textf("image %s", options->name);
		base->image = mem_text(options->name);
		return true;
	}
	if (open_commit(base, options, commit, err))
		return true;
	base_done(base);
	return false;
}

void base_done(struct base *base)
{
	free(base->title);
	free(base->image);
	free(base->folder);
	free(base->programs);
	*base = (struct base){0};
}
