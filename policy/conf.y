/*
 * The configuration's grammar. Runs in conf-check and in the broker, inside their cages,
 * on text that the operator wrote. Every list is left-recursive, so that the parser's
 * stack does not grow with the text; the look-ahead correction makes the names of what
 * was expected exact. Values are borrowed pieces of the text: nothing needs freeing.
 */
%require "3.8"
%define api.pure full
%define api.prefix {conf_yy}
%define api.location.type {struct place}
%define parse.error custom
%define parse.lac full
%locations
%lex-param {void *scanner}
%parse-param {void *scanner} {struct build *b}

%code requires {
#include "policy/conf_parts.h"
}

%union {
	struct slice slice;
}

%code {
#include <stdio.h>

/* A rule stands where its first word does. */
#define YYLLOC_DEFAULT(cur, rhs, n) ((cur) = YYRHSLOC((rhs), (n) != 0 ? 1 : 0))
#define TRY(call)                                                                        \
	do {                                                                             \
		if ((call) != 0)                                                         \
			YYABORT;                                                         \
	} while (0)

int conf_yylex(CONF_YYSTYPE *value, CONF_YYLTYPE *at, void *scanner);
static void yyerror(const CONF_YYLTYPE *at, void *scanner, struct build *b,
    const char *text);
}

%token END 0            "the end of the file"
%token K_STATE          "'state'"
%token K_IMAGES         "'images'"
%token K_KEYRING        "'keyring'"
%token K_INTERFACE      "'interface'"
%token K_SUBNET         "'subnet'"
%token K_HOST           "'host'"
%token K_IMAGE          "'image'"
%token K_BOOT           "'boot'"
%token K_TFTP           "'tftp'"
%token K_HTTP           "'http'"
%token K_HTTPS          "'https'"
%token K_CERTIFICATE    "'certificate'"
%token K_KEY            "'key'"
%token K_CLIENT_CA      "'client-ca'"
%token K_CLIENT_CERTIFICATES "'client-certificates'"
%token K_CLIENT_CERTIFICATE "'client-certificate'"
%token K_OPTIONAL       "'optional'"
%token K_REQUIRED       "'required'"
%token K_RSA_KEY_EXCHANGE "'rsa-key-exchange'"
%token K_HTTP_BOOT      "'http-boot'"
%token K_SERVER         "'server'"
%token K_MAC            "'mac'"
%token K_ADDRESS        "'address'"
%token K_PARAMETER      "'parameter'"
%token K_POOL           "'pool'"
%token K_ROUTER         "'router'"
%token K_DNS            "'dns'"
%token K_DOMAIN         "'domain'"
%token K_LEASE_TIME     "'lease-time'"
%token K_DEFAULT        "'default'"
%token K_UNKNOWN        "'unknown'"
%token K_IPXE_TRANSPORT "'ipxe-transport'"
%token K_EXPIRED        "'expired'"
%token K_SESSION_TIME   "'session-time'"
%token K_SESSIONS       "'sessions'"
%token K_ALLOW          "'allow'"
%token K_DENY           "'deny'"
%token K_IGNORE         "'ignore'"
%token K_REFUSE         "'refuse'"
%token K_SERVE          "'serve'"
%token K_PORTS          "'ports'"
%token K_PORT           "'port'"
%token K_HEAD_TIMEOUT   "'head-timeout'"
%token K_IDLE_TIMEOUT   "'idle-timeout'"
%token K_MIN_RATE       "'min-rate'"
%token K_RATE_WINDOW    "'rate-window'"
%token K_CONNECTIONS    "'connections-per-address'"
%token K_WORKERS        "'workers'"
%token K_MEMORY         "'memory'"
%token K_LANDLOCK       "'landlock'"
%token K_LOG_LEVEL      "'log-level'"
%token K_UID_BASE       "'uid-base'"
%token K_CLASS          "'class'"
%token K_SHARED_NETWORK "'shared-network'"
%token K_DHCP           "'dhcp'"
%token K_EXCLUDE        "'exclude'"
%token K_MODE           "'mode'"
%token K_FULL           "'full'"
%token K_PROXY          "'proxy'"
%token K_OFF            "'off'"
%token K_ROGUE_SERVERS  "'rogue-servers'"
%token K_WARN           "'warn'"
%token K_OPTION         "'option'"
%token K_ALWAYS         "'always'"
%token K_BOOT_LEASE_TIME "'boot-lease-time'"
%token K_MATCH          "'match'"
%token K_VENDOR_CLASS   "'vendor-class'"
%token K_USER_CLASS     "'user-class'"
%token K_ARCHITECTURE   "'architecture'"
%token K_RELAY          "'relay'"
%token K_CIRCUIT_ID     "'circuit-id'"
%token K_REMOTE_ID      "'remote-id'"
%token K_CLIENT_ID      "'client-id'"
%token K_UUID           "'uuid'"
%token K_KNOWN          "'known'"
%token K_AUTHORITATIVE  "'authoritative'"
%token K_BOOTP          "'bootp'"
%token K_CONFLICT_PROBE "'conflict-probe'"
%token K_QUARANTINE     "'quarantine'"
%token K_CLIENT_RATE    "'client-rate'"
%token K_LINK_RATE      "'link-rate'"
%token K_LEASES_PER_PORT "'leases-per-port'"
%token K_POOL_SHARE     "'pool-share'"
%token K_CONTROL_GID    "'control-gid'"
%token K_YES            "'yes'"
%token K_NO             "'no'"
%token K_OPEN           "'open'"
%token K_TO             "'to'"
%token K_ADDRESS6       "'address6'"
%token K_AUTO           "'auto'"
%token K_SINGLE_PORT    "'single-port'"
%token K_CASE_INSENSITIVE "'case-insensitive'"
%token K_ROLLOVER       "'rollover'"
%token K_MAX_WINDOWSIZE "'max-windowsize'"
%token K_MAX_BLKSIZE    "'max-blksize'"
%token K_TRANSFERS      "'transfers-per-address'"

%token <slice> STRING   "a text in double quotes"
%token <slice> WORD     "a word"
%token <slice> NUMBER   "a number"
%token <slice> DURATION "a duration such as 30s, 10m, 1h or 1d"
%token <slice> MILLISECONDS "a time such as 200ms"
%token <slice> PERCENT  "a percentage such as 80%"
%token <slice> BYTES    "bytes such as 01:02:ff"
%token <slice> WHICH_NAME "an option's name"
%token <slice> WHICH_CODE "an option's number"
%token <slice> WHICH_TYPE "a type such as address, u16 or text"
%token <slice> VALUE    "a value"
%token <slice> SIZE     "a size such as 64K, 512M or 2G"
%token <slice> ADDRESS  "an IPv4 address"
%token <slice> NETWORK  "a subnet such as 192.0.2.0/24"
%token <slice> ADDRESS6 "an IPv6 address"
%token <slice> NETWORK6 "an IPv6 subnet such as 2001:db8::/64"
%token <slice> MAC      "a hardware address such as 52:54:00:12:34:56"
%token BAD_TEXT

%type <slice> name size bytes milliseconds

%%

file:
	  %empty
	| file item
	;

item:
	  K_STATE STRING ';'    { TRY(build_path(b, SET_STATE, @1, $2, @2)); }
	| K_IMAGES STRING ';'   { TRY(build_path(b, SET_IMAGES, @1, $2, @2)); }
	| K_KEYRING STRING ';'  { TRY(build_path(b, SET_KEYRING, @1, $2, @2)); }
	| K_INTERFACE name      { TRY(build_link(b, $2, @2)); } link_body
	| subnet
	| K_SHARED_NETWORK STRING { TRY(build_shared(b, $2, @2)); }
	  '{' shared_items '}'  { TRY(build_shared_end(b, @6)); }
	| K_CLASS STRING        { TRY(build_class(b, $2, @2)); }
	  '{' class_items '}'   { TRY(build_class_end(b, @6)); }
	| K_HOST STRING         { TRY(build_host(b, $2, @2)); }
	  '{' host_items '}'    { TRY(build_host_end(b, @6)); }
	| K_BOOT                { TRY(build_once(b, SET_BOOT, @1)); }
	  '{' boot_items '}'
	| K_TFTP                { TRY(build_once(b, SET_TFTP, @1)); }
	  '{' tftp_items '}'
	| K_HTTP                { TRY(build_once(b, SET_HTTP, @1)); }
	  '{' http_items '}'
	| K_HTTPS               { TRY(build_https(b, @1)); }
	  '{' https_items '}'   { TRY(build_https_end(b, @5)); }
	| K_SERVER              { TRY(build_once(b, SET_SERVER, @1)); }
	  '{' server_items '}'
	| K_DHCP                { TRY(build_once(b, SET_DHCP, @1)); }
	  '{' dhcp_items '}'
	| K_OPEN K_IMAGE STRING K_TO NETWORK ';'
		{ TRY(build_open(b, $3, @3, $5, @5, false)); }
	| K_OPEN K_IMAGE STRING K_TO NETWORK6 ';'
		{ TRY(build_open(b, $3, @3, $5, @5, true)); }
	| level_item
	;

/* What any level may say, the whole file among them. */
level_item:
	  K_LEASE_TIME DURATION ';'
		{ TRY(build_scope_lease(b, false, @1, $2, @2)); }
	| K_BOOT_LEASE_TIME DURATION ';'
		{ TRY(build_scope_lease(b, true, @1, $2, @2)); }
	| option option_value ';' { TRY(build_option_end(b, @3)); }
	;

option:
	  K_OPTION              { build_option(b, false); }
	| K_ALWAYS K_OPTION     { build_option(b, true); }
	;

option_value:
	  option_which
	| option_which pieces
	;

option_which:
	  WHICH_NAME           { TRY(build_option_name(b, $1, @1)); }
	| WHICH_CODE WHICH_TYPE
		{ TRY(build_option_code(b, $1, @1, $2, @2)); }
	;

pieces:
	  piece                 { TRY(build_option_piece(b)); }
	| pieces ',' piece      { TRY(build_option_piece(b)); }
	;

piece:
	  word
	| piece word
	;

word:
	  VALUE                 { TRY(build_option_word(b, $1, @1)); }
	| STRING                { TRY(build_option_word(b, $1, @1)); }
	;

/* What a level may say of what its machines boot. */
choice_item:
	  K_IMAGE STRING ';'    { TRY(build_scope_image(b, @1, $2, @2)); }
	| K_BOOT K_DENY ';'     { TRY(build_scope_deny(b, @1)); }
	;

name:
	  WORD
	| STRING
	;

size:
	  SIZE
	| NUMBER
	;

link_body:
	  ';'
	| '{' link_items '}'
	;

link_items:
	  %empty
	| link_items link_item
	;

link_item:
	  K_ADDRESS ADDRESS ';' { TRY(build_link_address(b, @1, $2, @2)); }
	| K_ADDRESS6 ADDRESS6 ';' { TRY(build_link_address6(b, @1, $2, @2)); }
	| K_ADDRESS6 K_AUTO ';' { TRY(build_link_find6(b, @1)); }
	| K_MODE K_FULL ';'     { TRY(build_link_mode(b, MODE_FULL, @1)); }
	| K_MODE K_PROXY ';'    { TRY(build_link_mode(b, MODE_PROXY, @1)); }
	| K_MODE K_OFF ';'      { TRY(build_link_mode(b, MODE_OFF, @1)); }
	| K_ROGUE_SERVERS K_REFUSE ';'
		{ TRY(build_link_rogue(b, ROGUE_REFUSE, @1)); }
	| K_ROGUE_SERVERS K_WARN ';'
		{ TRY(build_link_rogue(b, ROGUE_WARN, @1)); }
	| K_ROGUE_SERVERS K_IGNORE ';'
		{ TRY(build_link_rogue(b, ROGUE_IGNORE, @1)); }
	;

shared_items:
	  %empty
	| shared_items shared_item
	;

shared_item:
	  subnet
	| level_item
	| choice_item
	;

subnet:
	  K_SUBNET NETWORK      { TRY(build_subnet(b, $2, @2)); }
	  '{' subnet_items '}'  { TRY(build_subnet_end(b)); }
	;

subnet_items:
	  %empty
	| subnet_items subnet_item
	;

subnet_item:
	  K_POOL ADDRESS '-' ADDRESS
		{ TRY(build_pool(b, $2, @2, $4, @4)); }
	  pool_body             { TRY(build_pool_end(b)); }
	| K_EXCLUDE ADDRESS ';' { TRY(build_exclude(b, $2, @2, (struct slice){0}, @2)); }
	| K_EXCLUDE ADDRESS '-' ADDRESS ';'
		{ TRY(build_exclude(b, $2, @2, $4, @4)); }
	| K_MODE K_FULL ';'     { TRY(build_subnet_mode(b, MODE_FULL, @1)); }
	| K_MODE K_PROXY ';'    { TRY(build_subnet_mode(b, MODE_PROXY, @1)); }
	| K_ROUTER              { TRY(build_once(b, SET_ROUTER, @1)); }
	  routers ';'
	| K_DNS                 { TRY(build_once(b, SET_DNS, @1)); }
	  servers ';'
	| K_DOMAIN STRING ';'   { TRY(build_domain(b, @1, $2, @2)); }
	| level_item
	| choice_item
	;

pool_body:
	  ';'
	| '{' pool_items '}'
	;

pool_items:
	  %empty
	| pool_items pool_item
	;

pool_item:
	  K_ALLOW K_CLASS STRING ';' { TRY(build_pool_class(b, true, $3, @3)); }
	| K_DENY K_CLASS STRING ';' { TRY(build_pool_class(b, false, $3, @3)); }
	| K_ALLOW K_KNOWN ';'   { TRY(build_pool_known(b, POOL_KNOWN, @1)); }
	| K_ALLOW K_UNKNOWN ';' { TRY(build_pool_known(b, POOL_UNKNOWN, @1)); }
	| level_item
	| choice_item
	;

routers:
	  ADDRESS               { TRY(build_router(b, $1, @1)); }
	| routers ',' ADDRESS   { TRY(build_router(b, $3, @3)); }
	;

servers:
	  ADDRESS               { TRY(build_dns(b, $1, @1)); }
	| servers ',' ADDRESS   { TRY(build_dns(b, $3, @3)); }
	;

class_items:
	  %empty
	| class_items class_item
	;

class_item:
	  K_MATCH match ';'
	| level_item
	| choice_item
	;

match:
	  K_VENDOR_CLASS        { b->test_kind = TEST_VENDOR; } test_bytes
	| K_USER_CLASS          { b->test_kind = TEST_USER; } test_bytes
	| K_CIRCUIT_ID          { b->test_kind = TEST_CIRCUIT; } test_bytes
	| K_REMOTE_ID           { b->test_kind = TEST_REMOTE; } test_bytes
	| K_MAC                 { b->test_kind = TEST_MAC; } test_macs
	| K_ARCHITECTURE test_archs
	| K_RELAY test_relays
	| K_INTERFACE test_links
	;

bytes:
	  STRING
	| BYTES
	;

test_bytes:
	  bytes                 { TRY(build_test_bytes(b, $1, @1)); }
	| test_bytes ',' bytes  { TRY(build_test_bytes(b, $3, @3)); }
	;

test_macs:
	  BYTES                 { TRY(build_test_bytes(b, $1, @1)); }
	| test_macs ',' BYTES   { TRY(build_test_bytes(b, $3, @3)); }
	;

test_archs:
	  WORD                  { TRY(build_test_arch(b, $1, @1)); }
	| test_archs ',' WORD   { TRY(build_test_arch(b, $3, @3)); }
	;

test_relays:
	  test_relay
	| test_relays ',' test_relay
	;

test_relay:
	  ADDRESS               { TRY(build_test_relay(b, $1, @1)); }
	| NETWORK               { TRY(build_test_relay(b, $1, @1)); }
	;

test_links:
	  name                  { TRY(build_test_link(b, $1, @1)); }
	| test_links ',' name   { TRY(build_test_link(b, $3, @3)); }
	;

host_items:
	  %empty
	| host_items host_item
	;

host_item:
	  K_MAC MAC ';'         { TRY(build_host_mac(b, $2, @2)); }
	| K_CLIENT_ID bytes ';' { TRY(build_host_client_id(b, $2, @2)); }
	| K_UUID STRING ';'     { TRY(build_host_uuid(b, $2, @2)); }
	| K_CIRCUIT_ID bytes ';'
		{ TRY(build_host_port(b, $2, @2, (struct slice){0}, @2)); }
	| K_REMOTE_ID bytes ';'
		{ TRY(build_host_port(b, (struct slice){0}, @2, $2, @2)); }
	| K_CIRCUIT_ID bytes K_REMOTE_ID bytes ';'
		{ TRY(build_host_port(b, $2, @2, $4, @4)); }
	| K_ADDRESS ADDRESS ';' { TRY(build_host_address(b, @1, $2, @2)); }
	| K_PARAMETER STRING STRING ';'
		{ TRY(build_param(b, $2, @2, $3, @3)); }
	| K_CLIENT_CERTIFICATE bytes ';'
		{ TRY(build_host_certificate(b, @1, $2, @2)); }
	| level_item
	| choice_item
	;

boot_items:
	  %empty
	| boot_items boot_item
	;

boot_item:
	  K_DEFAULT K_IMAGE STRING ';'
		{ TRY(build_default(b, @1, $3, @3)); }
	| K_DEFAULT K_DENY ';'  { TRY(build_once(b, SET_DEFAULT, @1)); }
	| K_UNKNOWN K_ALLOW ';' { TRY(build_unknown(b, @1, true, BOOT_UNSET)); }
	| K_UNKNOWN K_DENY ';'  { TRY(build_unknown(b, @1, true, BOOT_DENY)); }
	| K_UNKNOWN K_IGNORE ';' { TRY(build_unknown(b, @1, false, BOOT_UNSET)); }
	| K_UNKNOWN K_IMAGE STRING ';'
		{ TRY(build_unknown_image(b, @1, $3, @3)); }
	| K_IPXE_TRANSPORT      { TRY(build_once(b, SET_IPXE_TRANSPORT, @1)); }
	  transport ';'
	| K_HTTP_BOOT           { TRY(build_once(b, SET_HTTP_BOOT, @1)); }
	  http_boot ';'
	| K_EXPIRED             { TRY(build_once(b, SET_EXPIRED, @1)); }
	  expired ';'
	| K_SESSION_TIME DURATION ';'
		{ TRY(build_amount(b, SET_SESSION_TIME, @1, $2, @2)); }
	| K_SESSIONS NUMBER ';' { TRY(build_amount(b, SET_SESSIONS, @1, $2, @2)); }
	;

transport:
	  K_HTTP                { b->conf->ipxe_http = true; }
	| K_HTTPS               { b->conf->ipxe_http = b->conf->ipxe_https = true; }
	| K_TFTP                { b->conf->ipxe_http = false; }
	;

http_boot:
	  K_HTTP                { b->conf->boot_https = false; }
	| K_HTTPS               { b->conf->boot_https = true; }
	;

expired:
	  K_REFUSE              { b->conf->expired_serve = false; }
	| K_SERVE               { b->conf->expired_serve = true; }
	;

tftp_items:
	  %empty
	| tftp_items tftp_item
	;

tftp_item:
	  K_PORTS NUMBER '-' NUMBER ';'
		{ TRY(build_ports(b, @1, $2, @2, $4, @4)); }
	| K_SINGLE_PORT         { TRY(build_once(b, SET_SINGLE_PORT, @1)); }
	  single_port ';'
	| K_CASE_INSENSITIVE    { TRY(build_once(b, SET_ANY_CASE, @1)); }
	  any_case ';'
	| K_ROLLOVER NUMBER ';' { TRY(build_amount(b, SET_ROLLOVER, @1, $2, @2)); }
	| K_MAX_WINDOWSIZE NUMBER ';'
		{ TRY(build_amount(b, SET_MAX_WINDOWSIZE, @1, $2, @2)); }
	| K_MAX_BLKSIZE NUMBER ';'
		{ TRY(build_amount(b, SET_MAX_BLKSIZE, @1, $2, @2)); }
	| K_TRANSFERS NUMBER ';'
		{ TRY(build_amount(b, SET_TRANSFERS, @1, $2, @2)); }
	;

single_port:
	  K_YES                 { b->conf->tftp_single = true; }
	| K_NO                  { b->conf->tftp_single = false; }
	;

any_case:
	  K_YES                 { b->conf->tftp_any_case = true; }
	| K_NO                  { b->conf->tftp_any_case = false; }
	;

http_items:
	  %empty
	| http_items http_item
	;

http_item:
	  K_PORT NUMBER ';'     { TRY(build_amount(b, SET_PORT, @1, $2, @2)); }
	| K_HEAD_TIMEOUT DURATION ';'
		{ TRY(build_amount(b, SET_HEAD_TIMEOUT, @1, $2, @2)); }
	| K_IDLE_TIMEOUT DURATION ';'
		{ TRY(build_amount(b, SET_IDLE_TIMEOUT, @1, $2, @2)); }
	| K_MIN_RATE size ';'   { TRY(build_amount(b, SET_MIN_RATE, @1, $2, @2)); }
	| K_RATE_WINDOW DURATION ';'
		{ TRY(build_amount(b, SET_RATE_WINDOW, @1, $2, @2)); }
	| K_CONNECTIONS NUMBER ';'
		{ TRY(build_amount(b, SET_CONNECTIONS, @1, $2, @2)); }
	;

https_items:
	  %empty
	| https_items https_item
	;

https_item:
	  K_PORT NUMBER ';'     { TRY(build_amount(b, SET_HTTPS_PORT, @1, $2, @2)); }
	| K_WORKERS NUMBER ';'  { TRY(build_amount(b, SET_TLS_WORKERS, @1, $2, @2)); }
	| K_CERTIFICATE STRING K_KEY STRING ';'
		{ TRY(build_certificate(b, $2, @2, $4, @4)); }
	| K_CLIENT_CA STRING ';' { TRY(build_path(b, SET_CLIENT_CA, @1, $2, @2)); }
	| K_CLIENT_CERTIFICATES { TRY(build_once(b, SET_VERIFY_CLIENT, @1)); }
	  verify_client ';'
	| K_RSA_KEY_EXCHANGE    { TRY(build_once(b, SET_RSA_EXCHANGE, @1)); }
	  rsa_exchange ';'
	;

verify_client:
	  K_OPTIONAL            { b->conf->verify_client = 1; }
	| K_REQUIRED            { b->conf->verify_client = 2; }
	;

rsa_exchange:
	  K_YES                 { b->conf->rsa_exchange = true; }
	| K_NO                  { b->conf->rsa_exchange = false; }
	;

server_items:
	  %empty
	| server_items server_item
	;

server_item:
	  K_WORKERS NUMBER ';'  { TRY(build_amount(b, SET_WORKERS, @1, $2, @2)); }
	| K_MEMORY size ';'     { TRY(build_amount(b, SET_MEMORY, @1, $2, @2)); }
	| K_LANDLOCK NUMBER ';' { TRY(build_amount(b, SET_LANDLOCK, @1, $2, @2)); }
	| K_LOG_LEVEL WORD ';'  { TRY(build_log_level(b, @1, $2, @2)); }
	| K_UID_BASE NUMBER ';' { TRY(build_amount(b, SET_UID_BASE, @1, $2, @2)); }
	| K_CONTROL_GID NUMBER ';'
		{ TRY(build_amount(b, SET_CONTROL_GID, @1, $2, @2)); }
	;

dhcp_items:
	  %empty
	| dhcp_items dhcp_item
	;

dhcp_item:
	  K_AUTHORITATIVE       { TRY(build_once(b, SET_AUTHORITATIVE, @1)); }
	  authoritative ';'
	| K_BOOTP               { TRY(build_once(b, SET_BOOTP, @1)); }
	  bootp ';'
	| K_CONFLICT_PROBE K_OFF ';'
		{ TRY(build_probe(b, @1, (struct slice){0}, @2)); }
	| K_CONFLICT_PROBE milliseconds ';'
		{ TRY(build_probe(b, @1, $2, @2)); }
	| K_QUARANTINE DURATION ';'
		{ TRY(build_amount(b, SET_QUARANTINE, @1, $2, @2)); }
	| K_CLIENT_RATE NUMBER ';'
		{ TRY(build_amount(b, SET_CLIENT_RATE, @1, $2, @2)); }
	| K_LINK_RATE NUMBER ';'
		{ TRY(build_amount(b, SET_LINK_RATE, @1, $2, @2)); }
	| K_LEASES_PER_PORT NUMBER ';'
		{ TRY(build_amount(b, SET_PER_PORT, @1, $2, @2)); }
	| K_POOL_SHARE PERCENT ';'
		{ TRY(build_amount(b, SET_POOL_SHARE, @1, $2, @2)); }
	;

authoritative:
	  K_YES                 { b->conf->authoritative = true; }
	| K_NO                  { b->conf->authoritative = false; }
	;

bootp:
	  K_YES                 { b->conf->bootp = true; }
	| K_NO                  { b->conf->bootp = false; }
	;

milliseconds:
	  MILLISECONDS
	| DURATION
	;

%%

/* "'a', 'b' or 'c'". The end of the file is named only where nothing else may follow. */
static void
list_expected(const yypcontext_t *ctx, char *text, size_t cap)
{
	yysymbol_kind_t kinds[YYNTOKENS];
	int n = yypcontext_expected_tokens(ctx, kinds, YYNTOKENS);
	int first = n > 1 && kinds[0] == YYSYMBOL_YYEOF ? 1 : 0;
	size_t len = 0;

	text[0] = '\0';
	for (int i = first; i < n && len < cap; i++) {
		const char *between = i == first ? "" : i == n - 1 ? " or " : ", ";
		int wrote = snprintf(text + len, cap - len, "%s%s", between,
		    yysymbol_name(kinds[i]));

		len += wrote > 0 ? (size_t)wrote : 0;
	}
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, void *scanner, struct build *b)
{
	char expected[sizeof b->error->text];
	char found[FOUND_MAX];
	const char *what = "the end of the file";

	(void)scanner;
	list_expected(ctx, expected, sizeof expected);
	if (yypcontext_token(ctx) != YYSYMBOL_YYEOF)
		what = build_found(b->last, found);
	return build_fail(b, ERR_FORMAT, *yypcontext_location(ctx), "found %s, expected %s",
	    what, expected);
}

/* Called by the generated code when its memory runs out, and for nothing else. */
static void
yyerror(const CONF_YYLTYPE *at, void *scanner, struct build *b, const char *text)
{
	(void)scanner;
	if (b->err == 0)
		b->err = build_fail(b, ERR_FULL, *at, "%s", text);
}
