/*
 * Reading and durable writing of the floor. Only the verifier's main thread does this.
 */
#include "src/verifier/floorfile.h"

#include <unistd.h>

#include "privsep/roles.h"

static uint8_t bytes[FLOOR_SIZE + 1];

int
floorfile_load(struct floor *f)
{
	ssize_t n = pread(FD_FLOOR, bytes, sizeof bytes, 0);

	return n < 0 ? ERR_ABSENT : floor_load(bytes, (size_t)n, f);
}

int
floorfile_save(struct floor *f)
{
	f->sequence++;
	floor_encode(f, bytes);
	if (pwrite(FD_FLOOR, bytes, FLOOR_SLOT, (off_t)floor_offset(f)) !=
		(ssize_t)FLOOR_SLOT ||
	    fdatasync(FD_FLOOR) != 0) {
		/* The next attempt writes the same slot again, never the good one. */
		f->sequence--;
		return ERR_SYS;
	}
	return 0;
}
