#include "harness/judge/judgement.h"

#include <stdarg.h>
#include <stdio.h>

void judgement_find(
	struct judgement *judgement, enum verdict verdict, const char *format, ...)
{
	va_list args;

	if (verdict <= judgement->verdict && judgement->reason[0])
		return;
	judgement->verdict = verdict;
	va_start(args, format);
	vsnprintf(judgement->reason, sizeof judgement->reason, format, args);
	va_end(args);
}
