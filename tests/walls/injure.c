/*
 * Makes a caged process of the running server ask for a call that its filter refuses.
 * Test code, runs as root: says what became of it.
 *
 *   injure PID NUMBER
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/walls/inject.h"

int
main(int argc, char **argv)
{
	static const uint64_t zero[6];
	pid_t pid = argc == 3 ? atoi(argv[1]) : 0;

	if (pid <= 1)
		return 2;
	if (inject_attach(pid) != 0) {
		printf("cannot trace %d\n", (int)pid);
		return 3;
	}
	switch (inject_call(pid, atol(argv[2]), zero)) {
	case REFUSED: puts("refused"); return 0;
	case LIVES: puts("lives"); return 1;
	default: puts("died otherwise"); return 1;
	}
}
