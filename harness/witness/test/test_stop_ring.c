#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/witness/stop_ring.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

static const struct kept_stop *add(struct stop_ring *ring, const char *text, int64_t ns)
{
	SCOPED(json_free) cJSON *labels = cJSON_CreateObject();
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "text", text);
	return stop_ring_add(ring, json, labels, ns);
}

static unsigned count_after(struct stop_ring *ring, uint64_t seq, int64_t now_ns)
{
	const struct kept_stop *stop = stop_ring_after(ring, seq, now_ns);
	unsigned count = 0;

	for (; stop; stop = stop->next)
		count++;
	return count;
}

static void stop_ring_numbers_what_it_keeps(void **state)
{
	struct stop_ring ring = {0};

	(void)state;
	assert_null(stop_ring_after(&ring, 0, 0));
	assert_string_equal(
		add(&ring, "a", 1)->line, "{\"stop\":{\"text\":\"a\",\"seq\":1}}\n");
	assert_int_equal(add(&ring, "b", 2)->seq, 2);
	assert_int_equal(count_after(&ring, 0, 3), 2);
	assert_int_equal(stop_ring_after(&ring, 1, 3)->seq, 2);
	assert_null(stop_ring_after(&ring, 2, 3));
	stop_ring_done(&ring);
	assert_int_equal(ring.seq, 2);
}

static void stop_ring_keeps_ten_minutes(void **state)
{
	struct stop_ring ring = {0};

	(void)state;
	add(&ring, "a", 0);
	add(&ring, "b", CLOCK_S);
	assert_int_equal(count_after(&ring, 0, STOP_RING_NS), 2);
	assert_int_equal(count_after(&ring, 0, STOP_RING_NS + 1), 1);
	assert_int_equal(count_after(&ring, 0, STOP_RING_NS + 2 * CLOCK_S), 0);
	assert_int_equal(ring.bytes, 0);
	assert_int_equal(add(&ring, "c", STOP_RING_NS + 2 * CLOCK_S)->seq, 3);
	stop_ring_done(&ring);
}

static void stop_ring_has_bounds(void **state)
{
	struct stop_ring ring = {0};
	const size_t len = STOP_RING_BYTES / 4;
	SCOPED(mem_free) char *large = malloc(len + 1);

	(void)state;
	for (unsigned i = 0; i < STOP_RING_MAX + 10; i++)
		add(&ring, "x", 1);
	assert_int_equal(ring.count, STOP_RING_MAX);
	assert_int_equal(stop_ring_after(&ring, 0, 1)->seq, 11);
	memset(large, 'x', len);
	large[len] = '\0';
	for (unsigned i = 0; i < 5; i++)
		add(&ring, large, 1);
	assert_int_equal(ring.count, 3);
	assert_true(ring.bytes <= STOP_RING_BYTES);
	stop_ring_done(&ring);
	assert_int_equal(ring.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_ring_numbers_what_it_keeps),
		cmocka_unit_test(stop_ring_keeps_ten_minutes),
		cmocka_unit_test(stop_ring_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
