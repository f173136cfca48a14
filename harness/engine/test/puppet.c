/*
 * puppet - a program to stop, which does as its arguments say, in their order:
 *
 *   term=CODE    SIGTERM ends it with that code; "ignore" ignores it
 *   quit=CODE    SIGQUIT ends it with that code
 *   after=MS     ... this long after the signal (before term=)
 *   say=N        prints N numbered lines to stdout, the last without an end
 *   split=N      prints N numbered lines, in turn to stdout and stderr
 *   env=NAME     prints "NAME=value"
 *   touch=PATH   makes an empty file
 *   child=N      starts children that wait for ever, with default dispositions
 *   zombie=N     starts children that end at once, and does not wait for them
 *   resolve=HOST prints the address that the name has
 *   eat=MB       takes that much memory, and uses it
 *   listen=PORT  listens on 127.0.0.1 (0: any port) and prints "port N"
 *   uid=N        changes its user
 *   connect=PATH connects to a unix socket, prints "connected" or why not
 *   end=CODE     ends
 *   raise=N      sends itself signal N
 *
 * After the last it prints "ready" and waits for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

static volatile sig_atomic_t code, quit_code, after_ms;

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

static void on_quit(int number)
{
	(void)number;
	_exit(quit_code);
}

static void listen_on(long port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1) != 0)
		exit(65);
	getsockname(fd, (struct sockaddr *)&address, &len);
	printf("port %d\n", ntohs(address.sin_port));
}

static void connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int failed;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	failed = connect(fd, (struct sockaddr *)&address, sizeof address);
	puts(failed ? strerror(errno) : "connected");
	close(fd);
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
	else if (strcmp(name, "quit") == 0) {
		quit_code = (int)number;
		signal(SIGQUIT, on_quit);
	} else if (strcmp(name, "listen") == 0)
		listen_on(number);
	else if (strcmp(name, "uid") == 0)
		number = setresuid((uid_t)number, (uid_t)number, (uid_t)number);
	else if (strcmp(name, "connect") == 0)
		connect_to(value);
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
