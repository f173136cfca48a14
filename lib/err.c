#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The arguments may point into err, so the text is made aside first. */
static void compose(struct err *err, const char *text, const char *after)
{
	struct err composed;

	snprintf(composed.text, sizeof composed.text, "%s%s%s", text, after ? ": " : "",
		after ? after : "");
	*err = composed;
}

bool err_set(struct err *err, const char *format, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	compose(err, text, NULL);
	return false;
}

bool err_sys(struct err *err, const char *format, ...)
{
	int number = errno;
	char text[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	compose(err, text, strerror(number));
	return false;
}

bool err_while(struct err *err, const char *format, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	compose(err, text, err->text);
	return false;
}
