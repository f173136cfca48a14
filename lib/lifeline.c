#include "lib/lifeline.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"

#define PATIENCE (5 * CLOCK_S)

/* A mock that was started by hand may have a stderr that nobody reads. */
#define STDERR_PATIENCE (250 * CLOCK_MS)

/* The send timeout bounds connect() for both families, also where a unix listener's
 * backlog is full, which a nonblocking connect() would take for a refusal. 0: no bound.
 */
static bool set_patience(int fd, int64_t ns)
{
	struct timeval time = {
		.tv_sec = ns / CLOCK_S, .tv_usec = ns % CLOCK_S / CLOCK_US};

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0;
}

/* A connected descriptor, or -1 with errno. An interrupted connect() continues when it
 * is called again. */
static int open_line(int family, const struct sockaddr *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), number;
	int64_t deadline_ns = clock_now() + PATIENCE, left_ns = PATIENCE;

	if (fd < 0)
		return -1;
	do {
		if (set_patience(fd, left_ns) && connect(fd, address, len) == 0 &&
			set_patience(fd, 0))
			return fd;
		left_ns = deadline_ns - clock_now();
	} while (errno == EINTR && left_ns >= CLOCK_MS);
	number = errno;
	close(fd);
	errno = number == EAGAIN || number == EINPROGRESS || number == EINTR ? ETIMEDOUT
									     : number;
	return -1;
}

static bool connect_unix(int *fd, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int line;

	if (len == 0 || len >= sizeof address.sun_path)
		return err_set(err, "a socket's path has 1 to %zu bytes, this one %zu",
			sizeof address.sun_path - 1, len);
	memcpy(address.sun_path, path, len);
	line = open_line(AF_UNIX, (struct sockaddr *)&address, sizeof address);
	if (line < 0)
		return err_sys(err, "connect");
	*fd = line;
	return true;
}

/* host is "ledger", "127.0.0.1" or "[::1]". */
static bool connect_tcp(int *fd, char *host, const char *port, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	size_t host_len = strlen(host);
	int no_delay = 1, line = -1, failed;

	if (host_len > 2 && host[0] == '[' && host[host_len - 1] == ']') {
		host[host_len - 1] = '\0';
		host++;
	}
	failed = getaddrinfo(host, port, &hints, &addresses);
	if (failed == EAI_SYSTEM)
		return err_sys(err, "find %s", host);
	if (failed != 0)
		return err_set(err, "find %s: %s", host, gai_strerror(failed));
	for (struct addrinfo *at = addresses; at && line < 0; at = at->ai_next)
		line = open_line(at->ai_family, at->ai_addr, at->ai_addrlen);
	freeaddrinfo(addresses);
	if (line < 0)
		return err_sys(err, "connect");
	/* Scenarios wait for lines, so no line waits for the last one's ACK. */
	setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
	*fd = line;
	return true;
}

static bool connect_to(int *fd, const char *address, struct err *err)
{
	SCOPED(mem_free) char *rest = NULL;
	char *port;

	if (strncmp(address, "unix:", 5) == 0)
		return connect_unix(fd, address + 5, err);
	if (strncmp(address, "tcp:", 4) == 0) {
		rest = mem_text(address + 4);
		port = strrchr(rest, ':');
		if (port && port > rest && port[1] != '\0') {
			*port = '\0';
			return connect_tcp(fd, rest, port + 1, err);
		}
	}
	return err_set(err, "expected unix:/path or tcp:host:port");
}

bool lifeline_connect(
	int *fd, const char *address, const struct lifeline_who *who, struct err *err)
{
	int line = -1;

	if (!address)
		address = getenv(LIFELINE_ENV);
	if (address && *address) {
		if (!connect_to(&line, address, err))
			return err_while(err, "ledger %s", address);
		log_to(line);
	}
	log_patience(line < 0 ? STDERR_PATIENCE : 0);
	*fd = line;
	log_event("process.start", "role", LOG_TEXT(who->role), "name",
		LOG_TEXT(who->name), "session", LOG_TEXT(who->session), "ppid",
		LOG_INT(getppid()));
	return true;
}

/* Globals, because a signal handler has no argument. */
static int watched_line, watched_exit_code;

/* Room on the line raises SIGIO, too. */
static void on_line_event(int number UNUSED)
{
	struct pollfd line = {.fd = watched_line, .events = POLLRDHUP};
	int saved = errno;

	if (poll(&line, 1, 0) > 0)
		_exit(watched_exit_code);
	errno = saved;
}

/* A handler, because a process that blocks in a write or spins does not turn a loop. */
void lifeline_end_with(int fd, int exit_code)
{
	struct sigaction action = {.sa_handler = on_line_event, .sa_flags = SA_RESTART};
	sigset_t set;

	watched_line = fd;
	watched_exit_code = exit_code;
	sigaction(SIGIO, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
	raise(SIGIO); /* the other end may have hung up already */
}

void lifeline_exit(int exit_code)
{
	log_event("process.exit", "code", LOG_INT(exit_code));
}
