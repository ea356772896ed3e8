/*
 * The control socket, made by the supervisor as root at start: a name in the file system
 * that only root can have put there, and that only root and one group can connect to.
 * Nothing is accepted or read here; the broker does that, and each of its successors on the
 * same socket.
 */
#include "privsep/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING 16 /* connected and not accepted yet */

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* The folder is root's alone to write, so that no other can move our name away. */
static const char *
check_folder(const char *path)
{
	char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (path[0] != '/' || slash == path)
		return "not an absolute path in a folder";
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
	/* Exactly this mode, whatever the umask: others must be able to pass. */
	if (mkdir(folder, 0755) == 0 && chmod(folder, 0755) != 0)
		return strerror(errno);
	if (lstat(folder, &st) != 0)
		return strerror(errno);
	if (!S_ISDIR(st.st_mode))
		return "its folder is not a directory";
	if (st.st_uid != 0 || (st.st_mode & 022) != 0)
		return "wrong owner or mode of its folder: it belongs to root, and nobody "
		       "else may write it";
	return NULL;
}

/* What an earlier server has left is taken away, what a running one listens on is not. */
static const char *
clear_name(int fd, const struct sockaddr_un *sun)
{
	struct stat st;

	if (lstat(sun->sun_path, &st) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "there is something else of that name";
	if (connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 ||
	    errno != ECONNREFUSED)
		return "another server listens there";
	return unlink(sun->sun_path) == 0 ? NULL : strerror(errno);
}

static int
seqpacket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

const char *
listener_open(const char *path, gid_t gid, int *listener)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, no = 0;
	const char *why;

	*listener = -1;
	if (strlen(path) >= sizeof sun.sun_path)
		return "the path of the control socket is longer than 107 bytes; give a "
		       "shorter one with --control";
	memcpy(sun.sun_path, path, strlen(path));
	why = check_folder(path);
	if (why != NULL)
		return why;
	fd = seqpacket();
	if (fd < 0)
		return strerror(errno);
	why = clear_name(fd, &sun);
	close(fd);
	if (why != NULL)
		return why;
	fd = seqpacket();
	if (fd < 0)
		return strerror(errno);
	/* Nobody sends us a descriptor (kernel 6.16; those accepted inherit it). */
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
	/* The umask lets nobody but root in before the mode is set. */
	if (bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0 ||
	    chown(path, 0, gid) != 0 || chmod(path, 0660) != 0 ||
	    listen(fd, WAITING) != 0) {
		why = strerror(errno);
		close(fd);
		return why;
	}
	*listener = fd;
	return NULL;
}
