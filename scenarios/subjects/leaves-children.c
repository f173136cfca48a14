/*
 * leaves-children - starts an MCP server and exits 0 on SIGTERM at once, without a word to
 * it: fast, exit code 0, and not clean.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	int to_server[2], from_server[2];
	sigset_t set;
	char byte;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(to_server) != 0 || pipe(from_server) != 0)
		return 1;
	switch (fork()) {
	case -1:
		return 1;
	case 0:
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		dup2(to_server[0], 0);
		dup2(from_server[1], 1);
		close(to_server[1]);
		close(from_server[0]);
		execlp("mock-mcp", "mock-mcp", "--name", "forgotten", "--behavior",
			"{\"on_eof\": \"ignore\"}", (char *)NULL);
		_exit(127);
	default:
		break;
	}
	/* Its first answer proves that it runs. */
	dprintf(to_server[1], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
	if (read(from_server[0], &byte, 1) != 1)
		return 1;
	puts("ready");
	fflush(stdout);
	return sigwait(&set, &number) == 0 ? 0 : 1;
}
