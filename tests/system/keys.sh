#!/bin/bash
# The real keys in its cage, with a stand-in for supervisor and tls processes: which files it
# starts with and which it refuses and how it says so, signatures with every scheme,
# decryption only where configured, and owned tls processes, which get nothing.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

need_root
run_begin keys
cd "$RUN" || exit 1
umask 077

# rig MODE FILE...: its lines are counted as ours.
rig()
{
	local mode=$1 last

	shift
	if ! timeout -k 5 120 "$TESTBIN/keysrig" "$BIN/keys" "$mode" "$@" >"out.$mode" 2>&1; then
		not_ok "$mode: the stand-in" "$(tail -n 3 "out.$mode" | tr '\n' ' ')"
		return
	fi
	last=$(tail -n 3 "out.$mode" | tr '\n' ' ')
	while read -r word line; do
		case $word in
		ok) ok "$mode: $line" ;;
		not) not_ok "$mode: $line" "$last" ;;
		esac
	done <"out.$mode"
}

# refused NAME REGEX FILE...: keys does not start, and says why.
refused()
{
	local name=$1 regex=$2

	shift 2
	rig bad "$@"
	matches "$name" "$regex" "$(cat out.bad)"
}

# make_one NAME DAYS GENPKEY_OPTION...
make_one()
{
	local name=$1 days=$2

	shift 2
	openssl genpkey "$@" -out "$name.key" 2>/dev/null &&
		openssl req -x509 -new -key "$name.key" -subj /CN=boot.example -days "$days" \
			-addext subjectAltName=DNS:boot.example -out "$name.crt"
}

rsa()
{
	make_one "$1" "$2" -algorithm RSA -pkeyopt rsa_keygen_bits:"$3"
}

ec()
{
	make_one "$1" "$2" -algorithm EC -pkeyopt ec_paramgen_curve:"$3"
}

kilobytes()
{
	sed -n "s/^# $1:[^0-9]*\\([0-9]*\\) kB/\\1/p" "$2"
}

files()
{
	rsa rsa 90 3072
	rsa short 90 2048
	rsa weak 90 1024
	ec p256 90 P-256
	ec p384 20 P-384
	ec p521 90 P-521
	make_one ed 90 -algorithm ED25519
	openssl pkey -in p256.key -aes256 -passout pass:x -out locked.key
	openssl x509 -in p256.crt -outform DER -out der.crt
	openssl req -x509 -new -key p384.key -subj /CN=nameless -days 90 -out nameless.crt
	head -c 200000 /dev/zero | tr '\0' x >large.crt
}

works()
{
	rig good rsa.key rsa.crt p256.key p256.crt p384.crt
	matches "what was read is logged" 'https-key number=1 kind=rsa bits=3072 certificates=1' \
		"$(cat out.good)"
	if grep -q keys-not-locked out.good; then
		skip "memory is locked" "not allowed here"
	else
		# But for what a library has written at its start and cannot any more.
		less "written memory that is not locked (KiB)" \
			$(($(kilobytes RssAnon out.good) - $(kilobytes VmLck out.good))) 700
	fi
	rig decrypt p384.key p384.crt short.key short.crt
	matches "a certificate that ends soon" 'https-expires number=1 hours=4[0-9][0-9]' \
		"$(cat out.decrypt)"
	matches "a short RSA key" 'https-key-short number=2 bits=2048' "$(cat out.decrypt)"
	rig good p384.key nameless.crt
	matches "a certificate without names" 'https-nameless number=1' "$(cat out.good)"
}

wrong_files()
{
	refused "another's certificate" 'does not belong to the first certificate' \
		rsa.key p256.crt
	refused "RSA with 1024 bits" 'RSA key has 2048 to 4096 bits' weak.key weak.crt
	refused "P-521" 'one of P-256 or P-384' p521.key p521.crt
	refused "Ed25519" 'neither an RSA nor an EC key' ed.key ed.crt
	refused "encrypted" 'it is encrypted' locked.key p256.crt
	refused "no key" 'no private key in it' /dev/null p256.crt
	refused "no certificate" 'no certificate in it' p256.key /dev/null
	refused "DER" 'no certificate in it' p256.key der.crt
	refused "a large file" 'larger than 128 KiB' p256.key large.crt
	refused "two of a kind" 'of the same kind' p256.key p256.crt p384.key p384.crt
	refused "no client authority" 'client authorities.*no certificate in it' \
		rsa.key rsa.crt p256.key p256.crt p256.key
}

files
works
rig hostile rsa.key rsa.crt p256.key p256.crt
wrong_files
