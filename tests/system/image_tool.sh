#!/bin/bash
# sallyport-image from end to end, beside the real minisign: keys and signatures of either
# are accepted by the other, and whatever is wrong with an image is refused by name.
set -u
. "$(dirname "$0")/../lib/common.sh"

TOOL=$BIN/sallyport-image
run_begin image_tool
cd "$RUN" || exit 1

# make_folder FOLDER: kernel, initrd and loader of a small image.
make_folder()
{
	mkdir -p "$1/boot"
	head -c 1500000 /dev/urandom >"$1/boot/linux"
	echo initrd >"$1/boot/initrd.gz"
	echo loader >"$1/snponly.efi"
}

# describe FOLDER VERSION [OPTION]...
describe()
{
	local folder=$1 version=$2

	shift 2
	"$TOOL" create --name debian-12 --version "$version" --loader x64=snponly.efi \
		--arch bios --kernel boot/linux --initrd boot/initrd.gz \
		--cmdline 'console=ttyS0 ip=@{ip}' "$@" "$folder"
}

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

# copy of the good image, to be damaged
fresh()
{
	rm -rf bad
	cp -a good bad
}

# flip FILE BYTE: its lowest bit
flip()
{
	local byte

	byte=$(od -An -j "$2" -N 1 -tu1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %02x $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

keys()
{
	check "key generate" "$TOOL" key generate -W -p own.pub -s own.key
	same "secret key is private" 600 "$(stat -c %a own.key)"
	refused "key generate keeps what exists" 1 'exists already' \
		"$TOOL" key generate -W -p own.pub -s own.key
	echo "key $(sed -n 2p own.pub) *" >keyring
}

good()
{
	make_folder good
	check "create" describe good 5
	check "sign" "$TOOL" sign -s own.key good
	check "verify by public key" "$TOOL" verify -p own.pub good
	check "verify by keyring" "$TOOL" verify -k keyring good
	same "manifest lists every file" 6 "$(grep -c '^file ' good/manifest)"
	same "default iPXE template" '#!ipxe' "$(head -n 1 good/templates/boot.ipxe)"
	check "hashes are sha256sum's" sh -c \
		"sed -n 's/^file \\([^ ]*\\) [0-9]* \\(.*\\)/\\1  good\\/\\2/p' good/manifest |
		sha256sum --quiet --strict -c"
}

with_minisign()
{
	if ! command -v minisign >/dev/null; then
		skip "minisign" "not installed"
		return
	fi
	check "minisign accepts ours" minisign -Vm good/manifest -p own.pub
	check "minisign -H accepts ours" minisign -VHm good/manifest -p own.pub
	cp -a good theirs
	minisign -G -W -p their.pub -s their.key >/dev/null
	check "minisign signs with our key" minisign -S -W -s own.key -m theirs/manifest
	check "ours accepts it" "$TOOL" verify -p own.pub theirs
	check "minisign signs, prehashed" minisign -S -s their.key -m theirs/manifest
	check "ours accepts prehashed" "$TOOL" verify -p their.pub theirs
	check "minisign signs, legacy" minisign -S -l -s their.key -m theirs/manifest
	check "ours accepts legacy" "$TOOL" verify -p their.pub theirs
	check "ours signs with minisign's key" "$TOOL" sign -s their.key theirs
	check "minisign accepts it" minisign -Vm theirs/manifest -p their.pub
	refused "a key that is not ours" 1 'signed by key [0-9A-F]{16}, which is not' \
		"$TOOL" verify -p own.pub theirs
	refused "a key for other images" 1 'key [0-9A-F]{16} may not sign images called debian-12' \
		"$TOOL" verify -k <(echo "key $(sed -n 2p their.pub) ubuntu-*") theirs
}

# Encrypted keys take a gigabyte for scrypt.
with_password()
{
	if [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -lt 1400000 ]; then
		skip "encrypted keys" "less than 1.4 GB of memory"
		return
	fi
	echo 'correct horse' >password
	echo 'wrong horse' >wrong
	check "key generate, encrypted" \
		"$TOOL" key generate --password-file password -p enc.pub -s enc.key
	check "sign, encrypted" "$TOOL" sign -s enc.key --password-file password good
	check "verify, encrypted" "$TOOL" verify -p enc.pub good
	refused "wrong password" 1 'enc.key: wrong password' \
		"$TOOL" sign -s enc.key --password-file wrong good
	if command -v minisign >/dev/null; then
		cp -a good pw
		check "minisign opens our encrypted key" \
			sh -c 'minisign -S -s enc.key -m pw/manifest <password'
		check "and signs with it" "$TOOL" verify -p enc.pub pw
		sh -c 'cat password password' | minisign -G -p mse.pub -s mse.key >/dev/null 2>&1
		check "ours opens minisign's encrypted key" \
			"$TOOL" sign -s mse.key --password-file password pw
		check "minisign accepts that" minisign -Vm pw/manifest -p mse.pub
	fi
	"$TOOL" sign -s own.key good >/dev/null
}

damaged()
{
	local size

	fresh
	flip bad/boot/linux 777777
	refused "flipped bit in a file" 1 '^sallyport-image: bad/boot/linux: its SHA-256 is not' \
		"$TOOL" verify -k keyring bad
	fresh
	flip bad/manifest 40
	refused "flipped bit in the manifest" 1 'bad/manifest: the signature .* does not fit' \
		"$TOOL" verify -k keyring bad
	fresh
	size=$(head -n 1 bad/manifest.minisig | wc -c)
	flip bad/manifest.minisig $((size + 50))
	refused "flipped bit in the signature" 1 'bad/manifest: the signature .* does not fit' \
		"$TOOL" verify -k keyring bad
	fresh
	echo more >>bad/boot/initrd.gz
	refused "longer file" 1 'bad/boot/initrd.gz: has 12 bytes, the manifest says 7' \
		"$TOOL" verify -k keyring bad
	fresh
	rm bad/snponly.efi
	refused "missing file" 1 'bad/snponly.efi: does not exist' "$TOOL" verify -k keyring bad
	fresh
	echo x >bad/boot/extra
	refused "unlisted file" 1 'bad/boot/extra: this file is not listed' \
		"$TOOL" verify -k keyring bad
	fresh
	rm bad/manifest.minisig
	refused "no signature" 1 'bad/manifest.minisig: does not exist' \
		"$TOOL" verify -k keyring bad
	fresh
	flip bad/boot/linux 1
	rm bad/snponly.efi
	refused "every failure is named" 1 'is refused: 2 complaints' "$TOOL" verify -k keyring bad
}

not_regular()
{
	fresh
	mv bad/snponly.efi .
	ln -s ../snponly.efi bad/snponly.efi
	refused "symlink" 1 'bad/snponly.efi: is a symbolic link' "$TOOL" verify -k keyring bad
	refused "symlink at create" 1 'bad/snponly.efi: is a symbolic link' describe bad 6
	fresh
	mv bad/boot boot.real
	ln -s ../boot.real bad/boot
	refused "symlink to a folder" 1 'bad/boot/linux: is a symbolic link, or lies behind' \
		"$TOOL" verify -k keyring bad
	rm -rf boot.real
	fresh
	rm bad/snponly.efi
	mkfifo bad/snponly.efi
	refused "FIFO" 1 'bad/snponly.efi: is not a regular file' \
		timeout 5 "$TOOL" verify -k keyring bad
	refused "FIFO at create" 1 'bad/snponly.efi: is a FIFO' timeout 5 "$TOOL" create \
		--name x bad
	if [ "$(id -u)" = 0 ]; then
		rm bad/snponly.efi
		mknod bad/snponly.efi c 1 5
		refused "device" 1 'bad/snponly.efi: is not a regular file' \
			timeout 5 "$TOOL" verify -k keyring bad
	fi
}

expired()
{
	cp -a good old
	describe old 6 --created 2020-01-01T00:00:00Z --expires 30 >/dev/null
	"$TOOL" sign -s own.key old >/dev/null
	refused "expired" 1 'version 6 has expired on 2020-01-31T00:00:00Z' \
		"$TOOL" verify -k keyring old
	refused "expired is not installed" 1 'has expired' \
		"$TOOL" install -k keyring -i . old
}

unsigned_forms()
{
	cp -a good odd
	echo 'garbage' >>odd/manifest
	refused "a malformed manifest is not signed" 1 'odd/manifest:[0-9]+:1: expected nothing' \
		"$TOOL" sign -s own.key odd
	if command -v minisign >/dev/null; then
		minisign -S -W -s own.key -m odd/manifest >/dev/null
		refused "signed but malformed" 1 'odd/manifest:[0-9]+:1: expected nothing' \
			"$TOOL" verify -k keyring odd
	fi
	make_folder names
	echo x >'names/with space'
	refused "name with a space" 1 'names/with space: a path consists' describe names 1
	rm 'names/with space'
	echo x >names/BOOT
	mkdir names/x
	echo x >names/SNPONLY.efi
	refused "names that differ in case" 1 'differs only in case' describe names 1
	rm names/SNPONLY.efi names/BOOT
	refused "kernel that is missing" 2 '--kernel none: there is no such file' \
		"$TOOL" create --name a --arch x64 --kernel none names
	refused "kernel for nobody" 2 'which machines boot this' \
		"$TOOL" create --name a --kernel boot/linux names
	refused "bad name" 2 '--name Debian: a name begins' "$TOOL" create --name Debian names
	printf 'x\n@{nix}\n' >names/t.ipxe
	refused "template with an unknown slot" 1 'names/t.ipxe:2:3: slot @.nix.: there is no' \
		describe names 1 --template ipxe=t.ipxe
	refused "no command" 2 '^usage:' "$TOOL"
	check "help" "$TOOL" create --help
}

installed()
{
	mkdir store
	check "install" "$TOOL" install -k keyring -i store good
	check "installed image verifies" "$TOOL" verify -k keyring store/debian-12/5
	same "nothing else is left" 5 "$(ls -A store/debian-12)"
	same "modes" "755 644" \
		"$(stat -c %a store/debian-12/5/boot store/debian-12/5/boot/linux | xargs)"
	refused "install again" 1 'is installed already' "$TOOL" install -k keyring -i store good
	matches "list" 'debian-12.5.expires .*6 files' "$("$TOOL" list -i store)"
	(umask 077 && describe good 7 >/dev/null && "$TOOL" sign -s own.key good >/dev/null &&
		"$TOOL" install -k keyring -i store good >/dev/null)
	same "modes despite umask" "755 755 644" "$(stat -c %a store/debian-12/7 \
		store/debian-12/7/boot store/debian-12/7/manifest | xargs)"
}

trust()
{
	check "trust init" "$TOOL" trust init --floor state/floor
	same "floor is private" 600 "$(stat -c %a state/floor)"
	matches "trust show" '^time' "$("$TOOL" trust show --floor state/floor)"
	refused "trust init again" 1 'is a floor already' "$TOOL" trust init --floor state/floor
	check "trust init --reset" "$TOOL" trust init --reset --floor state/floor
	: >state/empty
	refused "trust show of an empty file" 1 'is not a floor' \
		"$TOOL" trust show --floor state/empty
	check "trust init of an empty file" "$TOOL" trust init --floor state/empty
}

keys
good
with_minisign
with_password
damaged
not_regular
expired
unsigned_forms
installed
trust
