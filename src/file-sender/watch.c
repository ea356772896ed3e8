/*
 * The epoll set of file-sender. It has a fixed number, so that the cage can name it.
 */
#include "src/file-sender/watch.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "privsep/roles.h"

#define SERIAL_BITS 24
#define WAIT_MAX_MS 3600000

static uint64_t
pack(struct watch_tag tag)
{
	return (uint64_t)tag.kind << 56 |
	       (uint64_t)(tag.serial & ((1u << SERIAL_BITS) - 1)) << 32 | tag.index;
}

static struct watch_tag
unpack(uint64_t v)
{
	return (struct watch_tag){.kind = (enum watch_kind)(v >> 56),
	    .index = (uint32_t)v,
	    .serial = (uint32_t)(v >> 32) & ((1u << SERIAL_BITS) - 1)};
}

int
watch_init(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return ERR_SYS;
	if (fd == FD_WAIT)
		return 0;
	if (dup3(fd, FD_WAIT, O_CLOEXEC) < 0)
		return ERR_SYS;
	close(fd);
	return 0;
}

int
watch_add(int fd, uint32_t events, struct watch_tag tag)
{
	struct epoll_event e = {.events = events, .data.u64 = pack(tag)};

	return epoll_ctl(FD_WAIT, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : ERR_SYS;
}

void
watch_remove(int fd)
{
	if (epoll_ctl(FD_WAIT, EPOLL_CTL_DEL, fd, NULL) != 0)
		bug("descriptor is not in the epoll set");
}

void
watch_change(int fd, uint32_t events, struct watch_tag tag)
{
	struct epoll_event e = {.events = events, .data.u64 = pack(tag)};

	if (epoll_ctl(FD_WAIT, EPOLL_CTL_MOD, fd, &e) != 0)
		bug("descriptor is not in the epoll set");
}

unsigned
watch_wait(struct watch_event events[WATCH_EVENTS], uint64_t now, uint64_t until)
{
	struct epoll_event got[WATCH_EVENTS];
	uint64_t ms = until > now ? until - now : 0;
	int n;

	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	n = epoll_pwait(FD_WAIT, got, WATCH_EVENTS, (int)ms, NULL);
	for (int i = 0; i < n; i++)
		events[i] = (struct watch_event){got[i].events, unpack(got[i].data.u64)};
	return n > 0 ? (unsigned)n : 0;
}
