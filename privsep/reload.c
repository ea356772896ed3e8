/*
 * Reload: supervisor, root. Reads two files of the operator into sealed memory without
 * looking at them; conf-check, in its cage, parses them and says what root must know; that
 * is checked like any peer's word. One at a time.
 */
#include "privsep/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"

#define SAID_MAX 700 /* bytes of conf-check's line, with NUL */

static struct {
	bool wanted;
	bool checks; /* conf-check is at work on next */
	bool tries;  /* sv->now is new: before comes back when it does not do */
	int said;    /* what conf-check has to say; read end of a pipe */
	uint64_t began_ms;
	unsigned renewed;
	struct setup next, before;
} reload = {.said = -1};

void
reload_want(void)
{
	reload.wanted = true;
}

static void
refuse(struct supervisor *sv, const char *what, const char *why)
{
	log_event(LOG_ERROR, "reload-refused", "what=\"%s\" reason=\"%s\"", what, why);
	setup_close(&reload.next, &sv->now);
}

/* ------------------------------------------------------------------- the check */

/* The line of conf-check for the operator: a process that may be owned wrote it. */
static void
read_said(char text[SAID_MAX])
{
	static const char prefix[] = "sallyportd: ";
	ssize_t n = read(reload.said, text, SAID_MAX - 1);
	size_t skip = sizeof prefix - 1;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '"')
			*p = *p == '"' ? '\'' : '?';
	if (strncmp(text, prefix, skip) == 0)
		memmove(text, text + skip, strlen(text + skip) + 1);
}

static int
seal_texts(struct supervisor *sv, const char **path)
{
	int err;

	*path = sv->check.conf_path;
	err = spec_seal_text(*path, false, &reload.next.conf);
	if (err != 0)
		return err;
	*path = sv->check.hosts_path;
	return spec_seal_text(*path, true, &reload.next.hosts);
}

static int
start_check(struct supervisor *sv)
{
	int way[2], err;

	if (pipe2(way, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_SYS;
	sv->check.conf = reload.next.conf;
	sv->check.hosts = reload.next.hosts;
	sv->check.error = way[1];
	sv->check.print = -1;
	err = spec_start(&sv->check);
	close(way[1]);
	if (err != 0)
		close(way[0]);
	else
		reload.said = way[0];
	return err;
}

static void
begin(struct supervisor *sv)
{
	const char *path;
	int err;

	reload.wanted = false;
	reload.began_ms = clock_mono_ms();
	setup_init(&reload.next);
	err = seal_texts(sv, &path);
	if (err != 0) {
		refuse(sv, path,
		    err == ERR_SYS ? strerror(errno)
				   : "not a regular file of at most 16 MiB");
		return;
	}
	if (start_check(sv) != 0) {
		refuse(sv, "conf-check", strerror(errno));
		return;
	}
	log_event(LOG_INFO, "reload", "file=%s", sv->check.conf_path);
	reload.checks = true;
}

/* ------------------------------------------------------------------ the change */

/* What the running processes hold cannot change under them; the old value stays. */
static void
keep_fixed(struct supervisor *sv)
{
	struct msg_spec_tell *s = &reload.next.spec.s;
	const struct msg_spec_tell *old = &sv->now.spec.s;
	char names[80] = "";

#define KEEP(differs, name)                                                           \
	do {                                                                          \
		if (differs)                                                          \
			snprintf(names + strlen(names), sizeof names - strlen(names), \
			    "%s%s", names[0] == '\0' ? "" : ",", name);               \
	} while (0)
	KEEP(strcmp(s->state, old->state) != 0, "state");
	KEEP(strcmp(s->images, old->images) != 0, "images");
	KEEP(strcmp(s->keyring, old->keyring) != 0, "keyring");
	KEEP(s->workers != old->workers, "workers");
	KEEP((s->https_port != 0) != (old->https_port != 0), "https");
	KEEP(s->tls_workers != old->tls_workers, "https-workers");
	KEEP(s->uid_base != old->uid_base && !sv->own_uid_base, "uid-base");
	KEEP(s->control_gid != old->control_gid, "control-gid");
	KEEP(s->control_gid != old->control_gid, "control-group");
#undef KEEP
	if (names[0] != '\0')
		log_event(LOG_WARNING, "reload-kept",
		    "settings=%s advice=\"restart the server to change them\"", names);
	_Static_assert(sizeof s->state == sizeof old->state, "the same message");
	memcpy(s->state, old->state, sizeof s->state);
	memcpy(s->images, old->images, sizeof s->images);
	memcpy(s->keyring, old->keyring, sizeof s->keyring);
	s->workers = old->workers;
	if ((s->https_port != 0) != (old->https_port != 0))
		s->https_port = old->https_port;
	s->tls_workers = old->tls_workers;
	s->uid_base = old->uid_base;
	s->control_gid = old->control_gid;
	s->control_gid = old->control_gid;
}

static void
apply(struct supervisor *sv)
{
	struct setup_error error;

	reload.next.spec = sv->check.spec;
	keep_fixed(sv);
	if (setup_open(&reload.next, &sv->now, &error) != 0) {
		refuse(sv, error.what, error.why);
		return;
	}
	reload.before = sv->now;
	sv->now = reload.next;
	log_set_level((enum log_level)sv->now.spec.s.log_level);
	reload.renewed = supervisor_renew(sv);
	reload.tries = true;
}

static void
finish_check(struct supervisor *sv, int result)
{
	char said[SAID_MAX];

	reload.checks = false;
	read_said(said);
	close(reload.said);
	reload.said = -1;
	if (result == 1)
		apply(sv);
	else if (said[0] != '\0')
		refuse(sv, "configuration", said);
	else
		refuse(sv, "conf-check",
		    result == ERR_SYS ? strerror(errno) : err_text(result));
}

static bool
all_are_ready(const struct supervisor *sv)
{
	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].renewed)
			return false;
	return true;
}

static void
finish(struct supervisor *sv)
{
	reload.tries = false;
	setup_close(&reload.before, &sv->now);
	log_event(LOG_NOTICE, "reloaded", "links=%u renewed=%u ms=%u", sv->now.spec.nlinks,
	    reload.renewed, (unsigned)(clock_mono_ms() - reload.began_ms));
}

void
reload_undo(struct supervisor *sv, const struct child *c)
{
	struct setup failed = sv->now;

	if (!reload.tries)
		return;
	log_event(LOG_ERROR, "reload-refused", "what=%s reason=\"it does not start\"",
	    role_name(c->role));
	reload.tries = false;
	sv->now = reload.before;
	log_set_level((enum log_level)sv->now.spec.s.log_level);
	(void)supervisor_renew(sv);
	setup_close(&failed, &sv->now);
}

/* Its end: what it says fits into its channels. */
int
reload_fd(const struct supervisor *sv)
{
	return reload.checks ? sv->check.pidfd : -1;
}

void
reload_step(struct supervisor *sv)
{
	if (reload.checks) {
		int result = spec_step(&sv->check);

		if (result != 0)
			finish_check(sv, result);
	} else if (reload.tries) {
		if (all_are_ready(sv))
			finish(sv);
	} else if (reload.wanted) {
		begin(sv);
	}
}
