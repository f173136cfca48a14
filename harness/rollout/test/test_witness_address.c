#include "harness/rollout/witness_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mem.h"

static void an_address_is_a_socket_a_host_or_a_daemon(void **state UNUSED)
{
	static const struct {
		const char *address;
		bool right;
		const char *why;
	} rows[] = {
		{"unix:///run/stopbench.sock", true, "a socket"},
		{"https://10.99.2.2:7443", true, "mutual TLS"},
		{"https://node-2", true, "the port of https"},
		{"https://[fd00::2]:7443", true, "IPv6"},
		{"docker:unix:///run/docker.sock", true, "a daemon of this kernel"},
		{"docker:tcp://127.0.0.1:2375", true, "likewise"},
		{"", false, "nothing"},
		{"unix://", false, "no path"},
		{"unix:///", false, "a folder"},
		{"unix://relative", false, "no whole path"},
		{"/run/stopbench.sock", false, "no scheme"},
		{"http://10.99.2.2:7443", false, "there is no plain TCP"},
		{"https://", false, "no host"},
		{"https://:7443", false, "no host"},
		{"https://n2:", false, "no port"},
		{"https://n2:port", false, "no number"},
		{"https://n2:70000", false, "too high"},
		{"https://n2:0", false, "no port of a server"},
		{"https://n2:7443/v1", false, "it has a path"},
		{"https://a@n2:7443", false, "it has a user"},
		{"https://n 2:7443", false, "a space"},
		{"https://[fd00::2:7443", false, "no end of the address"},
		{"docker:", false, "no daemon"},
		{"docker:tcp://n2", false, "a daemon has no port of its own"},
		{"docker:https://n2:7443", false, "no address of a daemon"},
		{"docker:docker:unix:///a", false, "once"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err;

		if (witness_address_check(rows[i].address, &err) != rows[i].right)
			fail_msg("\"%s\": %s", rows[i].address, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_a_socket_a_host_or_a_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
