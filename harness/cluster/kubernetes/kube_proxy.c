#include "harness/cluster/kubernetes/kube_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "lib/reaper.h"
#include "lib/wait.h"

#define BEGIN_NS     (20 * CLOCK_S)
#define LINE_CEILING 1024

struct kube_proxy {
	struct reaper *reaper;
	struct child *child;
	char folder[32];
	char *socket;
	struct lines out, errors;
	bool serves, ended;
	char *said; /* the last line of its stderr; NULL: none */
};

/* stdin is a pipe from us: at its end kubectl is ended and the folder removed, also where
 * we were killed. The shell writes to stderr that a signal ended kubectl, and SIGPIPE would
 * end it there. */
static const char script[] =
	"exec 3<&0; kubectl proxy --unix-socket=\"$0\" </dev/null 3<&- & proxy=$!; "
	"{ read -r _ <&3; kill \"$proxy\"; } 2>/dev/null & exec 3<&-; trap '' PIPE; "
	"wait \"$proxy\"; code=$?; rm -rf -- \"$1\"; exit $code";

static void on_out_line(void *arg, char *line, size_t len UNUSED, bool cut UNUSED)
{
	struct kube_proxy *proxy = arg;

	proxy->serves = proxy->serves || strstr(line, "Starting to serve");
}

static void on_error_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct kube_proxy *proxy = arg;

	if (len == 0)
		return;
	free(proxy->said);
	proxy->said = mem_text(line);
}

static void on_stdout(void *arg, const char *data, size_t len)
{
	lines_feed(&((struct kube_proxy *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	lines_feed(&((struct kube_proxy *)arg)->errors, data, len);
}

static void on_exit_of(void *arg, int status UNUSED)
{
	struct kube_proxy *proxy = arg;

	lines_end(&proxy->errors);
	proxy->ended = true;
}

static bool spawn(struct kube_proxy *proxy, uv_loop_t *loop, struct err *err)
{
	const char *const argv[] = {
		"sh", "-c", script, proxy->socket, proxy->folder, NULL};

	proxy->reaper = reaper_create(loop, NULL, NULL, err);
	if (!proxy->reaper)
		return false;
	proxy->child = child_spawn(proxy->reaper,
		&(struct child_spec){
			.argv = argv,
			.on_stdout = on_stdout,
			.on_stderr = on_stderr,
			.on_exit = on_exit_of,
			.arg = proxy,
			.with_stdin = true,
		},
		err);
	return proxy->child != NULL;
}

static bool serves_or_ended(const void *arg)
{
	const struct kube_proxy *proxy = arg;

	return proxy->serves || proxy->ended;
}

static bool wait_for_it(struct kube_proxy *proxy, uv_loop_t *loop,
	const bool *interrupted, struct err *err)
{
	switch (wait_until(
		loop, serves_or_ended, proxy, clock_now() + BEGIN_NS, interrupted)) {
	case WAIT_SO:
		return proxy->serves ||
			err_set(err, "kubectl proxy: %s",
				proxy->said ? proxy->said : "it ended");
	case WAIT_DEADLINE:
		return err_set(err, "kubectl proxy does not serve after %s",
			CLOCK_TEXT(BEGIN_NS));
	case WAIT_INTERRUPTED:
		break;
	}
	return err_set(err, "interrupted");
}

struct kube_proxy *kube_proxy_begin(
	uv_loop_t *loop, const bool *interrupted, struct err *err)
{
	struct kube_proxy *proxy = mem_zeroed(sizeof *proxy);

	strcpy(proxy->folder, "/tmp/stopbench-kube-XXXXXX");
	lines_init(&proxy->out, LINE_CEILING, on_out_line, proxy);
	lines_init(&proxy->errors, LINE_CEILING, on_error_line, proxy);
	if (!mkdtemp(proxy->folder)) {
		proxy->folder[0] = '\0';
		err_sys(err, "make a folder for the socket of kubectl proxy");
	} else {
		proxy->socket = mem_textf("%s/api.sock", proxy->folder);
		if (spawn(proxy, loop, err) &&
			wait_for_it(proxy, loop, interrupted, err))
			return proxy;
	}
	kube_proxy_end(proxy);
	return NULL;
}

void kube_proxy_end(struct kube_proxy *proxy)
{
	if (!proxy)
		return;
	child_destroy(proxy->child);
	reaper_destroy(proxy->reaper);
	if (proxy->folder[0])
		fs_remove_tree(proxy->folder);
	lines_done(&proxy->out);
	lines_done(&proxy->errors);
	free(proxy->socket);
	free(proxy->said);
	free(proxy);
}

const char *kube_proxy_socket(const struct kube_proxy *proxy)
{
	return proxy->socket;
}

const char *kube_proxy_trouble(const struct kube_proxy *proxy)
{
	if (!proxy->ended)
		return NULL;
	return proxy->said ? proxy->said : "it ended";
}
