#include "harness/run/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

void stage_step(const struct stage *stage, const char *format, ...)
{
	char text[128];
	va_list args;

	if (!stage->options->step)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	stage->options->step(stage->options->arg, text);
}

bool stage_trouble(struct stage *stage, enum trouble kind, const char *format, ...)
{
	struct evidence *evidence = stage->evidence;
	va_list args;

	evidence->trouble = kind;
	va_start(args, format);
	vsnprintf(evidence->trouble_text, sizeof evidence->trouble_text, format, args);
	va_end(args);
	return false;
}

bool stage_interrupted(struct stage *stage)
{
	return stage_trouble(stage, TROUBLE_INTERRUPTED, "interrupted");
}

enum wait_end stage_wait(const struct stage *stage, wait_fn *is_so, int64_t within_ns)
{
	return wait_until(stage->options->loop, is_so, stage, clock_now() + within_ns,
		stage->options->interrupted);
}

const char *stage_last_words(const struct stage *stage)
{
	const struct evidence *evidence = stage->evidence;

	return evidence->log_count ? evidence->log[evidence->log_count - 1].text
				   : "(it printed nothing)";
}

bool stage_waits_for_exit(const struct stage *stage)
{
	return strcmp(stage->scenario->stop.when, "exit") == 0;
}
