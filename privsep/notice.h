/*
 * What a four-byte notice of a child means, and who has to end for it. Decides only:
 * the supervisor logs and kills.
 */
#ifndef SALLYPORT_PRIVSEP_NOTICE_H
#define SALLYPORT_PRIVSEP_NOTICE_H

#include "privsep/supervisor.h"

#define NOTICE_LEN 4

enum verdict {
	VERDICT_READY,   /* the child is in its loop now */
	VERDICT_CLEARED, /* it has forgotten a dead neighbour */
	VERDICT_FAULT,   /* `of` broke a rule */
	VERDICT_FALSE,   /* it accused somebody whom it cannot judge */
	VERDICT_BAD      /* makes no sense, or not now */
};

struct judgement {
	enum verdict verdict;
	struct child *of;      /* who is meant; NULL when there is no such child */
	struct child *kill[2]; /* NULL: nobody */
};

/* Takes note of a READY or CLEARED in *c. b is what the child sent. */
void notice_judge(struct supervisor *sv, struct child *c, const uint8_t b[NOTICE_LEN],
    struct judgement *j);
/* The place of a child in sv->children, and in owes[] of the others. */
unsigned notice_number(const struct supervisor *sv, const struct child *c);

#endif
