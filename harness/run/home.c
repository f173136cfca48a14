#include "harness/run/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"

#define PREFIX "stopbench-"

static const char *temporary(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && folder[0] ? folder : "/tmp";
}

static char *folder_of(const char *id)
{
	return mem_textf("%s/%s%s", temporary(), PREFIX, id);
}

bool home_open(struct home *home, struct err *err)
{
	SCOPED(mem_free) char *lock = NULL;
	uint32_t number;

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return err_sys(err, "random number");
	*home = (struct home){.id = mem_textf("%08x", number), .lock = -1};
	home->folder = folder_of(home->id);
	lock = mem_textf("%s/lock", home->folder);
	/* Others may have to pass through it: services in containers run as anybody. */
	if (mkdir(home->folder, 0711) == 0)
		home->lock = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (home->lock < 0 || flock(home->lock, LOCK_EX | LOCK_NB) != 0) {
		err_sys(err, "make %s", home->folder);
		home_close(home, false);
		return false;
	}
	return true;
}

void home_close(struct home *home, bool keep)
{
	if (home->folder && !keep)
		home_remove_tree(home->folder);
	if (home->lock >= 0)
		close(home->lock);
	free(home->folder);
	free(home->id);
	*home = (struct home){.lock = -1};
}

/* A run is over when nobody holds its lock; also when there is none, unless the folder
 * is so young that its run may just be making it. */
static bool folder_is_over(const char *folder)
{
	SCOPED(mem_free) char *path = mem_textf("%s/lock", folder);
	int lock = open(path, O_WRONLY | O_CLOEXEC);
	struct stat stat;
	bool over;

	if (lock < 0)
		return errno == ENOENT && lstat(folder, &stat) == 0 &&
			time(NULL) - stat.st_mtime > 60;
	over = flock(lock, LOCK_EX | LOCK_NB) == 0;
	close(lock);
	return over;
}

bool home_is_over(const char *id)
{
	SCOPED(mem_free) char *folder = folder_of(id);
	struct stat stat;

	if (lstat(folder, &stat) != 0)
		return errno == ENOENT;
	return folder_is_over(folder);
}

static bool is_ours(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode) &&
		stat.st_uid == geteuid();
}

unsigned home_clean(void)
{
	DIR *folder = opendir(temporary());
	struct dirent *entry;
	unsigned removed = 0;

	while (folder && (entry = readdir(folder))) {
		SCOPED(mem_free) char *path = NULL;
		const char *id = entry->d_name + strlen(PREFIX);

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
			strlen(id) != 8 || strspn(id, "0123456789abcdef") != 8)
			continue;
		path = folder_of(id);
		if (is_ours(path) && folder_is_over(path)) {
			home_remove_tree(path);
			removed++;
		}
	}
	if (folder)
		closedir(folder);
	return removed;
}

static int remove_one(
	const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	remove(path);
	return 0;
}

void home_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
