#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool make_folders_above(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	SCOPED(mem_free) char *parent = slash && slash > path
		? mem_textf("%.*s", (int)(slash - path), path)
		: NULL;

	return !parent || fs_make_folders(parent, err);
}

bool fs_write_file(const char *path, const char *data, size_t len, struct err *err)
{
	int fd;
	bool ok;

	if (!make_folders_above(path, err))
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

static bool is_special(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

/* Beside the file; where the path is a link, beside what it leads to. */
static char *young_path(const char *path, char **target)
{
	*target = realpath(path, NULL);
	if (!*target)
		*target = mem_text(path);
	return mem_textf("%s.new", *target);
}

bool fs_replace_file(const char *path, const char *data, size_t len, struct err *err)
{
	SCOPED(mem_free) char *target = NULL;
	SCOPED(mem_free) char *young = young_path(path, &target);

	if (is_special(path))
		return fs_write_file(path, data, len, err);
	if (fs_write_file(young, data, len, err) &&
		(rename(young, target) == 0 || err_sys(err, "%s", path)))
		return true;
	unlink(young);
	return false;
}

bool fs_check_replaceable(const char *path, struct err *err)
{
	SCOPED(mem_free) char *target = NULL;
	SCOPED(mem_free) char *young = young_path(path, &target);
	struct stat found;
	int fd;

	if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
		return err_set(err, "%s: is a folder", path);
	if (is_special(path))
		return access(path, W_OK) == 0 || err_sys(err, "%s", path);
	if (!make_folders_above(path, err))
		return false;
	fd = open(young, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(err, "%s", path);
	close(fd);
	unlink(young);
	return true;
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
