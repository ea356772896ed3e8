/*
 * What the test of the control socket needs beside `sallyport`: clients that do not behave,
 * a look whether a text is JSON, and a machine that sends a given DHCP payload and shows
 * the bytes of the answer. Shares no code with the server.
 *
 *	controlclient junk|flood|hold|descriptor SOCKET
 *	controlclient json <TEXT
 *	controlclient dhcp IFACE FILE
 *
 * junk: random messages over many connections. flood: asks as fast as it can and never
 * reads, for a minute or until it is ended. hold: connects four times, says so, and waits
 * for three seconds. descriptor: sends one along; prints "refused" or "sent". dhcp ends
 * with 3 when there is no answer within twenty seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEADS (14 + 20 + 8)
#define PAYLOAD_MAX 1472

static void
die(const char *what)
{
	fprintf(stderr, "controlclient: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
join(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof sun) != 0)
		die(path);
	return fd;
}

static void
random_bytes(uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += 256)
		if (getrandom(bytes + at, len - at < 256 ? len - at : 256, 0) < 0)
			die("getrandom");
}

/* Half of them begin with a number of a question. */
static void
junk(const char *path)
{
	uint8_t bytes[3000];

	for (unsigned i = 0; i < 200; i++) {
		int fd = join(path);

		for (unsigned k = 0; k < 4; k++) {
			random_bytes(bytes, sizeof bytes);
			if (bytes[2] % 2 == 0) {
				bytes[0] = (uint8_t)(0x80 + bytes[0] % 16);
				bytes[1] = 0;
			}
			(void)send(fd, bytes, (size_t)bytes[3] * 11 % sizeof bytes,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		close(fd);
	}
}

static void
flood(const char *path)
{
	static const uint8_t status[] = {0x80, 0, 63};
	time_t end = time(NULL) + 60;
	int fd = join(path);

	while (time(NULL) <= end)
		if (send(fd, status, sizeof status, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			fd = join(path);
}

static void
hold(const char *path)
{
	for (unsigned i = 0; i < 4; i++)
		(void)join(path);
	puts("held");
	fflush(stdout);
	sleep(3);
}

static void
descriptor(const char *path)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.align = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	uint8_t status[] = {0x80, 0, 0};
	struct iovec iov = {status, sizeof status};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	int zero = 0;

	memcpy(CMSG_DATA(&control.align), &zero, sizeof zero);
	puts(sendmsg(join(path), &hdr, MSG_NOSIGNAL) < 0 ? "refused" : "sent");
}

/* ------------------------------------------------------------------------ JSON */

static int next = ' ';

static void
step(void)
{
	next = getchar();
}

static void
space(void)
{
	while (next == ' ' || next == '\n' || next == '\t' || next == '\r')
		step();
}

static void
need(bool good)
{
	if (!good) {
		fprintf(stderr, "controlclient: not JSON, at '%c'\n", next);
		exit(1);
	}
}

static void
text(void)
{
	need(next == '"');
	for (step(); next != '"'; step()) {
		need(next >= 0x20 && next < 0x7f);
		if (next == '\\') {
			step();
			need(next > 0 && strchr("\"\\/bfnrtu", next) != NULL);
		}
	}
	step();
}

static void
value(unsigned depth)
{
	bool object;
	int end;

	space();
	end = next == '{' ? '}' : ']';
	object = next == '{';
	need(depth < 16);
	if (next == '"') {
		text();
	} else if (object || next == '[') {
		step();
		space();
		for (bool first = true; next != end; first = false) {
			if (!first) {
				need(next == ',');
				step();
				space();
			}
			if (object) {
				text();
				space();
				need(next == ':');
				step();
			}
			value(depth + 1);
		}
		step();
	} else {
		need((next >= '0' && next <= '9') || next == 'n' || next == 't' ||
		     next == 'f');
		while ((next >= '0' && next <= '9') || (next >= 'a' && next <= 'z'))
			step();
	}
	space();
}

/* ------------------------------------------------------------------------ DHCP */

static uint16_t
sum(const uint8_t *b, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i += 2)
		s += (uint32_t)(b[i] << 8 | b[i + 1]);
	while (s > 0xffff)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void
put16(uint8_t *b, size_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static size_t
make_frame(uint8_t *frame, const char *file)
{
	FILE *f = fopen(file, "rb");
	size_t len = f == NULL ? 0 : fread(frame + HEADS, 1, PAYLOAD_MAX, f);

	if (len < 240)
		die(file);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, frame + HEADS + 28, 6);
	put16(frame + 12, ETH_P_IP);
	memset(frame + 14, 0, 28);
	frame[14] = 0x45;
	put16(frame + 16, 28 + len);
	frame[22] = 64;
	frame[23] = 17;
	memset(frame + 30, 0xff, 4);
	put16(frame + 24, sum(frame + 14, 20));
	put16(frame + 34, 68);
	put16(frame + 36, 67);
	put16(frame + 38, 8 + len);
	fclose(f);
	return HEADS + len;
}

/* The payload of what comes from port 67 with our transaction. */
static bool
show_answer(const uint8_t *b, size_t len, const uint8_t *xid)
{
	size_t udp;

	if (len < HEADS + 240 || b[12] != 8 || b[13] != 0 || b[14] != 0x45 || b[23] != 17 ||
	    b[34] != 0 || b[35] != 67 || b[HEADS] != 2 ||
	    memcmp(b + HEADS + 4, xid, 4) != 0)
		return false;
	udp = (size_t)(b[38] << 8 | b[39]);
	for (size_t i = HEADS; i < 34 + udp && i < len; i++)
		printf("%02x", b[i]);
	putchar('\n');
	return true;
}

static int
dhcp(const char *iface, const char *file)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_IP),
	    .sll_ifindex = (int)if_nametoindex(iface)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	uint8_t frame[HEADS + PAYLOAD_MAX], answer[2000];
	size_t len = make_frame(frame, file);
	time_t end = time(NULL) + 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sll, sizeof sll) != 0 ||
	    send(fd, frame, len, 0) < 0)
		die(iface);
	while (time(NULL) < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 500) <= 0)
			continue;
		n = recv(fd, answer, sizeof answer, 0);
		if (n > 0 && show_answer(answer, (size_t)n, frame + HEADS + 4))
			return 0;
	}
	return 3;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(what, "json") == 0) {
		value(0);
		need(next == EOF);
		return 0;
	}
	if (argc == 4 && strcmp(what, "dhcp") == 0)
		return dhcp(argv[2], argv[3]);
	if (argc != 3)
		return 2;
	if (strcmp(what, "junk") == 0)
		junk(argv[2]);
	else if (strcmp(what, "flood") == 0)
		flood(argv[2]);
	else if (strcmp(what, "hold") == 0)
		hold(argv[2]);
	else if (strcmp(what, "descriptor") == 0)
		descriptor(argv[2]);
	else
		return 2;
	return 0;
}
