#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

static bool make_one(const char *path, struct err *err)
{
	struct stat found;

	if (mkdir(path, 0777) == 0)
		return true;
	if (errno == EEXIST && stat(path, &found) == 0 && !S_ISDIR(found.st_mode))
		return err_set(err, "%s: is no folder", path);
	return errno == EEXIST || err_sys(err, "%s", path);
}

bool fs_make_folders(const char *path, struct err *err)
{
	SCOPED(mem_free) char *part = mem_text(path);

	for (char *slash = strchr(part + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_one(part, err))
			return false;
		*slash = '/';
	}
	return make_one(path, err);
}

bool fs_read_file(struct buf *text, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[16384];
	ssize_t len;

	if (fd < 0)
		return false;
	do
		len = read(fd, piece, sizeof piece);
	while ((len < 0 && errno == EINTR) ||
		(len > 0 && buf_add(text, piece, (size_t)len)));
	close(fd);
	return len >= 0;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		len -= (size_t)written;
	}
	return true;
}

bool fs_write_file(const char *path, const char *data, size_t len, struct err *err)
{
	const char *slash = strrchr(path, '/');
	SCOPED(mem_free) char *parent = slash && slash > path
		? mem_textf("%.*s", (int)(slash - path), path)
		: NULL;
	int fd;
	bool ok;

	if (parent && !fs_make_folders(parent, err))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(err, "%s", path);
	ok = write_all(fd, data, len) || err_sys(err, "write %s", path);
	/* Some file systems report a full disk only here. */
	if (close(fd) != 0 && ok)
		ok = err_sys(err, "write %s", path);
	return ok;
}

static int remove_one(const char *path, const struct stat *stat UNUSED, int type UNUSED,
	struct FTW *walk UNUSED)
{
	remove(path);
	return 0;
}

void fs_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
