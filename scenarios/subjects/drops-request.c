/*
 * drops-request - accepts a webhook, and exits 0 on SIGTERM without answering it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;
	char request[4096];
	sigset_t set;
	int number, client;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
		listen(listener, 16) != 0 ||
		getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return 1;
	printf("{\"event\":\"service.listening\",\"port\":%d}\nready\n",
		ntohs(address.sin_port));
	fflush(stdout);
	client = accept(listener, NULL, NULL);
	if (client < 0 || read(client, request, sizeof request) <= 0)
		return 1;
	puts("{\"event\":\"request.accepted\"}");
	fflush(stdout);
	return sigwait(&set, &number) == 0 ? 0 : 1;
}
