#include "harness/target/attached_scenario.h"

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/terminal.h"

static void on_wrong(void *arg UNUSED, const struct err *err)
{
	terminal_print(stderr, "stopbench: %s\n", err->text);
}

bool attached_scenario_read(
	struct scenario *scenario, const struct subject_about *about)
{
	SCOPED(json_free)
	cJSON *root = json_fill(NULL,
		"{'name': %s, 'service': {'image': %s, 'mocks': false}}", about->name,
		about->image);
	const struct json_doc doc = {.name = about->name, .root = root};

	if (!scenario_read(scenario, &doc, root, on_wrong, NULL))
		return false;
	scenario->stop.grace_ns = about->grace_ns;
	return true;
}
