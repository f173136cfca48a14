/*
 * puppet - a program to stop, which does as its arguments say, in their order:
 *
 *   term=CODE    SIGTERM ends it with that code; "ignore" ignores it
 *   after=MS     ... this long after the signal (before term=)
 *   say=N        prints N numbered lines to stdout, the last without an end
 *   split=N      prints N numbered lines, in turn to stdout and stderr
 *   env=NAME     prints "NAME=value"
 *   touch=PATH   makes an empty file
 *   child=N      starts children that wait for ever, with default dispositions
 *   zombie=N     starts children that end at once, and does not wait for them
 *   resolve=HOST prints the address that the name has
 *   eat=MB       takes that much memory, and uses it
 *   end=CODE     ends
 *   raise=N      sends itself signal N
 *
 * After the last it prints "ready" and waits for ever.
 */
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

static volatile sig_atomic_t code, after_ms;

static void on_term(int number)
{
	const struct timespec pause = {after_ms / 1000, after_ms % 1000 * 1000000L};

	(void)number;
	nanosleep(&pause, NULL);
	_exit(code);
}

static void obey_term(const char *value)
{
	const struct sigaction action = {.sa_handler = on_term};

	code = (int)strtol(value, NULL, 10);
	if (strcmp(value, "ignore") == 0)
		signal(SIGTERM, SIG_IGN);
	else
		sigaction(SIGTERM, &action, NULL);
}

static void say(long lines)
{
	for (long i = 1; i <= lines; i++)
		printf("line %ld%s", i, i < lines ? "\n" : "");
}

static void split(long lines)
{
	for (long i = 1; i <= lines; i++)
		fprintf(i % 2 ? stdout : stderr, "line %ld\n", i);
}

static void start(long children, int events)
{
	for (long i = 0; i < children; i++) {
		if (fork() != 0)
			continue;
		signal(SIGTERM, SIG_DFL);
		while (events)
			pause();
		_exit(0);
	}
}

static void resolve(const char *host)
{
	const struct addrinfo wanted = {
		.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	char text[INET_ADDRSTRLEN] = "";
	struct addrinfo *found = NULL;
	int failed = getaddrinfo(host, NULL, &wanted, &found);

	if (failed) {
		printf("%s: %s\n", host, gai_strerror(failed));
		return;
	}
	getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0,
		NI_NUMERICHOST);
	printf("%s is %s\n", host, text);
	freeaddrinfo(found);
}

static void eat(long megabytes)
{
	for (long i = 0; i < megabytes; i++) {
		char *memory = malloc(1 << 20);

		if (memory)
			memset(memory, 1, 1 << 20);
	}
}

static void obey(const char *name, const char *value)
{
	long number = strtol(value, NULL, 10);

	if (strcmp(name, "term") == 0)
		obey_term(value);
	else if (strcmp(name, "after") == 0)
		after_ms = (int)number;
	else if (strcmp(name, "say") == 0)
		say(number);
	else if (strcmp(name, "split") == 0)
		split(number);
	else if (strcmp(name, "env") == 0)
		printf("%s=%s\n", value, getenv(value) ? getenv(value) : "(unset)");
	else if (strcmp(name, "touch") == 0)
		close(open(value, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	else if (strcmp(name, "child") == 0 || strcmp(name, "zombie") == 0)
		start(number, name[0] == 'c');
	else if (strcmp(name, "resolve") == 0)
		resolve(value);
	else if (strcmp(name, "eat") == 0)
		eat(number);
	else if (strcmp(name, "raise") == 0)
		raise((int)number);
	else if (strcmp(name, "end") == 0)
		exit((int)number);
	else
		exit(64);
	fflush(NULL);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *name = strdup(argv[i]);
		char *value = name ? strchr(name, '=') : NULL;

		if (!value)
			return 64;
		*value = '\0';
		obey(name, value + 1);
		free(name);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
