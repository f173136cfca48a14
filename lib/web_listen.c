#include "lib/web_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define BACKLOG 1024

/* Both kinds have their port in the same place. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

bool web_listen_at(const char *host, uint16_t *port, int *listener, struct err *err)
{
	union address address;
	socklen_t len = sizeof address;
	int on = 1;
	int fd;

	if (uv_ip4_addr(host, *port, &address.v4) < 0 &&
		uv_ip6_addr(host, *port, &address.v6) < 0)
		return err_set(err, "expected an IP address");
	fd = *listener = socket(
		address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	/* Allows old connections in TIME_WAIT on the port, but no other listener. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	len = address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6;
	if (bind(fd, &address.any, len) < 0)
		return err_sys(err, "bind");
	if (listen(fd, BACKLOG) < 0)
		return err_sys(err, "listen");
	if (getsockname(fd, &address.any, &len) < 0)
		return err_sys(err, "getsockname");
	*port = ntohs(address.v4.sin_port);
	return true;
}

bool web_listen_at_stdin(uint16_t *port, int *listener, struct err *err)
{
	union address address = {0};
	socklen_t len = sizeof address, size = sizeof(int);
	int listens = 0, null;

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
		!listens || getsockname(STDIN_FILENO, &address.any, &len) < 0 ||
		(address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6))
		return err_set(err, "it is not a listening TCP socket");
	*listener = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (*listener < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		fcntl(*listener, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "take it");
	close(null);
	*port = ntohs(address.v4.sin_port);
	return true;
}

/* Nobody listens at a socket that a killed program left. */
static void remove_left(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 &&
		errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

bool web_listen_at_socket(const char *path, int *listener, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, "the path of a socket has at most %zu bytes",
			sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	remove_left(&address);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*listener < 0)
		return err_sys(err, "socket");
	/* The file that bind() makes has the mode of the socket. */
	if (fchmod(*listener, S_IRUSR | S_IWUSR) < 0 ||
		bind(*listener, (struct sockaddr *)&address, sizeof address) < 0)
		return err_sys(err, "bind");
	return listen(*listener, BACKLOG) == 0 || err_sys(err, "listen");
}

/* Between the last accept() and close() a client could complete its handshake, and be
 * reset with a request on its way. From here on the kernel drops the packets that begin
 * a handshake (SYN, byte 13 of the TCP header); when the client repeats its SYN, the
 * port is closed and refuses it before it has sent anything. Without the filter a gap
 * of some microseconds stays. */
void web_listen_block_handshakes(int listener)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {COUNT(filter), filter};

	setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
