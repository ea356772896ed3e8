/*
 * The broker: decides everything, and has neither a network nor an image directory nor
 * the text of a template. Root until the cage is up; its files are read after that; then
 * its own uid, the lease store's open file, and channels. Distrusts every neighbour but the
 * supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/control.h"
#include "src/broker/files.h"
#include "src/broker/loop.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"
#include "src/broker/session.h"

#define DEPTH_SENDER 1024 /* messages queued to a mouth */
#define DEPTH_VERIFIER 512
#define DEPTH_EAR 1 /* they are never spoken to */

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* A text of the operator; NULL when it is empty. The descriptor stays open: its number is
 * not to be had by another. */
static const char *
map_text(int fd, size_t *len)
{
	struct stat st;
	void *map;

	errno = 0;
	if (fstat(fd, &st) != 0 || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		start_fail("sealed configuration");
	if (st.st_size < 0 || st.st_size > (off_t)CONF_TEXT_MAX)
		start_fail("size of the configuration");
	*len = (size_t)st.st_size;
	if (*len == 0)
		return NULL;
	map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		start_fail("mapping of the configuration");
	return map;
}

static void
unmap_text(const char *text, size_t len)
{
	if (text != NULL)
		munmap((void *)(uintptr_t)text, len);
}

static struct conf *
load_conf(void)
{
	struct conf_error error;
	struct conf *conf;
	struct conf_text text = {0};

	text.conf = map_text(FD_CONF, &text.conf_len);
	text.hosts = map_text(FD_HOSTS, &text.hosts_len);
	if (text.conf == NULL)
		start_fail("empty configuration");
	if (conf_parse(&text, &conf, &error) != 0) {
		log_event(LOG_ERROR, "configuration",
		    "file=%s line=%u column=%u error=\"%s\"",
		    error.file == CONF_FILE_HOSTS ? "hosts.csv" : "configuration",
		    error.line, error.column, error.text);
		start_fail("configuration");
	}
	unmap_text(text.conf, text.conf_len);
	unmap_text(text.hosts, text.hosts_len);
	return conf;
}

static void
open_chan(struct chan *c, int fd, enum role peer, unsigned index, unsigned depth)
{
	chan_init(c, fd, ROLE_BROKER, peer, index, depth);
}

static void
open_channels(void)
{
	open_chan(&broker.dhcp_parser, FD_DHCP_PARSER, ROLE_DHCP_PARSER, 0, DEPTH_EAR);
	open_chan(&broker.tftp_parser, FD_TFTP_PARSER, ROLE_TFTP_PARSER, 0, DEPTH_EAR);
	open_chan(&broker.link_parser, FD_LINK_PARSER, ROLE_LINK_PARSER, 0, DEPTH_EAR);
	open_chan(&broker.dhcp_sender, FD_DHCP_SENDER, ROLE_DHCP_SENDER, 0, DEPTH_SENDER);
	broker.dhcp_sender.bundles = true;
	open_chan(&broker.verifier, FD_VERIFIER, ROLE_VERIFIER, 0, DEPTH_VERIFIER);
	for (unsigned i = 0; i < broker.start.workers; i++) {
		int fd = (int)i;

		open_chan(&broker.file_sender[i], FD_FILE_SENDER + fd, ROLE_FILE_SENDER, i,
		    DEPTH_SENDER);
		broker.file_sender[i].bundles = true;
		open_chan(&broker.http_parser[i], FD_HTTP_PARSER + fd, ROLE_HTTP_PARSER, i,
		    DEPTH_EAR);
	}
	broker.ntls = (unsigned)start_number(&broker.start, "tls", 0, TLS_MAX);
	for (unsigned j = 0; j < broker.ntls; j++)
		open_chan(&broker.tls[j], FD_TLS_CLIENTS + (int)j, ROLE_TLS, j, DEPTH_EAR);
}

/* What earlier processes or the operator have written is read here, without any right that
 * could be misused if the reader has a bug. */
static void
read_files(void *arg)
{
	(void)arg;
	broker.conf = load_conf();
	session_init(broker.conf->sessions_max, broker.conf->session_time);
	dhcp_open_store(".");
}

static void
start_store(void *arg)
{
	(void)arg;
	dhcp_start_store();
}

int
main(int argc, char **argv)
{
	static char folder[256];
	static const struct cage_hooks hooks = {
	    .own_folder = folder,
	    .own_files = read_files,
	    .threads = start_store,
	};
	const char *state;

	start_init(&broker.start, ROLE_BROKER, argc, argv);
	broker.now_ms = clock_mono_ms();
	broker.wall_s = clock_wall_s();
	broker.server_since_ms = start_number(&broker.start, "since", 0, broker.now_ms);
	state = start_option(&broker.start, "state");
	if (state == NULL ||
	    (size_t)snprintf(folder, sizeof folder, "%s/broker", state) >= sizeof folder)
		start_fail("argument state");
	open_channels();
	files_init();
	control_init();
	loop_init();
	probe_init();
	cage_enter(&broker.start, &hooks);
	files_start();
	rogue_init();
	start_ready();
	for (;;)
		loop_turn();
}
