/*
 * conf-check: parses the configuration in a cage, so that root never does. Gets the
 * sealed text and two ways out, answers once, ends: the few facts that the supervisor
 * needs (exit 0), or one line for the operator (exit 1). With print=1 the effective
 * configuration follows the facts, as text on a third way. The text is distrusted, and so
 * are scanner and grammar.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/conf_print.h"
#include "privsep/cage.h"
#include "privsep/msg.h"
#include "privsep/start.h"
#include "src/base/log.h"

#define EXIT_WRONG 1

/* Before the cage, which has no call that reads. */
static char *
read_text(int fd, size_t *len)
{
	struct stat st;
	char *text;
	size_t have = 0;

	if (fstat(fd, &st) != 0)
		start_fail("configuration: fstat");
	errno = 0;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > (off_t)CONF_TEXT_MAX)
		start_fail("configuration: not a file of at most 16 MiB");
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		start_fail("configuration: memory");
	while (have < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + have, (size_t)st.st_size - have, (off_t)have);

		if (n <= 0)
			start_fail("configuration: pread");
		have += (size_t)n;
	}
	*len = have;
	return text;
}

/* There is no logger yet: a wall that fails is told to the operator directly. */
static void
say(enum log_level level, const char *text, size_t len)
{
	char line[LOG_TEXT_MAX + 64];
	int n = snprintf(line, sizeof line, "sallyportd: conf-check: %s %.*s\n",
	    log_level_name(level), (int)len, text);

	if (level <= LOG_WARNING && n > 0 && write(FD_ERROR, line, (size_t)n) < 0)
		_exit(EXIT_WALL);
}

/* Longer names of files are cut, never the place and the reason. */
static void
complain(const char *file, const struct conf_error *e)
{
	char line[640];
	int n = snprintf(line, sizeof line, "sallyportd: %.250s:%u:%u: %s\n", file, e->line,
	    e->column, e->text);

	if (n > 0 && write(FD_ERROR, line, (size_t)n) != (ssize_t)n)
		_exit(EXIT_WALL);
}

static void
tell(const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	if (n < 0)
		bug("a checked configuration does not fit its message");
	if (send(FD_TELL, bytes, (size_t)n, MSG_NOSIGNAL) != (ssize_t)n)
		_exit(EXIT_WALL);
}

static void
tell_links(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->nlinks; i++) {
		struct msg m = {.nr = MSG_SPEC_LINK_TELL};

		memcpy(m.u.spec_link_tell.name, conf->links[i].name,
		    sizeof m.u.spec_link_tell.name);
		m.u.spec_link_tell.address = conf->links[i].address;
		m.u.spec_link_tell.address6 = conf->links[i].address6;
		m.u.spec_link_tell.find6 = conf->links[i].find6;
		tell(&m);
	}
}

static void
tell_spec(const struct conf *conf)
{
	struct msg m = {.nr = MSG_SPEC_TELL};
	struct msg_spec_tell *s = &m.u.spec_tell;

	s->workers = (uint8_t)conf->workers;
	s->tftp_first = conf->tftp_first;
	s->tftp_last = conf->tftp_last;
	s->single_port = conf->tftp_single;
	s->transfers_per_address = conf->transfers_per_address;
	s->http_port = conf->http_port;
	s->head_timeout = conf->head_timeout;
	s->idle_timeout = conf->idle_timeout;
	s->min_rate = conf->min_rate;
	s->rate_window = conf->rate_window;
	s->conns_per_address = conf->conns_per_address;
	s->landlock = conf->landlock_min;
	s->log_level = conf->log_level;
	s->expired_serve = conf->expired_serve;
	s->memory = conf->memory;
	s->uid_base = conf->uid_base;
	s->control_gid = conf->control_gid;
	memcpy(s->state, conf->state, sizeof s->state);
	memcpy(s->images, conf->images, sizeof s->images);
	memcpy(s->keyring, conf->keyring, sizeof s->keyring);
	s->https_port = conf->https_port;
	s->tls_workers = (uint8_t)conf->tls_workers;
	s->verify_client = conf->verify_client;
	s->rsa_exchange = conf->rsa_exchange;
	memcpy(s->cert1, conf->certs[0].certificate, sizeof s->cert1);
	memcpy(s->key1, conf->certs[0].key, sizeof s->key1);
	memcpy(s->cert2, conf->certs[1].certificate, sizeof s->cert2);
	memcpy(s->key2, conf->certs[1].key, sizeof s->key2);
	memcpy(s->client_ca, conf->client_ca, sizeof s->client_ca);
	tell(&m);
}

/* ------------------------------------------------------------- printing */

static struct {
	size_t len;
	char b[65536];
} out;

static void
flush(void)
{
	size_t done = 0;

	while (done < out.len) {
		ssize_t n = write(FD_PRINT, out.b + done, out.len - done);

		if (n <= 0)
			_exit(EXIT_WALL);
		done += (size_t)n;
	}
	out.len = 0;
}

static void
put(void *arg, const char *text, size_t len)
{
	(void)arg;
	if (len > sizeof out.b - out.len)
		flush();
	memcpy(out.b + out.len, text, len);
	out.len += len;
}

static void
print(const struct conf *conf)
{
	if (conf_print(conf, put, NULL) != 0)
		bug("a checked configuration does not fit its lines");
	flush();
}

int
main(int argc, char **argv)
{
	struct start st;
	struct conf *conf;
	struct conf_error error;
	const char *file, *hosts, *prints;
	struct conf_text text = {0};

	start_init(&st, ROLE_CONF_CHECK, argc, argv);
	log_init(say, LOG_WARNING);
	file = start_option(&st, "file");
	hosts = start_option(&st, "hosts");
	if (file == NULL || hosts == NULL)
		start_fail("argument file");
	prints = start_option(&st, "print");
	text.conf = read_text(FD_TEXT, &text.conf_len);
	text.hosts = read_text(FD_TEXT_HOSTS, &text.hosts_len);
	cage_enter(&st, NULL);
	if (conf_parse(&text, &conf, &error) != 0) {
		complain(error.file == CONF_FILE_HOSTS ? hosts : file, &error);
		_exit(EXIT_WRONG);
	}
	tell_links(conf);
	tell_spec(conf);
	if (prints != NULL)
		print(conf);
	_exit(0);
}
