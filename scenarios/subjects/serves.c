/*
 * serves - an HTTP server that needs long for an answer: SIGTERM always finds it under
 * way, with 500 ms to go. Then it exits 0: after that answer, or, with the argument
 * "drop", at once.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told;
static bool drops;

static void on_term(int number)
{
	told = number;
	if (drops)
		_exit(0);
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
		listen(listener, 16) != 0 ||
		getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	printf("{\"event\":\"service.listening\",\"port\":%d}\nready\n",
		ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

static void answer(int client)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";
	const struct timespec tick = {.tv_nsec = 1000 * 1000};
	struct timespec left = {.tv_nsec = 500 * 1000 * 1000};
	char request[4096];

	if (read(client, request, sizeof request) > 0) {
		while (!told)
			nanosleep(&tick, NULL);
		while (nanosleep(&left, &left) != 0)
			continue;
		if (write(client, text, strlen(text)) < 0)
			perror("write");
	}
	close(client);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term}; /* no SA_RESTART */
	int listener = listen_somewhere();

	drops = argc > 1 && strcmp(argv[1], "drop") == 0;
	sigaction(SIGTERM, &action, NULL);
	while (!told) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0)
			answer(client);
	}
	return 0;
}
