/*
 * Writer of answer headers, for file-sender. Firmware and boot loaders compare some lines
 * byte for byte: GRUB (net/http.c) knows "HTTP/1.1 " and "Content-Length: " only in this
 * spelling, EDK2 wants a length and never chunks, and takes a resumption only with a
 * strong ETag in quotes. So the spelling and order here are fixed.
 */
#include "src/file-sender/http_reply.h"

#include <string.h>

#include "src/base/buf.h"

#define DAY 86400u
#define LAST_SECOND UINT64_C(253402300799) /* 9999-12-31 23:59:59 */

struct reason {
	uint16_t status;
	const char *text;
};

static const struct reason reasons[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *const content_types[CONTENT_MAX] = {
    [CONTENT_BINARY] = "application/octet-stream",
    [CONTENT_TEXT] = "text/plain",
    [CONTENT_EFI] = "application/efi",
    [CONTENT_ISO] = "application/vnd.efi-iso",
    [CONTENT_IMG] = "application/vnd.efi-img",
};

static const char *
reason_of(uint16_t status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return NULL;
}

/* Days since 1970 as a date of the Gregorian calendar. Years are counted from March, so
 * that the leap day is the last of its year. */
static void
civil(uint32_t days, unsigned *year, unsigned *month, unsigned *day)
{
	uint32_t n = days + 719468u; /* since 0000-03-01 */
	uint32_t era = n / 146097u, in_era = n % 146097u;
	uint32_t y = (in_era - in_era / 1460u + in_era / 36524u - in_era / 146096u) / 365u;
	uint32_t in_year = in_era - (365u * y + y / 4u - y / 100u);
	uint32_t m = (5u * in_year + 2u) / 153u;

	*day = in_year - (153u * m + 2u) / 5u + 1u;
	*month = m < 10u ? m + 2u : m - 10u; /* 0 is January */
	*year = era * 400u + y + (m < 10u ? 0u : 1u);
}

/* The last n digits of a number. */
static void
put_digits(char *text, unsigned n, uint32_t number)
{
	while (n-- > 0) {
		text[n] = (char)('0' + number % 10u);
		number /= 10u;
	}
}

/* Written by hand, as all of this: printf would be half of the work for a small file. */
const char *
http_reply_date(uint64_t seconds, char text[HTTP_DATE_SIZE])
{
	static const char week[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint64_t s = seconds > LAST_SECOND ? LAST_SECOND : seconds;
	uint32_t days = (uint32_t)(s / DAY), left = (uint32_t)(s % DAY);
	unsigned year, month, day;

	civil(days, &year, &month, &day);
	memcpy(text, "Day, 00 Mon 0000 00:00:00 GMT", HTTP_DATE_SIZE);
	memcpy(text, week + (size_t)3 * (days % 7u), 3);
	put_digits(text + 5, 2, day);
	memcpy(text + 8, months + (size_t)3 * (month % 12u), 3);
	put_digits(text + 12, 4, year);
	put_digits(text + 17, 2, left / 3600u);
	put_digits(text + 20, 2, left / 60u % 60u);
	put_digits(text + 23, 2, left % 60u);
	return text;
}

static void
add_number(struct out *out, uint64_t n)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + n % 10u);
		n /= 10u;
	} while (n != 0);
	out_copy(out, text + at, sizeof text - at);
}

static void
add_numbered(struct out *out, const char *name, uint64_t n)
{
	out_text(out, name);
	add_number(out, n);
	out_text(out, "\r\n");
}

static void
add_date(struct out *out, const char *name, uint64_t seconds)
{
	char text[HTTP_DATE_SIZE];

	out_text(out, name);
	out_text(out, http_reply_date(seconds, text));
	out_text(out, "\r\n");
}

static void
add_etag(struct out *out, const uint8_t etag[16])
{
	static const char hex[] = "0123456789abcdef";
	char text[32];

	for (size_t i = 0; i < 16; i++) {
		text[2 * i] = hex[etag[i] >> 4];
		text[2 * i + 1] = hex[etag[i] & 15];
	}
	out_text(out, "ETag: \"");
	out_copy(out, text, sizeof text);
	out_text(out, "\"\r\n");
}

static void
add_range(struct out *out, const struct http_reply *r)
{
	out_text(out, "Content-Range: bytes ");
	add_number(out, r->first);
	out_text(out, "-");
	add_number(out, r->first + r->length - 1);
	add_numbered(out, "/", r->total);
}

static void
add_object(struct out *out, const struct http_reply *r)
{
	add_numbered(out, "Content-Length: ", r->length);
	if (r->status == 206)
		add_range(out, r);
	out_text(out, "Content-Type: ");
	out_text(out, content_types[r->content]);
	out_text(out, "\r\nAccept-Ranges: bytes\r\n");
	add_etag(out, r->etag);
	if (r->modified != 0)
		add_date(out, "Last-Modified: ", r->modified);
}

/* Status 4xx or 5xx: the body repeats the status line's text. */
static void
add_refusal(struct out *out, const struct http_reply *r, const char *reason)
{
	/* Three digits, a space, the reason, a newline. */
	add_numbered(out, "Content-Length: ", strlen(reason) + 5);
	out_text(out, "Content-Type: text/plain\r\n");
	if (r->status == 405)
		out_text(out, "Allow: GET, HEAD\r\n");
	if (r->status == 416)
		add_numbered(out, "Content-Range: bytes */", r->total);
	if (r->status == 503)
		out_text(out, "Retry-After: 2\r\n");
}

static bool
is_valid(const struct http_reply *r)
{
	if (r->status != 200 && r->status != 206)
		return true;
	if ((unsigned)r->content >= CONTENT_MAX || r->first > r->total ||
	    r->length > r->total - r->first)
		return false;
	return r->status == 206 ? r->length > 0 : r->first == 0 && r->length == r->total;
}

int
http_reply_encode(const struct http_reply *r, uint8_t *bytes, size_t cap)
{
	const char *reason = reason_of(r->status);
	struct out out;

	if (reason == NULL || !is_valid(r))
		return ERR_RANGE;
	out_init(&out, bytes, cap);
	out_text(&out, "HTTP/1.1 ");
	add_number(&out, r->status);
	out_text(&out, " ");
	out_text(&out, reason);
	add_date(&out, "\r\nDate: ", r->now);
	if (r->status == 304)
		add_etag(&out, r->etag);
	else if (r->status < 300)
		add_object(&out, r);
	else
		add_refusal(&out, r, reason);
	out_text(
	    &out, r->keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
	if (r->status >= 400 && !r->head) {
		add_number(&out, r->status);
		out_text(&out, " ");
		out_text(&out, reason);
		out_text(&out, "\n");
	}
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
