/*
 * Writer of answer headers, for file-sender. Firmware and boot loaders compare some lines
 * byte for byte: GRUB (net/http.c) knows "HTTP/1.1 " and "Content-Length: " only in this
 * spelling, EDK2 wants a length and never chunks, and takes a resumption only with a
 * strong ETag in quotes. So the spelling and order here are fixed.
 */
#include "src/file-sender/http_reply.h"

#include <stdarg.h>
#include <stdio.h>
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

const char *
http_reply_date(uint64_t seconds, char text[HTTP_DATE_SIZE])
{
	static const char week[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
	    "Aug", "Sep", "Oct", "Nov", "Dec"};
	uint64_t s = seconds > LAST_SECOND ? LAST_SECOND : seconds;
	uint32_t days = (uint32_t)(s / DAY), left = (uint32_t)(s % DAY);
	unsigned year, month, day;

	civil(days, &year, &month, &day);
	snprintf(text, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
	    week[days % 7u], day % 100u, months[month % 12u], year % 10000u, left / 3600u,
	    left / 60u % 60u, left % 60u);
	return text;
}

static void PRINTF_LIKE(2, 3) add(struct out *out, const char *fmt, ...)
{
	char line[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	out_text(out, line);
	out_text(out, "\r\n");
}

static void
add_etag(struct out *out, const uint8_t etag[16])
{
	static const char hex[] = "0123456789abcdef";

	out_text(out, "ETag: \"");
	for (unsigned i = 0; i < 16; i++) {
		out_u8(out, (uint8_t)hex[etag[i] >> 4]);
		out_u8(out, (uint8_t)hex[etag[i] & 15]);
	}
	out_text(out, "\"\r\n");
}

static void
add_object(struct out *out, const struct http_reply *r)
{
	char date[HTTP_DATE_SIZE];

	add(out, "Content-Length: %llu", (unsigned long long)r->length);
	if (r->status == 206)
		add(out, "Content-Range: bytes %llu-%llu/%llu",
		    (unsigned long long)r->first,
		    (unsigned long long)(r->first + r->length - 1),
		    (unsigned long long)r->total);
	add(out, "Content-Type: %s", content_types[r->content]);
	add(out, "Accept-Ranges: bytes");
	add_etag(out, r->etag);
	if (r->modified != 0)
		add(out, "Last-Modified: %s", http_reply_date(r->modified, date));
}

/* Status 4xx or 5xx: the body repeats the status line's text. */
static void
add_refusal(struct out *out, const struct http_reply *r, const char *reason)
{
	/* Three digits, a space, the reason, a newline. */
	add(out, "Content-Length: %zu", strlen(reason) + 5);
	add(out, "Content-Type: text/plain");
	if (r->status == 405)
		add(out, "Allow: GET, HEAD");
	if (r->status == 416)
		add(out, "Content-Range: bytes */%llu", (unsigned long long)r->total);
	if (r->status == 503)
		add(out, "Retry-After: 2");
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
	char date[HTTP_DATE_SIZE];
	struct out out;

	if (reason == NULL || !is_valid(r))
		return ERR_RANGE;
	out_init(&out, bytes, cap);
	add(&out, "HTTP/1.1 %u %s", (unsigned)r->status, reason);
	add(&out, "Date: %s", http_reply_date(r->now, date));
	if (r->status == 304)
		add_etag(&out, r->etag);
	else if (r->status < 300)
		add_object(&out, r);
	else
		add_refusal(&out, r, reason);
	add(&out, "Connection: %s", r->keep ? "keep-alive" : "close");
	out_text(&out, "\r\n");
	if (r->status >= 400 && !r->head) {
		char text[64];

		snprintf(text, sizeof text, "%u %s\n", (unsigned)r->status, reason);
		out_text(&out, text);
	}
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
