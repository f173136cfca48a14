#include "harness/run/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/mem.h"

#define PREFIX     "stopbench-"
#define UNFINISHED ".stopbench-new-" /* until the lock is in it */
#define LOCK       ".stopbench-lock" /* without it, a folder is not ours */

static const char *temporary(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && folder[0] ? folder : "/tmp";
}

static char *folder_of(const char *id)
{
	return mem_textf("%s/" PREFIX "%s", temporary(), id);
}

static int make_lock(const char *folder, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/" LOCK, folder);
	int lock = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		return lock;
	err_sys(err, "make %s", path);
	if (lock >= 0)
		close(lock);
	return -1;
}

/* The folder gets its name once the lock is in it: another folder of such a name is
 * never taken for a run's. */
bool run_dir_open(struct run_dir *run_dir, struct err *err)
{
	SCOPED(mem_free) char *unfinished = NULL;
	uint32_t number;

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return err_sys(err, "random number");
	*run_dir = (struct run_dir){.id = mem_textf("%08x", number), .lock = -1};
	run_dir->folder = folder_of(run_dir->id);
	unfinished = mem_textf("%s/" UNFINISHED "%s", temporary(), run_dir->id);
	/* Closed to other users of the host. A container's mount begins below it. */
	if (mkdir(unfinished, 0700) != 0) {
		err_sys(err, "make %s", unfinished);
		mem_free(&run_dir->folder); /* there is nothing to remove */
	} else {
		run_dir->lock = make_lock(unfinished, err);
		if (run_dir->lock >= 0 && rename(unfinished, run_dir->folder) == 0)
			return true;
		if (run_dir->lock >= 0)
			err_sys(err, "make %s", run_dir->folder);
		fs_remove_tree(unfinished);
	}
	run_dir_close(run_dir, true);
	return false;
}

void run_dir_close(struct run_dir *run_dir, bool keep)
{
	if (run_dir->folder && !keep)
		fs_remove_tree(run_dir->folder);
	if (run_dir->lock >= 0)
		close(run_dir->lock);
	free(run_dir->folder);
	free(run_dir->id);
	*run_dir = (struct run_dir){.lock = -1};
}

/* A run is over when its lock is free. */
static bool folder_is_over(const char *folder)
{
	SCOPED(mem_free) char *path = mem_textf("%s/" LOCK, folder);
	int lock = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	bool over;

	if (lock < 0)
		return false;
	over = flock(lock, LOCK_EX | LOCK_NB) == 0;
	close(lock);
	return over;
}

bool run_dir_is_over(const char *id)
{
	SCOPED(mem_free) char *folder = folder_of(id);
	struct stat stat;

	if (lstat(folder, &stat) != 0)
		return errno == ENOENT;
	return folder_is_over(folder);
}

/* An unfinished folder may belong to a run that is starting: it stays for a minute. */
static bool is_left_behind(const char *path, bool finished)
{
	struct stat stat;

	if (lstat(path, &stat) != 0 || !S_ISDIR(stat.st_mode) ||
		stat.st_uid != geteuid())
		return false;
	return finished ? folder_is_over(path) : time(NULL) - stat.st_mtime > 60;
}

/* The id of a run that a folder's name begins with `prefix` for; NULL: of none. */
static const char *id_behind(const char *name, const char *prefix)
{
	const char *id = name + strlen(prefix);

	if (strncmp(name, prefix, strlen(prefix)) != 0 || strlen(id) != 8 ||
		strspn(id, "0123456789abcdef") != 8)
		return NULL;
	return id;
}

unsigned run_dir_clean(void)
{
	DIR *folder = opendir(temporary());
	struct dirent *entry;
	unsigned removed = 0;

	while (folder && (entry = readdir(folder))) {
		bool finished = id_behind(entry->d_name, PREFIX);
		SCOPED(mem_free) char *path =
			mem_textf("%s/%s", temporary(), entry->d_name);

		if (!finished && !id_behind(entry->d_name, UNFINISHED))
			continue;
		if (!is_left_behind(path, finished))
			continue;
		fs_remove_tree(path);
		removed++;
	}
	if (folder)
		closedir(folder);
	return removed;
}
