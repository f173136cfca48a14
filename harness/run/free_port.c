#include "harness/run/free_port.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#define TRIES 200

static bool is_free(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 &&
		bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* An abstract name belongs to a network namespace, as ports do, and ends with its holder.
 * -1: another one has it. */
static int hold(int port)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
		"stopbench-port-%d", port);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
		bind(fd, (const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				(size_t)len)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Rounds that begin at the same time begin to look at different ports. */
static unsigned draw(void)
{
	unsigned number = 0;

	uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
	return number;
}

bool free_port_take(struct free_port *port, int first, int count)
{
	unsigned start = draw();

	*port = (struct free_port){.fd = -1};
	for (int i = 0; i < TRIES && i < count; i++) {
		int candidate = first + (int)((start + (unsigned)i) % (unsigned)count);
		int fd = hold(candidate);

		if (fd >= 0 && is_free(candidate)) {
			*port = (struct free_port){.port = candidate, .fd = fd};
			return true;
		}
		if (fd >= 0)
			close(fd);
	}
	return false;
}

void free_port_done(struct free_port *port)
{
	if (port->port)
		close(port->fd);
	*port = (struct free_port){.fd = -1};
}
