#include "harness/judge/exec_form.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define BLANKS       " \t"
#define COMMANDS_MAX 64

/* One simple command of a script: text[0..len). */
struct simple_command {
	const char *text;
	size_t len;
	char before, after; /* what parts it from its neighbours: ; & | or 0 */
};

struct script {
	struct simple_command command[COMMANDS_MAX];
	unsigned count;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_one_of(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++) {
		if (strlen(*list) == len && memcmp(*list, word, len) == 0)
			return true;
	}
	return false;
}

static bool is_shell(const char *word)
{
	static const char *const shells[] = {
		"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", NULL};
	const char *name = base_name(word);

	return is_one_of(name, strlen(name), shells);
}

/* --- the script --- */

/* Behind the quoted text, the escaped character or the plain one at text; NULL: it is
 * not one that a simple command has, or its end is missing. */
static const char *skip_piece(const char *text)
{
	const char *end;

	switch (*text) {
	case '\\':
		return text[1] ? text + 2 : NULL;
	case '\'':
		end = strchr(text + 1, '\'');
		return end ? end + 1 : NULL;
	case '"':
		for (text++; *text && *text != '"'; text++)
			text += text[0] == '\\' && text[1];
		return *text ? text + 1 : NULL;
	case '(':
	case ')':
	case '`':
	case '#':
	case '<': /* a here-document has lines of its own */
		return NULL;
	default:
		return text + 1;
	}
}

/* "2>&1": this '&' parts nothing. */
static bool parts(const char *start, const char *at)
{
	return strchr(";&|\n", *at) && !(*at == '&' && at > start && at[-1] == '>');
}

static bool add_command(struct script *script, const char *text, const char *end,
	char before, char after)
{
	text += strspn(text, BLANKS);
	while (end > text && strchr(BLANKS, end[-1]))
		end--;
	if (end <= text)
		return true;
	if (script->count == COMMANDS_MAX)
		return false;
	script->command[script->count++] =
		(struct simple_command){text, (size_t)(end - text), before, after};
	return true;
}

/* "&&" and "||" part as ";" does: what is behind them is a command of its own. */
static bool split(struct script *script, const char *text)
{
	const char *start = text;
	char before = 0;

	while (*text) {
		const char *at = text;
		char after = *at == '\n' ? ';' : *at;

		if (!parts(start, at)) {
			text = skip_piece(at);
			if (!text)
				return false;
			continue;
		}
		text = at + 1;
		if ((*at == '&' || *at == '|') && *text == *at) {
			after = ';';
			text++;
		}
		if (!add_command(script, start, at, before, after))
			return false;
		before = after;
		start = text;
	}
	return add_command(script, start, text, before, 0);
}

static size_t word_len(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && !strchr(BLANKS, text[at]))
		at++;
	return at;
}

/* "NAME=value " in front of a command. */
static size_t assignments_len(const struct simple_command *command)
{
	size_t at = 0;

	for (;;) {
		const char *word = command->text + at;
		size_t len = word_len(word, command->len - at);
		size_t name = 0;

		while (name < len &&
			(isalnum((unsigned char)word[name]) || word[name] == '_'))
			name++;
		/* A value in quotes may have blanks. */
		if (name == 0 || name == len || word[name] != '=' ||
			memchr(word, '"', len) || memchr(word, '\'', len))
			return at;
		at += len;
		while (at < command->len && strchr(BLANKS, command->text[at]))
			at++;
	}
}

static bool is_reserved(const struct simple_command *command)
{
	static const char *const words[] = {"if", "then", "else", "elif", "fi", "for",
		"while", "until", "do", "done", "case", "esac", "{", "}", "!",
		"function", "select", "time", NULL};

	return is_one_of(command->text, word_len(command->text, command->len), words);
}

/* The shell has become a program already. */
static bool is_exec(const struct simple_command *command)
{
	size_t skip = assignments_len(command);
	size_t len = word_len(command->text + skip, command->len - skip);

	return len == strlen("exec") && memcmp(command->text + skip, "exec", len) == 0;
}

/* What the shell does itself. */
static bool is_builtin(const struct simple_command *command)
{
	static const char *const words[] = {"exit", "true", "false", ":", "cd", "echo",
		"export", "set", "trap", "ulimit", "umask", "unset", "wait", ".",
		"source", "eval", "read", "return", "shift", "test", "[", "printf",
		NULL};
	size_t skip = assignments_len(command);

	return skip == command->len ||
		is_one_of(command->text + skip,
			word_len(command->text + skip, command->len - skip), words);
}

/* As the child's command line would have it: without quotes. */
static bool is_child(const struct simple_command *command, const char *child)
{
	struct buf text = {0};
	bool same;

	for (size_t i = assignments_len(command); i < command->len; i++) {
		if (!strchr("'\"\\", command->text[i]))
			buf_add(&text, &command->text[i], 1);
	}
	same = strcmp(buf_text(&text), child) == 0;
	buf_done(&text);
	return same;
}

static bool has_childs_program(const struct simple_command *command, const char *child)
{
	size_t skip = assignments_len(command);
	SCOPED(mem_free)
	char *word = mem_textf("%.*s",
		(int)word_len(command->text + skip, command->len - skip),
		command->text + skip);
	SCOPED(mem_free)
	char *program = mem_textf("%.*s", (int)strcspn(child, BLANKS), child);

	return strcmp(base_name(word), base_name(program)) == 0;
}

/* The command that ran when the stop came; NULL: there is none to be named. */
static const struct simple_command *choose(
	const struct script *script, const char *child)
{
	const struct simple_command *last = NULL;
	unsigned programs = 0;

	for (unsigned i = 0; i < script->count; i++) {
		if (is_reserved(&script->command[i]) || is_exec(&script->command[i]))
			return NULL;
	}
	for (unsigned i = 0; child && i < script->count; i++) {
		if (is_child(&script->command[i], child))
			return &script->command[i];
	}
	for (unsigned i = 0; child && i < script->count; i++) {
		if (has_childs_program(&script->command[i], child))
			return &script->command[i];
	}
	for (unsigned i = 0; i < script->count; i++) {
		if (is_builtin(&script->command[i]))
			continue;
		last = &script->command[i];
		programs++;
	}
	/* One that runs under another name is not to be guessed among several. */
	return child && programs > 1 ? NULL : last;
}

/* --- the command line --- */

/* Behind the text in quotes at text, of which a shell would only take the quotes away;
 * NULL: it would do more. */
static const char *skip_quoted(const char *text)
{
	const char *end = strchr(text + 1, *text);
	size_t plain = *text == '"' ? strcspn(text + 1, "$`\\\"") : SIZE_MAX;

	return end && plain >= (size_t)(end - text - 1) ? end + 1 : NULL;
}

/* Words of which a shell would make nothing but an argument each. Its quotes are closed:
 * split() has seen to that. */
static bool is_plain(const struct simple_command *command)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-+=./:,@% \t'\"";
	const char *at = command->text;
	const char *end = at + command->len;

	while (at && at < end && strchr(plain, *at))
		at = strchr("'\"", *at) ? skip_quoted(at) : at + 1;
	return assignments_len(command) == 0 && at == end;
}

/* Of a command that is plain. */
static void add_words(struct strlist *form, const struct simple_command *command)
{
	const char *end = command->text + command->len;
	SCOPED(buf_done) struct buf word = {0};

	for (const char *at = command->text; at < end; at++) {
		size_t len = 1;

		if (strchr(BLANKS, *at))
			continue;
		buf_clear(&word);
		for (; at < end && !strchr(BLANKS, *at); at += len) {
			bool quoted = strchr("'\"", *at);

			len = quoted ? (size_t)(skip_quoted(at) - at) : 1;
			buf_add(&word, at + quoted, quoted ? len - 2 : 1);
		}
		strlist_add(form, "%s", buf_text(&word));
	}
}

static void add_with_exec(struct strlist *form, const struct strlist *command,
	unsigned at, const struct simple_command *chosen)
{
	const char *script = command->item[at];
	size_t before = (size_t)(chosen->text - script) + assignments_len(chosen);

	for (unsigned i = 0; i < command->count; i++) {
		if (i == at)
			strlist_add(form, "%.*sexec %s", (int)before, script,
				script + before);
		else
			strlist_add(form, "%s", command->item[i]);
	}
}

/* The place of the shell's script; 0: there is none. `shell` gets the place of what is
 * left out with the shell: itself, and a busybox in front of it. */
static unsigned find_script(const struct strlist *command, unsigned *shell)
{
	unsigned at = 0;

	while (at < command->count && !is_shell(command->item[at]))
		at++;
	*shell = at > 0 && strcmp(base_name(command->item[at - 1]), "busybox") == 0
		? at - 1
		: at;
	/* "-e", "-c", "-ec" */
	for (at++; at < command->count && command->item[at][0] == '-'; at++) {
		const char *option = command->item[at];

		if (option[1] != '-' && option[strlen(option) - 1] == 'c')
			return at + 1 < command->count ? at + 1 : 0;
	}
	return 0;
}

bool exec_form(struct strlist *form, const struct strlist *command, const char *child)
{
	struct script script = {0};
	unsigned shell;
	unsigned at = find_script(command, &shell);
	const struct simple_command *chosen;

	if (at == 0 || !split(&script, command->item[at]))
		return false;
	chosen = choose(&script, child);
	if (!chosen || is_builtin(chosen) || chosen->before == '|' ||
		chosen->after == '|' || chosen->after == '&')
		return false;
	if (script.count > 1 || !is_plain(chosen)) {
		add_with_exec(form, command, at, chosen);
		return true;
	}
	for (unsigned i = 0; i < shell; i++)
		strlist_add(form, "%s", command->item[i]);
	add_words(form, chosen);
	return true;
}
