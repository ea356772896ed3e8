#!/bin/bash
# sallyport-image tls: the authority and the server's certificates as OpenSSL sees them, the
# forms of the authority byte for byte, renewal, passwords, and what is refused.
set -u
. "$(dirname "$0")/../lib/common.sh"

TOOL=$BIN/sallyport-image
run_begin image_tls
cd "$RUN" || exit 1

# refused NAME CODE REGEX COMMAND...: ends with that code and says so.
refused()
{
	local name=$1 code=$2 regex=$3 out status

	shift 3
	out=$("$@" 2>&1)
	status=$?
	if [ "$status" != "$code" ]; then
		not_ok "$name" "status $status, wanted $code: $out"
	else
		matches "$name" "$regex" "$out"
	fi
}

text()
{
	openssl x509 -in "$1" -noout -text
}

verify()
{
	openssl verify -x509_strict -purpose sslserver -CAfile "$1/ca.pem" "${@:2}"
}

belongs()
{
	[ "$(openssl pkey -in "$1.key" -pubout)" = "$(openssl x509 -in "$1.pem" -noout -pubkey)" ]
}

days_left()
{
	local end

	end=$(date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s)
	echo $(((end - $(date +%s) + 43200) / 86400))
}

names_of()
{
	text "$1" | grep -A 1 'Subject Alternative Name' | tail -n 1 | tr -d ' '
}

made()
{
	local name

	(umask 077 && "$TOOL" tls init -W -d tls 10.77.0.1 boot.example fd00::1) >said ||
		not_ok "tls init" "$(cat said)"
	matches "how to give it to OVMF" 'fw_cfg name=etc/edk2/https/cacerts,file=tls/ca.esl' \
		"$(cat said)"
	matches "how to give it to iPXE" 'CERT=tls/ca.pem TRUST=tls/ca.pem' "$(cat said)"
	same "keys are private, the rest is not" "600 644 644 644 600 644 600 644" \
		"$(cd tls && stat -c %a ca.key ca.pem ca.der ca.esl rsa.key rsa.pem ec.key \
			ec.pem | xargs)"
	for name in rsa ec; do
		check "$name: the chain" verify tls "tls/$name.pem"
		check "$name: by address" verify tls -verify_ip 10.77.0.1 "tls/$name.pem"
		check "$name: by IPv6 address" verify tls -verify_ip fd00::1 "tls/$name.pem"
		check "$name: by name" verify tls -verify_hostname boot.example "tls/$name.pem"
		check "$name: not by another name" fails verify tls -verify_hostname x.example \
			"tls/$name.pem"
		check "$name: its key" belongs "tls/$name"
		same "$name: no word of revocation" "" \
			"$(text "tls/$name.pem" | grep -iE 'OCSP|CRL|CA Issuers')"
		same "$name: lifetime" 397 "$(days_left "tls/$name.pem")"
		same "$name: names" "IPAddress:10.77.0.1,DNS:boot.example,IPAddress:FD00:0:0:0:0:0:0:1" \
			"$(names_of "tls/$name.pem")"
	done
	matches "RSA of 3072 bits" 'Public-Key: \(3072 bit\)' "$(text tls/rsa.pem)"
	matches "RSA may exchange keys" 'Digital Signature, Key Encipherment' \
		"$(text tls/rsa.pem)"
	matches "ECDSA with P-256" 'ASN1 OID: prime256v1' "$(text tls/ec.pem)"
	same "the authority signs by RSA" sha256WithRSAEncryption "$(text tls/ec.pem |
		sed -n 's/.*Signature Algorithm: //p' | sort -u)"
	matches "the authority makes no other" 'CA:TRUE, pathlen:0' "$(text tls/ca.pem)"
	same "the authority's lifetime" 3650 "$(days_left tls/ca.pem)"
	same "serial numbers differ" 3 "$(for name in ca rsa ec; do
		openssl x509 -in tls/$name.pem -noout -serial; done | sort -u | wc -l)"
}

fails()
{
	! "$@"
}

forms()
{
	local size

	openssl x509 -in tls/ca.pem -outform DER -out wanted.der
	check "DER" cmp wanted.der tls/ca.der
	size=$(stat -c %s tls/ca.der)
	same "signature list: type" a159c0a5e494a74a87b5ab155c2bf072 \
		"$(od -An -v -tx1 -N 16 tls/ca.esl | tr -d ' \n')"
	same "signature list: sizes" "$((size + 44)) 0 $((size + 16))" \
		"$(od -An -v -tu4 --endian=little -j 16 -N 12 tls/ca.esl | xargs)"
	check "signature list: certificate" cmp <(tail -c +45 tls/ca.esl) tls/ca.der
	same "signature list: length" "$((size + 44))" "$(stat -c %s tls/ca.esl)"
}

kept()
{
	sha256sum tls/* >before
	refused "init keeps what exists" 1 'tls/ca.key exists already' \
		"$TOOL" tls init -W -d tls 10.0.0.1
	mkdir half
	echo mine >half/ec.pem
	refused "even one file" 1 'half/ec.pem exists already' "$TOOL" tls init -W -d half a.b
	check "and changes nothing" sha256sum --quiet --strict -c before
	same "nor adds anything" ec.pem "$(ls half)"
}

renewed()
{
	local before

	before=$(openssl x509 -in tls/rsa.pem -noout -serial)
	sha256sum tls/*.key tls/ca.* >before
	check "renew" "$TOOL" tls renew -d tls --days 30
	check "keys and authority stay" sha256sum --quiet --strict -c before
	check "renewed: RSA" verify tls -verify_ip 10.77.0.1 tls/rsa.pem
	check "renewed: ECDSA" verify tls -verify_hostname boot.example tls/ec.pem
	check "renewed: its key" belongs tls/rsa
	same "renewed: lifetime" 30 "$(days_left tls/ec.pem)"
	check "renewed: another one" test "$before" != "$(openssl x509 -in tls/rsa.pem -noout -serial)"
	check "renew with other names" "$TOOL" tls renew -d tls new.example
	same "renewed: its names" "DNS:new.example" "$(names_of tls/rsa.pem)"
	matches "renewed: its subject" 'CN = new.example' \
		"$(openssl x509 -in tls/ec.pem -noout -subject)"
	check "renew with new keys" "$TOOL" tls renew -d tls --new-keys
	check "new keys" fails sha256sum --status -c before
	check "new keys: RSA" belongs tls/rsa
	check "new keys: ECDSA" belongs tls/ec
	same "new keys are private" "600 600" "$(stat -c %a tls/rsa.key tls/ec.key | xargs)"
	check "new keys: the chain" verify tls tls/rsa.pem tls/ec.pem
	cp -a tls other
	cp other/rsa.key other/ca.key
	refused "another's key" 1 'ca.key is not the key of ca.pem' "$TOOL" tls renew -d other
	refused "no authority" 3 'none/ca.pem' "$TOOL" tls renew -d none
	refused "longer than the authority" 0 'the authority itself ends in 36[0-9][0-9] days' \
		"$TOOL" tls renew -d tls --days 4000
}

passwords()
{
	echo 'correct horse' >password
	echo 'wrong horse' >wrong
	check "init, encrypted" "$TOOL" tls init --password-file password -d enc 10.0.0.1
	matches "by scrypt" 'ENCRYPTED PRIVATE KEY' "$(cat enc/ca.key)"
	matches "by scrypt" ':(id-)?scrypt' "$(openssl asn1parse -in enc/ca.key)"
	check "OpenSSL opens it" openssl pkey -in enc/ca.key -passin file:password -noout
	check "renew, encrypted" "$TOOL" tls renew --password-file password -d enc
	refused "wrong password" 1 'enc/ca.key: no private key, or the wrong password' \
		"$TOOL" tls renew --password-file wrong -d enc
	refused "nobody to ask" 2 '' setsid "$TOOL" tls init -d unasked 10.0.0.1 </dev/null
	same "and nothing was made" "" "$(ls unasked)"
}

constrained()
{
	check "init, constrained" "$TOOL" tls init -W --constrain -d narrow 10.0.0.1 boot.example \
		fd00::1
	check "constrained: the chain" verify narrow narrow/rsa.pem narrow/ec.pem
	matches "not critical, for iPXE" 'X509v3 Name Constraints: *$' "$(text narrow/ca.pem)"
	check "renew beyond it" "$TOOL" tls renew -d narrow 10.0.0.2
	refused "is not believed" 2 'permitted subtree violation' verify narrow narrow/rsa.pem
	check "renew beyond it, a name" "$TOOL" tls renew -d narrow other.example
	refused "is not believed" 2 'permitted subtree violation' verify narrow narrow/ec.pem
}

wrong_use()
{
	local name

	refused "no name" 2 'expected the addresses and names' "$TOOL" tls init -W -d nowhere
	for name in '' '*.example' 'a b' 'a,DNS:b' '10.0.0.256' '10.0.0' 'a..b' '-a' 'a_b' \
		'10.0.0.1/24' 'http://a' 'a:80' "$(printf 'a%.0s' {1..64})"; do
		refused "no such name: $name" 2 'neither an address nor a host name' \
			"$TOOL" tls init -W -d nowhere -- "$name"
	done
	refused "days" 2 '--days' "$TOOL" tls init -W -d nowhere --days 0 a.example
	refused "options of the other" 2 'see sallyport-image tls renew --help' \
		"$TOOL" tls renew --constrain -d tls
	refused "too many names" 2 'more than 32 names' "$TOOL" tls init -W -d nowhere {1..33}.a
	check "nothing was made" test ! -e nowhere
}

made
forms
kept
renewed
passwords
constrained
wrong_use
