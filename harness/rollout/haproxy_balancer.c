/*
 * haproxy_balancer - haproxy of the system, 2.6 or newer: servers are added and deleted
 * through its runtime API ("add server", "set server", "del server"), and its own words
 * ("show servers state") say which of them get requests.
 *
 * It has no lag of its own: the order to take a server out is sent late. A server with a
 * health check is down until its first right answer, as a new backend of bin/balancer is.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/rollout/balancer_ops.h"
#include "harness/rollout/haproxy_socket.h"
#include "harness/run/free_port.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

/* Where Debian has it, which is not in the PATH of every user. */
#define SBIN       "/usr/sbin/haproxy"
#define FIRST_PORT 18000
#define PORTS      2000
#define ASK_NS     (50 * CLOCK_MS)

/* A server of ours. */
struct haproxy_server {
	struct haproxy *haproxy;
	char *address;
	unsigned number;        /* "b7" */
	bool is_leaving;        /* the lag runs */
	bool is_up;             /* as haproxy last said */
	struct loop_timer *lag; /* until it is taken out */
};

struct haproxy {
	struct balancer *balancer;
	struct free_port port;
	struct haproxy_socket *socket;
	struct loop_timer *ask; /* for the state of the servers */
	bool answers;
	struct haproxy_server **servers;
	unsigned count, last_number;
	bool asked;     /* for the state, and not answered */
	bool is_stale;  /* the servers have changed since it was asked for */
	bool all_known; /* its last words are of all servers, and of no other one */
};

/* --- what it is told --- */

static void ask_state(void *arg)
{
	struct haproxy *haproxy = arg;

	if (haproxy->asked)
		return;
	haproxy->asked = true;
	haproxy->is_stale = false;
	haproxy_socket_send(haproxy->socket, "show servers state tasks");
}

/* Whether it is deleted depends on its last requests: maintenance is what counts. */
static void take_out(void *arg)
{
	struct haproxy_server *server = arg;
	struct haproxy *haproxy = server->haproxy;

	for (unsigned i = 0; i < haproxy->count; i++)
		if (haproxy->servers[i] == server)
			haproxy->servers[i] = haproxy->servers[--haproxy->count];
	haproxy_socket_send(haproxy->socket,
		"set server tasks/b%u state maint;del server tasks/b%u", server->number,
		server->number);
	haproxy->is_stale = true;
	loop_timer_set(haproxy->ask, 0);
	loop_timer_destroy(server->lag);
	free(server->address);
	free(server);
}

static void add_server(struct haproxy *haproxy, const char *address)
{
	const struct balancer_part *part = haproxy->balancer->options.part;
	struct haproxy_server *server = mem_zeroed(sizeof *server);
	unsigned number = ++haproxy->last_number;

	server->haproxy = haproxy;
	server->address = mem_text(address);
	server->number = number;
	server->lag =
		loop_timer_create(haproxy->balancer->options.loop, take_out, server);
	haproxy->servers = mem_grown(
		haproxy->servers, haproxy->count + 1, sizeof(*haproxy->servers));
	haproxy->servers[haproxy->count++] = server;
	if (part->health_path)
		haproxy_socket_send(haproxy->socket,
			"add server tasks/b%u %s check inter %lldms fall %lld rise 1;"
			"enable health tasks/b%u;set server tasks/b%u state ready;"
			"set server tasks/b%u health down",
			number, address,
			(long long)(part->health_interval_ns / CLOCK_MS),
			(long long)part->fails, number, number, number);
	else
		haproxy_socket_send(haproxy->socket,
			"add server tasks/b%u %s;set server tasks/b%u state ready",
			number, address, number);
}

static struct haproxy_server *find(const struct haproxy *haproxy, const char *address)
{
	for (unsigned i = 0; i < haproxy->count; i++)
		if (strcmp(haproxy->servers[i]->address, address) == 0)
			return haproxy->servers[i];
	return NULL;
}

static void leave(struct haproxy_server *server)
{
	if (server->is_leaving)
		return;
	server->is_leaving = true;
	loop_timer_set(server->lag, server->haproxy->balancer->options.part->lag_ns);
}

static void keep(struct haproxy_server *server)
{
	server->is_leaving = false;
	loop_timer_stop(server->lag);
}

static void changed(struct balancer *balancer)
{
	struct haproxy *haproxy = balancer->own;

	for (unsigned i = 0; i < balancer->wanted.count; i++) {
		struct haproxy_server *server = find(haproxy, balancer->wanted.item[i]);

		if (server)
			keep(server);
		else
			add_server(haproxy, balancer->wanted.item[i]);
	}
	for (unsigned i = 0; i < haproxy->count; i++)
		if (!balancer_wants(balancer, haproxy->servers[i]->address))
			leave(haproxy->servers[i]);
	haproxy->is_stale = true;
	loop_timer_set(haproxy->ask, 0);
}

/* --- what it says --- */

/* A line of "show servers state", of the format 1: "3 tasks 1 b7 10.0.0.2 2 0 ...": the
 * operational state, where 2 is running, and the administrative one, where 0 is ready. */
static bool read_state(const char *line, unsigned *number, bool *is_up)
{
	int operation, administration;

	if (sscanf(line, "%*u tasks %*u b%u %*s %d %d", number, &operation,
		    &administration) != 3)
		return false;
	*is_up = operation == 2 && administration == 0;
	return true;
}

static struct haproxy_server *find_number(
	const struct haproxy *haproxy, unsigned number)
{
	for (unsigned i = 0; i < haproxy->count; i++)
		if (haproxy->servers[i]->number == number)
			return haproxy->servers[i];
	return NULL;
}

static void take_state(struct haproxy *haproxy, const char *text)
{
	unsigned ups = 0, others = 0, number;
	bool is_up;

	for (unsigned i = 0; i < haproxy->count; i++)
		haproxy->servers[i]->is_up = false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct haproxy_server *server;

		line += *line == '\n';
		if (!read_state(line, &number, &is_up))
			continue;
		server = find_number(haproxy, number);
		if (server)
			server->is_up = is_up;
		ups += server && is_up;
		others += !server && is_up;
	}
	haproxy->all_known = ups == haproxy->count && others == 0;
}

static void on_answer(void *arg, const char *text)
{
	struct haproxy *haproxy = arg;

	haproxy->answers |= text != NULL;
	if (text && strstr(text, "# be_id"))
		take_state(haproxy, text);
	else if (text)
		return; /* the state was not among these commands */
	haproxy->asked = false;
	if (!text || haproxy->is_stale || !haproxy->all_known ||
		haproxy->balancer->options.part->health_path)
		loop_timer_set(haproxy->ask, ASK_NS);
}

static bool has_settled(const struct balancer *balancer)
{
	const struct haproxy *haproxy = balancer->own;

	if (haproxy->is_stale || !haproxy->all_known ||
		haproxy->count != balancer->wanted.count ||
		!haproxy_socket_is_quiet(haproxy->socket))
		return false;
	for (unsigned i = 0; i < haproxy->count; i++)
		if (!balancer_wants(balancer, haproxy->servers[i]->address))
			return false;
	return true;
}

/* --- up and down --- */

static char *configuration(
	const struct balancer_part *part, const char *socket, int port)
{
	struct buf text = {0};

	buf_addf(&text,
		"global\n"
		"\tstats socket %s mode 600 level admin\n"
		"defaults\n"
		"\tmode http\n"
		"\ttimeout connect 5s\n"
		"\ttimeout client 300s\n"
		"\ttimeout server 60s\n"
		"\ttimeout check 1s\n"
		"\toption http-keep-alive\n"
		"\thttp-reuse safe\n"
		"\toption redispatch 1\n"
		"\tretries %lld\n"
		"\tretry-on %s\n",
		socket, (long long)part->retries,
		part->retries ? "conn-failure empty-response" : "none");
	buf_addf(&text,
		"frontend traffic\n"
		"\tbind 127.0.0.1:%d\n"
		"\tdefault_backend tasks\n"
		"backend tasks\n"
		"\tbalance roundrobin\n"
		"\thttp-response set-header X-Backend %%si:%%sp\n",
		port);
	if (part->health_path)
		buf_addf(&text,
			"\toption httpchk GET %s\n"
			"\thttp-check expect status 200\n",
			part->health_path);
	return buf_take(&text);
}

static bool answers(const void *arg)
{
	const struct haproxy *haproxy = ((const struct balancer *)arg)->own;

	return haproxy->answers;
}

static bool spawn(struct balancer *balancer, const char *file, struct err *err)
{
	const char *in_path[] = {"haproxy", "-db", "-f", file, NULL};
	const char *in_sbin[] = {SBIN, "-db", "-f", file, NULL};

	if (balancer_spawn(balancer, access(SBIN, X_OK) == 0 ? in_sbin : in_path, err))
		return true;
	return err_while(
		err, "haproxy of the package haproxy (apt-get install haproxy)");
}

static bool up(struct balancer *balancer, struct err *err)
{
	struct haproxy *haproxy = balancer->own = mem_zeroed(sizeof *haproxy);
	const char *folder = balancer->options.folder;
	SCOPED(mem_free) char *file = mem_textf("%s/haproxy.cfg", folder);
	SCOPED(mem_free) char *socket = mem_textf("%s/haproxy.sock", folder);
	SCOPED(mem_free) char *text = NULL;

	haproxy->balancer = balancer;
	haproxy->ask = loop_timer_create(balancer->options.loop, ask_state, haproxy);
	haproxy->socket = haproxy_socket_create(
		balancer->options.loop, socket, on_answer, haproxy);
	if (!free_port_take(&haproxy->port, FIRST_PORT, PORTS))
		return err_set(err, "no port from %d on is free", FIRST_PORT);
	text = configuration(balancer->options.part, socket, haproxy->port.port);
	if (!fs_write_file(file, text, strlen(text), err) ||
		!spawn(balancer, file, err))
		return false;
	ask_state(haproxy);
	if (!balancer_await(balancer, answers, err))
		return false;
	balancer->url = mem_textf("http://127.0.0.1:%d", haproxy->port.port);
	return true;
}

static void down(struct balancer *balancer)
{
	struct haproxy *haproxy = balancer->own;

	haproxy_socket_destroy(haproxy->socket);
	loop_timer_destroy(haproxy->ask);
	for (unsigned i = 0; i < haproxy->count; i++) {
		loop_timer_destroy(haproxy->servers[i]->lag);
		free(haproxy->servers[i]->address);
		free(haproxy->servers[i]);
	}
	free(haproxy->servers);
	free_port_done(&haproxy->port);
	free(haproxy);
}

const struct balancer_ops haproxy_balancer = {
	.up = up,
	.changed = changed,
	.has_settled = has_settled,
	.down = down,
};
