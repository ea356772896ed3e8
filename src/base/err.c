/*
 * Error texts. Linked by every process; pure.
 */
#include "src/base/err.h"

const char *
err_text(int err)
{
	switch (err) {
#define X(name, value, text) \
	case name: return text;
		ERR_LIST(X)
#undef X
	default: return "unknown error";
	}
}
