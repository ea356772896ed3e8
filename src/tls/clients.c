/*
 * What process tls says of clients' certificates. That the certificate is good OpenSSL has
 * found; its name is whatever its authority has signed.
 */
#include "src/tls/clients.h"

#include <string.h>

/* The common name, when it is printable ASCII and not too long. */
static void
name_of(X509 *shown, char *name, size_t cap)
{
	X509_NAME *subject = X509_get_subject_name(shown);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *text =
	    at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	int len = text == NULL ? 0 : ASN1_STRING_length(text);
	const uint8_t *bytes = text == NULL ? NULL : ASN1_STRING_get0_data(text);

	if (len <= 0 || (size_t)len >= cap)
		return;
	for (int i = 0; i < len; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return;
	memcpy(name, bytes, (size_t)len);
	name[len] = '\0';
}

int
clients_tell(struct chan *broker, const struct conn *c, X509 *shown)
{
	struct msg m = {.nr = MSG_CLIENT_TELL};
	struct msg_client_tell *t = &m.u.client_tell;
	unsigned len = 0;

	t->worker = c->worker;
	t->conn = c->nr;
	if (X509_digest(shown, EVP_sha256(), t->hash, &len) != 1 || len != sizeof t->hash)
		return ERR_FULL;
	name_of(shown, t->name, sizeof t->name);
	if (chan_send(broker, &m) != 0)
		return ERR_FULL;
	chan_flush(broker);
	return chan_blocked(broker) ? ERR_FULL : 0;
}
