/*
 * Puts up all walls around the process that calls it. Starts as root with the few
 * capabilities that this takes, ends with none. Every step that fails ends the process:
 * there is no weaker mode.
 */
#include "privsep/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/log.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* A directory that every system has; the empty root is mounted over our view of it. */
#define ROOT_PLACE "/usr"

#define WALL(call, name)                  \
	do {                              \
		if ((call) == -1)         \
			start_fail(name); \
	} while (0)

/* Numbers that nobody uses are taken by /dev/null, so that no later descriptor can get a
 * number that the filter trusts. */
static void
fill_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		start_fail("descriptors: /dev/null");
	for (int fd = 0; fd < FD_FREE; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			WALL(dup2(null, fd), "descriptors: dup2");
	if (null >= FD_FREE)
		close(null);
}

static void
leave_namespaces(void)
{
	WALL(unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		     CLONE_NEWCGROUP),
	    "namespaces: unshare");
	WALL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL),
	    "namespaces: private mounts");
}

static void
set_effective(uint32_t low)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].permitted = 1u << CAP_SYS_ADMIN;
	data[0].effective = low;
	WALL(syscall(SYS_capset, &head, data), "capabilities: capset");
}

/* With NO_SETUID_FIXUP locked, changing the uid keeps the permitted set: it shrinks to
 * CAP_SYS_ADMIN here (for the empty root) and to nothing in drop_last(). */
static void
change_user(const struct start *st)
{
	for (int cap = 0; cap <= 63; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EINVAL)
			start_fail("capabilities: bounding set");
	WALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
	    "capabilities: ambient set");
	WALL(prctl(PR_SET_SECUREBITS,
		 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP |
		     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED),
	    "capabilities: securebits");
	WALL(setgroups(0, NULL), "user: groups");
	WALL(setresgid(st->gid, st->gid, st->gid), "user: group");
	WALL(setresuid(st->uid, st->uid, st->uid), "user: uid");
	set_effective(0);
}

static void
empty_root(void)
{
	set_effective(1u << CAP_SYS_ADMIN);
	WALL(mount("none", ROOT_PLACE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		 "size=4k,nr_inodes=2,mode=555"),
	    "root: tmpfs");
	WALL(chdir(ROOT_PLACE), "root: chdir");
	WALL(syscall(SYS_pivot_root, ".", "."), "root: pivot_root");
	WALL(umount2(".", MNT_DETACH), "root: umount");
	WALL(chdir("/"), "root: chdir");
	WALL(mount(NULL, "/", NULL,
		 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	    "root: read-only");
}

/* A clone of the mount, like that of the image store: a plain directory descriptor would
 * lead up to the host's root. Numbers from FD_FREE on stay free for what is opened in it.
 */
static int
open_folder(const struct cage_hooks *hooks)
{
	int fd, high;

	if (hooks == NULL || hooks->own_files == NULL)
		return -1;
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, hooks->own_folder,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW);
	WALL(fd, "own folder: open_tree");
	high = fcntl(fd, F_DUPFD_CLOEXEC, 2 * FD_FREE);
	WALL(high, "own folder: dup");
	close(fd);
	return high;
}

static void
run_own_files(const struct cage_hooks *hooks, int folder)
{
	if (folder < 0)
		return;
	WALL(fchdir(folder), "own folder: fchdir");
	close(folder);
	hooks->own_files(hooks->arg);
	WALL(chdir("/"), "own folder: chdir");
}

static void
drop_last(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	WALL(syscall(SYS_capset, &head, data), "capabilities: none");
	if (setuid(0) != -1 || getuid() == 0)
		start_fail("user: root can be had back");
}

/* setresuid clears the death signal, so this comes after it. */
static bool
harden_process(void)
{
	WALL(prctl(PR_SET_PDEATHSIG, SIGKILL), "process: death signal");
	WALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "process: no_new_privs");
	WALL(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "process: dumpable");
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		return true;
	if (errno != EINVAL)
		start_fail("process: memory-deny-write-execute");
	return false; /* kernel before 6.3: the filter refuses PROT_EXEC all the same */
}

/* The structures of Landlock's newest ABI; older kernels get a shorter size. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static long
landlock(const struct start *st)
{
	/* Rights of ABI 1: 13; 2 adds REFER, 3 TRUNCATE, 5 IOCTL_DEV. */
	static const uint64_t fs[] = {0, (1u << 13) - 1, (1u << 14) - 1, (1u << 15) - 1,
	    (1u << 15) - 1, (1u << 16) - 1};
	long least = (long)start_number(st, "landlock", 1, 32);
	long abi =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set;
	size_t size;
	int fd;

	if (abi < 0)
		start_fail("landlock: not in this kernel");
	errno = 0;
	if (abi < least)
		start_fail("landlock: this kernel's ABI is below the configured minimum");
	set = (struct ruleset){fs[abi > 5 ? 5 : abi], abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0};
	size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	WALL(fd, "landlock: ruleset");
	if (cage_policy.reads_store) {
		struct landlock_path_beneath_attr rule = {
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, FD_STORE};

		WALL(syscall(
			 SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0),
		    "landlock: the image store");
	}
	WALL(syscall(SYS_landlock_restrict_self, fd, 0), "landlock: restrict");
	close(fd);
	return abi;
}

static void
limit(__rlimit_resource_t what, uint64_t most, const char *name)
{
	struct rlimit l = {most == UINT64_MAX ? RLIM_INFINITY : most,
	    most == UINT64_MAX ? RLIM_INFINITY : most};

	struct rlimit now;

	if (most == UINT64_MAX)
		return;
	/* A host may allow less than the policy; raising that would take a capability. */
	WALL(getrlimit(what, &now), name);
	if (now.rlim_max < l.rlim_max)
		l.rlim_cur = l.rlim_max = now.rlim_max;
	WALL(setrlimit(what, &l), name);
}

static void
set_limits(void)
{
	limit(RLIMIT_CORE, 0, "limits: core");
	limit(RLIMIT_NPROC, 0, "limits: processes");
	limit(RLIMIT_FSIZE, cage_policy.limits.file_size, "limits: file size");
	limit(RLIMIT_NOFILE, cage_policy.limits.files, "limits: descriptors");
	limit(RLIMIT_AS, cage_policy.limits.address_space, "limits: address space");
	limit(RLIMIT_MEMLOCK, 0, "limits: locked memory");
	limit(RLIMIT_MSGQUEUE, 0, "limits: message queues");
	limit(RLIMIT_SIGPENDING, 0, "limits: signals");
}

static void
load_filter(void)
{
	/* The kernel only reads the program; its interface has no const. */
	struct sock_fprog prog = {
	    cage_policy.filter_len, (struct sock_filter *)(uintptr_t)cage_policy.filter};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, &prog) != 0)
		start_fail("seccomp: filter");
}

void
cage_enter(const struct start *st, const struct cage_hooks *hooks)
{
	bool mdwe;
	long abi;
	int folder;

	errno = 0;
	fill_descriptors();
	leave_namespaces();
	folder = open_folder(hooks);
	change_user(st);
	empty_root();
	drop_last();
	mdwe = harden_process();
	run_own_files(hooks, folder);
	abi = landlock(st);
	if (hooks != NULL && hooks->threads != NULL)
		hooks->threads(hooks->arg);
	set_limits();
	log_event(LOG_INFO, "caged", "uid=%u landlock=%ld mdwe=%s filter=%u",
	    (unsigned)st->uid, abi, mdwe ? "yes" : "no", (unsigned)cage_policy.filter_len);
	load_filter();
}
