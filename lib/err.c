#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The arguments may point into err, so the text is made aside first. */
static void PRINTF(2, 0)
	compose(struct err *err, const char *format, va_list args, const char *after)
{
	struct err composed;
	int len = vsnprintf(composed.text, sizeof composed.text, format, args);

	if (after && len >= 0 && (size_t)len < sizeof composed.text)
		snprintf(composed.text + len, sizeof composed.text - (size_t)len,
			": %s", after);
	*err = composed;
}

bool err_set(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	compose(err, format, args, NULL);
	va_end(args);
	return false;
}

bool err_sys(struct err *err, const char *format, ...)
{
	const char *why = strerror(errno);
	va_list args;

	va_start(args, format);
	compose(err, format, args, why);
	va_end(args);
	return false;
}

bool err_while(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	compose(err, format, args, err->text);
	va_end(args);
	return false;
}
