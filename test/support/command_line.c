#include "test/support/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

cJSON *run_scenarios(const char *const *arguments, int *code)
{
	char *report = temp_dir_create();
	const char *argv[32] = {"stopbench", "run", "--format", "json", "--report"};
	unsigned count = 5;
	struct program_output output;
	cJSON *results;

	argv[count++] = report;
	for (unsigned i = 0; arguments[i]; i++)
		argv[count++] = arguments[i];
	output = program_run(argv);
	*code = output.code;
	results = json_parse(output.out, strlen(output.out));
	if (!results || output.code != 0)
		print_error("%s\n", output.err);
	program_output_done(&output);
	temp_dir_remove(report);
	return results;
}

pid_t start_command(const char *const *arguments)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct program program;

	program_start(&program, arguments, (struct program_fds){null, null, null});
	close(program.pidfd);
	close(null);
	return program.pid;
}

int docker_is_there(void)
{
	struct program_output output = program_run(
		(const char *const[]){"curl", "-s", "--max-time", "5", "--unix-socket",
			"/var/run/docker.sock", "http://docker/_ping", NULL});
	int there = output.code == 0 && strcmp(output.out, "OK") == 0;

	program_output_done(&output);
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
	struct program_output output =
		program_run((const char *const[]){"curl", "-s", "--max-time", "10",
			"--unix-socket", "/var/run/docker.sock", url, NULL});
	cJSON *list = json_parse(output.out, strlen(output.out));
	const cJSON *thing;
	int count = 0;

	assert_true(cJSON_IsArray(list));
	cJSON_ArrayForEach(thing, list)
		count += is_of_our_home(thing);
	cJSON_Delete(list);
	program_output_done(&output);
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
	until(NULL, processes(command) == count);
}

void expect_code(const char *const *arguments, int wanted, const char *says)
{
	struct program_output output = program_run(arguments);

	if (output.code != wanted || !strstr(output.err, says))
		print_error("code %d\n%s\n%s\n", output.code, output.out, output.err);
	assert_int_equal(output.code, wanted);
	assert_non_null(strstr(output.err, says));
	program_output_done(&output);
}

int enter_own_folder(void **state)
{
	*state = temp_dir_create();
	return setenv("TMPDIR", *state, 1);
}

int leave_own_folder(void **state)
{
	temp_dir_remove(*state);
	return 0;
}
