#include "lib/fd_limit.h"

#include <limits.h>
#include <sys/resource.h>

unsigned fd_limit_raise(struct err *err)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < FD_LIMIT_LEAST) {
		err_set(err, "only %u files may be open (RLIMIT_NOFILE), %d are needed",
			(unsigned)limit.rlim_cur, FD_LIMIT_LEAST);
		return 0;
	}
	return limit.rlim_cur < UINT_MAX ? (unsigned)limit.rlim_cur : UINT_MAX;
}
