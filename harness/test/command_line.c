#include "harness/test/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

const char *bin_folder(void)
{
	static char folder[PATH_MAX];
	char self[PATH_MAX] = {0};

	if (!folder[0]) {
		assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
		/* build/harness/test/test_x: three folders up is build */
		snprintf(folder, sizeof folder, "%.4000s/bin",
			dirname(dirname(dirname(self))));
	}
	return folder;
}

static void execute(const char *const *arguments)
{
	SCOPED(mem_free) char *program = mem_textf("%s/%s", bin_folder(), arguments[0]);
	char *const *argv = (char *const *)(void *)(size_t)arguments;

	if (access(program, X_OK) == 0)
		execv(program, argv);
	else
		execvp(arguments[0], argv);
	_exit(127);
}

static char *read_all(FILE *file)
{
	struct buf text = {0};
	char block[4096];
	size_t len;

	rewind(file);
	while ((len = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&text, block, len);
	fclose(file);
	return text.data ? buf_take(&text) : mem_text("");
}

struct said run_command(const char *const *arguments)
{
	FILE *out = tmpfile(), *err = tmpfile();
	struct said said;
	pid_t pid;
	int status;

	assert_non_null(out);
	assert_non_null(err);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		execute(arguments);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	said.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	said.out = read_all(out);
	said.err = read_all(err);
	return said;
}

void said_done(struct said *said)
{
	free(said->out);
	free(said->err);
}

cJSON *run_scenarios(const char *const *arguments, int *code)
{
	SCOPED(mem_free) char *report = mem_text("/tmp/sb-report-XXXXXX");
	const char *argv[32] = {"stopbench", "run", "--format", "json", "--report"};
	unsigned count = 5;
	struct said said;
	cJSON *results;

	assert_non_null(mkdtemp(report));
	argv[count++] = report;
	for (unsigned i = 0; arguments[i]; i++)
		argv[count++] = arguments[i];
	said = run_command(argv);
	*code = said.code;
	results = json_parse(said.out, strlen(said.out));
	if (!results || said.code != 0)
		print_error("%s\n", said.err);
	said_done(&said);
	said = run_command((const char *const[]){"rm", "-rf", report, NULL});
	said_done(&said);
	return results;
}

pid_t start_command(const char *const *arguments)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execute(arguments);
	}
	return pid;
}

int docker_is_there(void)
{
	struct said said = run_command(
		(const char *const[]){"curl", "-s", "--max-time", "5", "--unix-socket",
			"/var/run/docker.sock", "http://docker/_ping", NULL});
	int there = said.code == 0 && strcmp(said.out, "OK") == 0;

	said_done(&said);
	if (!there && getenv("STOPBENCH_REQUIRE_DOCKER"))
		fail_msg(
			"no Docker engine answers, and STOPBENCH_REQUIRE_DOCKER is set");
	return there;
}

/* Whoever else uses this daemon has another temporary folder: "host:/tmp". */
static bool is_of_our_home(const cJSON *thing)
{
	const char *run_dir = json_text(json_get(thing, "Labels"), "stopbench.home");
	const char *folder = run_dir ? strchr(run_dir, ':') : NULL;

	return folder && strcmp(folder + 1, getenv("TMPDIR")) == 0;
}

static int count_of(const char *url)
{
	struct said said = run_command((const char *const[]){"curl", "-s", "--max-time",
		"10", "--unix-socket", "/var/run/docker.sock", url, NULL});
	cJSON *list = json_parse(said.out, strlen(said.out));
	const cJSON *thing;
	int count = 0;

	assert_true(cJSON_IsArray(list));
	cJSON_ArrayForEach(thing, list)
		count += is_of_our_home(thing);
	cJSON_Delete(list);
	said_done(&said);
	return count;
}

int labelled_things(void)
{
	return count_of("http://docker/containers/json?all=1&filters="
			"%7B%22label%22%3A%5B%22stopbench.run%22%5D%7D") +
		count_of("http://docker/networks?filters="
			 "%7B%22label%22%3A%5B%22stopbench.run%22%5D%7D");
}

int run_folders(void)
{
	const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	DIR *entries = opendir(folder);
	struct dirent *entry;
	int count = 0;

	assert_non_null(entries);
	while ((entry = readdir(entries)))
		count += strncmp(entry->d_name, "stopbench-", 10) == 0;
	closedir(entries);
	return count;
}

unsigned processes(const char *command)
{
	glob_t files;
	unsigned count = 0;

	assert_int_equal(glob("/proc/[0-9]*/cmdline", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *file = fopen(files.gl_pathv[i], "re");
		char text[256] = "";
		size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;

		if (file)
			fclose(file);
		for (size_t at = 0; at + 1 < len; at++)
			text[at] = text[at] ? text[at] : ' ';
		count += strcmp(text, command) == 0;
	}
	globfree(&files);
	return count;
}

void wait_for_processes(unsigned count, const char *command)
{
	for (int i = 0; i < 4000 && processes(command) != count; i++)
		usleep(5000);
	assert_int_equal(processes(command), count);
}

void expect_code(const char *const *arguments, int wanted, const char *says)
{
	struct said said = run_command(arguments);

	if (said.code != wanted || !strstr(said.err, says))
		print_error("code %d\n%s\n%s\n", said.code, said.out, said.err);
	assert_int_equal(said.code, wanted);
	assert_non_null(strstr(said.err, says));
	said_done(&said);
}

int enter_own_folder(void **state)
{
	char *folder = mem_text("/tmp/sb-test-XXXXXX");

	*state = folder;
	return mkdtemp(folder) && setenv("TMPDIR", folder, 1) == 0 ? 0 : -1;
}

int leave_own_folder(void **state)
{
	struct said said =
		run_command((const char *const[]){"rm", "-rf", *state, NULL});

	said_done(&said);
	free(*state);
	return 0;
}
