#include "harness/cluster/kubernetes/kube_access.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cluster/kubernetes/kube_proxy.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define FILE_CEILING ((size_t)64 << 10)
#define CONFIG_NS    (10 * CLOCK_S)

static void chomp(char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
}

/* The first line of a file, the caller's; NULL with errno. */
static char *read_line(const char *path)
{
	SCOPED(buf_done) struct buf text = {0};
	char *line;

	buf_init(&text, FILE_CEILING);
	if (!fs_read_file(&text, path))
		return NULL;
	line = buf_take(&text);
	chomp(line);
	return line;
}

/* --- a pod --- */

bool kube_access_read_account(
	struct kube_access *access, const char *folder, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	SCOPED(mem_free) char *namespace = mem_textf("%s/namespace", folder);
	SCOPED(mem_free) char *token = NULL;

	access->token = mem_textf("%s/token", folder);
	access->ca = mem_textf("%s/ca.crt", folder);
	token = read_line(access->token);
	if (!token)
		return err_sys(err,
			"KUBERNETES_SERVICE_HOST is set, but the service account's token "
			"%s cannot be read (automountServiceAccountToken?)",
			access->token);
	if (eaccess(access->ca, R_OK) != 0)
		return err_sys(err, "the cluster's certificate %s", access->ca);
	access->namespace = read_line(namespace);
	access->base = mem_textf(
		host && strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s",
		host ? host : "kubernetes.default.svc", port ? port : "443");
	access->words = mem_textf("%s with the pod's service account", access->base);
	return true;
}

char *kube_access_authorization(const struct kube_access *access)
{
	SCOPED(mem_free) char *token = access->token ? read_line(access->token) : NULL;

	return token ? mem_textf("Authorization: Bearer %s", token) : NULL;
}

/* --- an address --- */

static bool read_address(
	struct kube_access *access, const char *address, struct err *err)
{
	static const char unix_scheme[] = "unix://";

	access->words = mem_text(address);
	if (!strncmp(address, unix_scheme, strlen(unix_scheme)) &&
		address[strlen(unix_scheme)] == '/') {
		access->socket = mem_text(address + strlen(unix_scheme));
		access->base = mem_text("http://localhost");
		return eaccess(access->socket, R_OK | W_OK) == 0 ||
			err_sys(err, "no Kubernetes API at %s", address);
	}
	if (strncmp(address, "http://", strlen("http://")) != 0)
		return err_set(err,
			"%s: expected unix:///PATH of a `kubectl proxy --unix-socket=PATH`, "
			"or http://HOST:PORT of a `kubectl proxy`",
			address);
	access->base = mem_text(address);
	if (access->base[strlen(access->base) - 1] == '/')
		access->base[strlen(access->base) - 1] = '\0';
	return true;
}

/* --- kubectl --- */

/* kubectl proxy serves without one too, and reaches nothing. */
static bool check_kubeconfig(struct err *err)
{
	const char *said = getenv("KUBECONFIG"), *home = getenv("HOME");
	SCOPED(mem_free) char *path = mem_textf("%s/.kube/config", home ? home : "");

	if ((said && *said) || eaccess(path, R_OK) == 0)
		return true;
	return err_set(err,
		"no Kubernetes cluster: there is no kubeconfig (%s, or the variable "
		"KUBECONFIG), and this is no pod of one (KUBERNETES_SERVICE_HOST)",
		path);
}

/* The namespace of the current context; "default" where it names none. */
static char *ask_namespace(uv_loop_t *loop, const bool *interrupted)
{
	static const char *const argv[] = {"kubectl", "config", "view", "--minify",
		"--output=jsonpath={..namespace}", NULL};
	SCOPED(buf_done) struct buf out = {0};
	struct err ignored;
	char *name;

	if (!run_program_call(loop,
		    &(struct program_call){.argv = argv,
			    .within_ns = CONFIG_NS,
			    .interrupted = interrupted,
			    .out = &out},
		    &ignored))
		return NULL;
	name = mem_text(buf_text(&out));
	chomp(name);
	return name;
}

static bool begin_proxy(struct kube_access *access, uv_loop_t *loop,
	const bool *interrupted, struct err *err)
{
	if (!check_kubeconfig(err))
		return false;
	access->proxy = kube_proxy_begin(loop, interrupted, err);
	if (!access->proxy)
		return false;
	access->socket = mem_text(kube_proxy_socket(access->proxy));
	access->base = mem_text("http://localhost");
	access->words = mem_text("kubectl proxy");
	access->namespace = ask_namespace(loop, interrupted);
	return true;
}

bool kube_access_open(struct kube_access *access, uv_loop_t *loop, const char *address,
	const bool *interrupted, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	bool ok;

	*access = (struct kube_access){0};
	if (address)
		ok = read_address(access, address, err);
	else if (host && *host)
		ok = kube_access_read_account(access, KUBE_ACCOUNT, err);
	else
		ok = begin_proxy(access, loop, interrupted, err);
	if (!ok) {
		kube_access_close(access);
		return false;
	}
	if (!access->namespace || !*access->namespace) {
		free(access->namespace);
		access->namespace = mem_text("default");
	}
	return true;
}

void kube_access_close(struct kube_access *access)
{
	kube_proxy_end(access->proxy);
	free(access->words);
	free(access->socket);
	free(access->base);
	free(access->ca);
	free(access->token);
	free(access->namespace);
	*access = (struct kube_access){0};
}
