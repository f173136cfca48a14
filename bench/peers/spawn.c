/*
 * spawn - how long MCP servers on stdio take from their start to the answer to
 * initialize, COUNT of them started at once.
 *
 *   spawn COUNT COMMAND [ARGUMENT ...]
 *
 * Prints "ms N, kB N": until the last one had answered, and the memory of one of them then
 * (its proportional set). Ends them with SIGKILL. Exit status: 0; 2 bad usage; 3 one could
 * not be started or ended without an answer.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define COUNT_MOST 1000
#define ANSWER     "\"protocolVersion\""

static char initialize[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
	"\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
	"\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n";

struct crowd {
	unsigned count, answered;
	int64_t answered_ns; /* when the last one had */
};

struct server {
	struct crowd *crowd;
	uv_process_t process;
	uv_pipe_t in, out;
	uv_write_t write;
	struct buf said;
	bool answered;
};

static void allocate(uv_handle_t *handle UNUSED, size_t size UNUSED, uv_buf_t *room)
{
	static char block[65536];

	*room = uv_buf_init(block, sizeof block);
}

static void on_said(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
	struct server *server = stream->data;

	if (len < 0) {
		uv_stop(stream->loop);
		return;
	}
	buf_add(&server->said, room->base, (size_t)len);
	if (server->answered || !strstr(buf_text(&server->said), ANSWER))
		return;
	server->answered = true;
	if (++server->crowd->answered < server->crowd->count)
		return;
	server->crowd->answered_ns = clock_now();
	uv_stop(stream->loop);
}

static bool start(uv_loop_t *loop, struct server *server, char **command)
{
	uv_stdio_container_t files[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
			.data.stream = (uv_stream_t *)&server->in},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&server->out},
		{.flags = UV_IGNORE},
	};
	const uv_process_options_t options = {
		.file = command[0], .args = command, .stdio = files, .stdio_count = 3};
	const uv_buf_t request = uv_buf_init(initialize, sizeof initialize - 1);
	int failed;

	uv_pipe_init(loop, &server->in, 0);
	uv_pipe_init(loop, &server->out, 0);
	server->out.data = server;
	failed = uv_spawn(loop, &server->process, &options);
	if (failed) {
		fprintf(stderr, "spawn: %s: %s\n", command[0], uv_strerror(failed));
		return false;
	}
	uv_write(&server->write, (uv_stream_t *)&server->in, &request, 1, NULL);
	uv_read_start((uv_stream_t *)&server->out, allocate, on_said);
	return true;
}

/* In kB; -1: unknown. */
static long memory_of(int pid)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "re");
	char line[256];
	long kb = -1;

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Pss: %ld kB", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

static void end(uv_loop_t *loop, struct server *servers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uv_process_kill(&servers[i].process, SIGKILL);
		uv_close((uv_handle_t *)&servers[i].in, NULL);
		uv_close((uv_handle_t *)&servers[i].out, NULL);
		buf_done(&servers[i].said);
	}
	uv_run(loop, UV_RUN_DEFAULT); /* until all have been waited for */
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct crowd crowd = {.count = (unsigned)count};
	struct server *servers;
	unsigned started = 0;
	int64_t began_ns;
	uv_loop_t loop;

	if (count < 1 || count > COUNT_MOST) {
		fprintf(stderr, "usage: spawn COUNT COMMAND [ARGUMENT ...]\n");
		return 2;
	}
	servers = mem_zeroed((size_t)count * sizeof *servers);
	uv_loop_init(&loop);
	began_ns = clock_now();
	while (started < crowd.count) {
		servers[started].crowd = &crowd;
		if (!start(&loop, &servers[started], argv + 2))
			break;
		started++;
	}
	if (started == crowd.count)
		uv_run(&loop, UV_RUN_DEFAULT);
	if (crowd.answered == crowd.count)
		printf("ms %.2f, kB %ld\n",
			(double)(crowd.answered_ns - began_ns) / CLOCK_MS,
			memory_of(servers[0].process.pid));
	else
		fprintf(stderr, "spawn: %s: %u of %u answered\n", argv[2],
			crowd.answered, crowd.count);
	end(&loop, servers, started);
	free(servers);
	return crowd.answered == crowd.count ? 0 : 3;
}
