#include "harness/judge/launcher_cure.h"

#include <string.h>

#include "harness/judge/exec_form.h"
#include "harness/judge/launched_program.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/strlist.h"

/* A longer one is no line that anybody would read. */
#define LINE_MAX_LEN 600

/* False: they are not known, or are a title that the program gave itself, as "nginx:
 * master process nginx" is: it stands where the first word did, and the rest is empty. */
static bool read_words(struct strlist *words, const struct proc *proc)
{
	size_t len = proc->words_len;
	const char *end;

	if (len < 2 || proc->words[len - 1] != '\0' || proc->words[len - 2] == '\0')
		return false;
	end = proc->words + len;
	for (const char *word = proc->words; word < end; word += strlen(word) + 1)
		strlist_add(words, "%s", word);
	return words->item[0][0] && !strpbrk(words->item[0], " \t");
}

/* PID 1, or the first process behind its inits that is none; NULL: not seen. */
static const struct proc *find_launcher(const struct snapshot *snapshot)
{
	const struct proc *launcher = snapshot->count ? snapshot->procs : NULL;

	while (launcher && proc_is_init(launcher))
		launcher = launched_only_child(snapshot, launcher);
	return launcher;
}

/* --- the line --- */

/* As JSON, which the exec form is. False: too long. */
static bool add_list(struct buf *text, const struct strlist *words)
{
	SCOPED(json_free)
	cJSON *list = cJSON_CreateStringArray(
		(const char *const *)words->item, (int)words->count);
	SCOPED(mem_free) char *line = json_print(list);

	buf_addf(text,
		"`CMD %s` in the Dockerfile, or that list as `command:` in compose",
		line);
	return strlen(line) <= LINE_MAX_LEN;
}

/* As a word of a shell's script. */
static void add_quoted(struct buf *text, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-+=./:,@%";

	if (word[0] && word[strspn(word, plain)] == '\0') {
		buf_adds(text, word);
	} else if (!strpbrk(word, "\"$`\\!")) {
		buf_addf(text, "\"%s\"", word);
	} else {
		buf_adds(text, "'");
		for (; *word; word++)
			buf_addf(text, *word == '\'' ? "'\\''" : "%c", *word);
		buf_adds(text, "'");
	}
}

static bool add_exec(struct buf *text, const struct strlist *words)
{
	size_t before = text->len;

	buf_adds(text, "`exec");
	for (unsigned i = 0; i < words->count; i++) {
		buf_adds(text, " ");
		add_quoted(text, words->item[i]);
	}
	buf_adds(text, "`");
	return text->len - before <= LINE_MAX_LEN;
}

/* The file that a shell runs: "/entrypoint.sh"; NULL: it runs none. */
static const char *script_of(const struct strlist *shell)
{
	unsigned at = 1;

	/* "busybox sh run.sh" */
	if (shell->count > 1 && strcmp(shell->item[1], "sh") == 0)
		at++;
	while (at < shell->count && shell->item[at][0] == '-') {
		if (shell->item[at][strlen(shell->item[at]) - 1] == 'c')
			return NULL;
		at++;
	}
	return at < shell->count ? shell->item[at] : NULL;
}

/* Does the launcher run the last of its own words, as `exec "$@"` would? */
static bool ends_with(const struct strlist *launcher, const struct strlist *words)
{
	for (unsigned i = 1; i <= words->count; i++) {
		if (i + 2 > launcher->count ||
			strcmp(launcher->item[launcher->count - i],
				words->item[words->count - i]) != 0)
			return false;
	}
	return true;
}

/* Of a script which does not say what it runs as plainly as `sh -c "node x"` does. */
static bool add_script(struct buf *text, const struct proc *program,
	const struct strlist *command, const struct strlist *words, bool is_child)
{
	const char *script = script_of(command);

	if (is_child && !script)
		return false;
	script = script ? script : "its script";
	if (is_child && ends_with(command, words)) {
		buf_addf(text, "let `exec \"$@\"` be the last line of %s", script);
		return true;
	}
	buf_addf(text, "in place of what starts %s, let the last line of %s be ",
		program->name, script);
	return add_exec(text, words);
}

static bool add_replaced(
	struct buf *text, const struct proc *launcher, const struct strlist *words)
{
	bool fits = add_list(text, words);

	if (!proc_is_launcher(launcher))
		buf_addf(text,
			"; where %s does more than start it, let that pass the signal on",
			launcher->name);
	return fits;
}

static bool add_line(struct buf *text, const struct proc *launcher,
	const struct proc *program, bool is_a_program)
{
	SCOPED(strlist_done) struct strlist command = {0};
	SCOPED(strlist_done) struct strlist form = {0};
	SCOPED(strlist_done) struct strlist words = {0};
	bool is_child = program->ppid == launcher->pid;
	bool known = read_words(&command, launcher); /* npm gives itself a title */
	bool fits;

	if (known && is_child && exec_form(&form, &command, program->command))
		return add_list(text, &form);
	if (!is_a_program || !read_words(&words, program) ||
		(!known && !proc_is_launcher(launcher)))
		return false;
	fits = proc_is_shell(launcher)
		? add_script(text, program, &command, &words, is_child)
		: add_replaced(text, launcher, &words);
	if (program->folder && launcher->folder &&
		strcmp(program->folder, launcher->folder) != 0)
		buf_addf(text, " (in %s, where it runs now)", program->folder);
	return fits;
}

char *launcher_cure(const struct snapshot *snapshot, int signal_number)
{
	const struct proc *launcher = find_launcher(snapshot);
	const struct proc *launched = launched_program(snapshot, signal_number);
	const struct proc *program = launched ? launched
		: launcher                    ? launched_only_child(snapshot, launcher)
					      : NULL;
	struct buf text = {0};

	if (!launcher || !program || (!launched && proc_awaits_child(program)))
		return NULL;
	buf_addf(&text, "Make %s PID 1: ", program->name);
	if (!add_line(&text, launcher, program, launched != NULL)) {
		buf_done(&text);
		return NULL;
	}
	buf_adds(&text, ".");
	if (!proc_receives(program, signal_number))
		buf_addf(&text,
			" It has no handler for %s: it needs one then, or an init in front of "
			"it (`docker run --init`, in compose `init: true`).",
			signal_name(signal_number, (char[SIGNAL_TEXT_SIZE]){0}));
	return buf_take(&text);
}
