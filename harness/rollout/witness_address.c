#include "harness/rollout/witness_address.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* Behind the prefix; NULL: it has another one. */
static const char *behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && text[digits] == '\0' && atol(text) > 0 &&
		atol(text) <= 65535;
}

/* "10.99.2.2", "node-2:7443", "[fd00::2]:7443" */
static bool is_host(const char *text, bool needs_port)
{
	const char *end = text[0] == '['
		? strchr(text, ']')
		: text + strcspn(text, ":");
	size_t len;

	if (!end)
		return false;
	end += *end == ']';
	len = (size_t)(end - text);
	if (len == 0 || strcspn(text, "/?#@ \t") < strlen(text))
		return false;
	return *end == ':' ? is_port(end + 1) : *end == '\0' && !needs_port;
}

static bool is_path(const char *text)
{
	return text[0] == '/' && text[1];
}

bool witness_address_check(const char *address, struct err *err)
{
	const char *daemon = behind(address, WITNESS_DAEMON_MARK);
	const char *inner = daemon ? daemon : address;
	const char *path = behind(inner, "unix://");
	const char *host = behind(inner, daemon ? "tcp://" : "https://");

	if ((path && is_path(path)) || (host && is_host(host, daemon != NULL)))
		return true;
	return err_set(err,
		daemon ? "expected docker:unix:///PATH or docker:tcp://HOST:PORT, not "
			 "\"%s\""
		       : "expected unix:///PATH, https://HOST:PORT or docker:ADDRESS, not "
			 "\"%s\"",
		address);
}
