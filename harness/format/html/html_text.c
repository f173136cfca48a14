#include "harness/format/html/html_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/utf8.h"

void html_add(struct buf *page, const char *text)
{
	SCOPED(mem_free) char *whole = text ? utf8_mend(text, "") : NULL;

	for (const char *at = whole; at && *at;) {
		size_t len = strcspn(at, "&<>\"'");

		buf_add(page, at, len);
		at += len;
		if (*at)
			buf_addf(page, "&#%d;", *at++);
	}
}

/* Of the conversions of printf only %s, %d, %u, %f (with two decimals) and %%. */
void html_addf(struct buf *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (size_t len; *format; format += len) {
		len = strcspn(format, "%");
		buf_add(page, format, len);
		if (!format[len])
			break;
		if (format[len + 1] == 's')
			html_add(page, va_arg(args, const char *));
		else if (format[len + 1] == 'd')
			buf_addf(page, "%d", va_arg(args, int));
		else if (format[len + 1] == 'u')
			buf_addf(page, "%u", va_arg(args, unsigned));
		else if (format[len + 1] == 'f')
			buf_addf(page, "%.2f", va_arg(args, double));
		else
			buf_adds(page, "%");
		len += 2;
	}
	va_end(args);
}

void html_add_moment(struct buf *page, int64_t ns)
{
	int64_t tenths = (ns < 0 ? -ns : ns) / (CLOCK_MS / 10);

	buf_addf(page, "%s%lld.%lld&nbsp;ms", ns < 0 ? "&minus;" : "+",
		(long long)(tenths / 10), (long long)(tenths % 10));
}

void html_add_duration(struct buf *page, int64_t ns)
{
	int64_t tenths = ns / (CLOCK_MS / 10);

	buf_addf(page, "%lld.%lld&nbsp;ms", (long long)(tenths / 10),
		(long long)(tenths % 10));
}

double html_percent(const struct html_axis *axis, int64_t ns)
{
	double length = (double)(axis->to_ns - axis->from_ns);
	double percent = length > 0 ? (double)(ns - axis->from_ns) * 100 / length : 0;

	return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}
