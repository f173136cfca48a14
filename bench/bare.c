/*
 * bare - the cost of the service's libraries at a stop: opens the least of what the
 * service opens, and closes it on SIGTERM in the same order.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "lib/cc.h"

struct bare {
	uv_loop_t loop;
	uv_signal_t term;
	uv_poll_t web;
	struct MHD_Daemon *daemon;
	CURLM *multi;
	sqlite3 *store;
	cJSON *json;
};

static enum MHD_Result on_request(void *cls UNUSED,
	struct MHD_Connection *connection UNUSED, const char *url UNUSED,
	const char *method UNUSED, const char *version UNUSED,
	const char *upload UNUSED, size_t *upload_len UNUSED, void **context UNUSED)
{
	return MHD_NO;
}

static void on_web(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	MHD_run(((struct bare *)poll->data)->daemon);
}

static void on_term(uv_signal_t *term, int number UNUSED)
{
	struct bare *bare = term->data;

	uv_close((uv_handle_t *)&bare->web, NULL);
	MHD_stop_daemon(bare->daemon);
	curl_multi_cleanup(bare->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)term, NULL);
}

static bool open_web(struct bare *bare)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const union MHD_DaemonInfo *info;

	bare->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_END);
	if (!bare->daemon)
		return false;
	MHD_run(bare->daemon); /* adds the listener to the epoll set */
	info = MHD_get_daemon_info(bare->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	uv_poll_init(&bare->loop, &bare->web, info->epoll_fd);
	bare->web.data = bare;
	return uv_poll_start(&bare->web, UV_READABLE, on_web) == 0;
}

static bool open_rest(struct bare *bare)
{
	bare->json = cJSON_Parse("{\"mcpServers\": {}}");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	bare->multi = curl_multi_init();
	return bare->json && bare->multi &&
		sqlite3_open(":memory:", &bare->store) == SQLITE_OK &&
		sqlite3_exec(bare->store, "CREATE TABLE session (id TEXT PRIMARY KEY)",
			NULL, NULL, NULL) == SQLITE_OK;
}

int main(void)
{
	struct bare bare = {0};
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_SETMASK, &stop, NULL);
	uv_loop_init(&bare.loop);
	if (!open_rest(&bare) || !open_web(&bare))
		return EXIT_FAILURE;
	uv_signal_init(&bare.loop, &bare.term);
	bare.term.data = &bare;
	uv_signal_start(&bare.term, on_term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	puts("ready");
	fflush(stdout);
	uv_run(&bare.loop, UV_RUN_DEFAULT);
	sqlite3_close(bare.store);
	cJSON_Delete(bare.json);
	return uv_loop_close(&bare.loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
