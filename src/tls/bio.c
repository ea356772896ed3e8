/*
 * A client's descriptor under OpenSSL, in process tls. What is read is the network's;
 * what is written is ours.
 */
#include "src/tls/bio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Records add little; a handshake's certificates are CERTS_BYTES_MAX at most. */
#define OUT_MAX (BIO_PLAIN_MAX + (80u << 10))

static BIO_METHOD *method;
static uint8_t out[OUT_MAX];
static size_t out_len, resting;

/* The buffer is empty between calls: bio_push() follows each. */
static int
write_out(BIO *bio, const char *bytes, int len)
{
	BIO_clear_retry_flags(bio);
	if (len <= 0 || (size_t)len > sizeof out - out_len)
		return -1;
	memcpy(out + out_len, bytes, (size_t)len);
	out_len += (size_t)len;
	return len;
}

static int
read_in(BIO *bio, char *bytes, int len)
{
	struct conn *c = BIO_get_data(bio);
	ssize_t n = -1;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	if (c->tcp_in) {
		n = recv(c->tcp, bytes, (size_t)len, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n < 0 && errno == EAGAIN)
			c->tcp_in = false;
		if (n == 0)
			c->tcp_eof = true;
	}
	if (n < 0)
		BIO_set_retry_read(bio);
	return (int)n;
}

static long
control(BIO *bio, int what, long number, void *arg)
{
	const struct conn *c = BIO_get_data(bio);

	(void)number;
	(void)arg;
	switch (what) {
	case BIO_CTRL_FLUSH: return 1;
	case BIO_CTRL_EOF: return c->tcp_eof;
	default: return 0;
	}
}

int
bio_init(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
	if (method == NULL || BIO_meth_set_write(method, write_out) != 1 ||
	    BIO_meth_set_read(method, read_in) != 1 ||
	    BIO_meth_set_ctrl(method, control) != 1)
		return ERR_SYS;
	return 0;
}

BIO *
bio_make(struct conn *c)
{
	BIO *bio = BIO_new(method);

	if (bio != NULL) {
		BIO_set_data(bio, c);
		BIO_set_init(bio, 1);
	}
	return bio;
}

size_t
bio_resting(void)
{
	return resting;
}

void
bio_forget(struct conn *c)
{
	resting -= c->cipher.len;
	free(c->cipher.bytes);
	c->cipher = (struct rest){0};
}

/* How many of them the socket takes. ERR_SYS: none ever again. */
static ssize_t
send_some(struct conn *c, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	if (!c->tcp_out || len == 0)
		return 0;
	n = send(c->tcp, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return ERR_SYS;
	if (n < 0 || (size_t)n < len)
		c->tcp_out = false;
	return n < 0 ? 0 : n;
}

static int
push_rest(struct conn *c)
{
	struct rest *r = &c->cipher;
	ssize_t n = send_some(c, r->bytes + r->at, r->len - r->at);

	if (n < 0)
		return ERR_SYS;
	r->at += (uint32_t)n;
	if (r->at == r->len)
		bio_forget(c);
	return 0;
}

/* Joins what is left with what there is now. */
static int
keep(struct conn *c, const uint8_t *bytes, size_t len)
{
	size_t old = c->cipher.len - c->cipher.at;
	uint8_t *all = malloc(old + len);

	if (all == NULL)
		return ERR_SYS;
	if (c->cipher.bytes != NULL)
		memcpy(all, c->cipher.bytes + c->cipher.at, old);
	memcpy(all + old, bytes, len);
	bio_forget(c);
	c->cipher.bytes = all;
	c->cipher.at = 0;
	c->cipher.len = (uint32_t)(old + len);
	resting += old + len;
	return 0;
}

int
bio_push(struct conn *c)
{
	size_t len = out_len;
	ssize_t n = 0;

	out_len = 0;
	if (c->cipher.bytes != NULL && push_rest(c) != 0)
		return ERR_SYS;
	if (c->cipher.bytes == NULL)
		n = send_some(c, out, len);
	if (n < 0)
		return ERR_SYS;
	return (size_t)n == len ? 0 : keep(c, out + n, len - (size_t)n);
}
