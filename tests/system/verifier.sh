#!/bin/bash
# The real verifier in its cage, with a stand-in for supervisor and broker: what it serves,
# what it refuses and how it says so, rollback, expiry, memory, restarts of the broker.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

TOOL=$BIN/sallyport-image
need_root
run_begin verifier
cd "$RUN" || exit 1
at_end stop_rig

# rig [MEMORY]: starts a verifier on $RUN/store; its output goes to $RUN/out, what is
# echoed to descriptor 3 are commands for the stand-in.
rig()
{
	stop_rig
	rm -f out commands
	mkfifo commands
	"$TESTBIN/verifierrig" "$BIN/verifier" store keyring floor "${1:-67108864}" \
		<commands >out 2>&1 &
	RIG=$!
	exec 3>commands
	wait_line 30 out '^notice 1 0' || die "no verifier: $(cat out)"
}

RIG=
stop_rig()
{
	[ -n "$RIG" ] || return 0
	matches_not "nothing odd from the verifier" '^BAD|^ended|^answer 999999' out
	echo quit >&3
	exec 3>&-
	wait "$RIG"
	RIG=
}

# matches_not NAME REGEX FILE
matches_not()
{
	if grep -Eqa "$2" "$3"; then
		not_ok "$1" "$(grep -Ea "$2" "$3" | head -n 3 | tr '\n' ' ')"
	else
		ok "$1"
	fi
}

# says NAME REGEX [SECONDS]: the output holds such a line, soon.
says()
{
	if wait_line "${3:-30}" out "$2"; then
		ok "$1"
	else
		not_ok "$1" "nothing like '$2' in: $(tail -n 5 out | tr '\n' ' ')"
	fi
}

# has_lines N REGEX
has_lines()
{
	[ "$(grep -Eac "$2" out)" = "$1" ]
}

# says_count NAME N REGEX
says_count()
{
	same "$1" "$2" "$(grep -Eac "$3" out)"
}

# says_again NAME N REGEX: so many such lines, soon
says_again()
{
	if wait_for 20 eval "[ \"\$(grep -Eac '$3' out)\" -ge $2 ]"; then
		ok "$1"
	else
		not_ok "$1" "not $2 times '$3' in: $(tail -n 5 out | tr '\n' ' ')"
	fi
}

# image NAME VERSION [CREATE-OPTION]...: a signed folder NAME-VERSION
image()
{
	local name=$1 version=$2 folder=$1-$2

	shift 2
	rm -rf "$folder"
	mkdir -p "$folder/boot"
	[ -e linux ] || head -c 3000000 /dev/urandom >linux
	cp linux "$folder/boot/linux"
	echo "initrd of $folder" >"$folder/boot/initrd.gz"
	echo loader >"$folder/snponly.efi"
	"$TOOL" create --name "$name" --version "$version" --arch bios \
		--loader x64=snponly.efi --kernel boot/linux --initrd boot/initrd.gz \
		--cmdline 'console=ttyS0 role=@{param.role}' "$@" "$folder" >/dev/null &&
		"$TOOL" sign -s "${KEY:-own.key}" "$folder" >/dev/null
}

# place NAME VERSION: puts the folder into the store as it is, complete at once
place()
{
	mkdir -p "store/$1"
	cp -a "$1-$2" "store/$1/.new" && mv "store/$1/.new" "store/$1/$2"
}

clear_store()
{
	stop_rig
	rm -rf store floor
	mkdir store
	"$TOOL" trust init --floor floor >/dev/null
}

prepare()
{
	"$TOOL" key generate -W -p own.pub -s own.key >/dev/null
	"$TOOL" key generate -W -p other.pub -s other.key >/dev/null
	printf 'key %s *\nkey %s other-*\n' "$(sed -n 2p own.pub)" "$(sed -n 2p other.pub)" \
		>keyring
	for v in 4 5 6; do
		image debian "$v"
	done
	mkdir store
}

no_floor()
{
	place debian 5
	rig
	says "no floor: an error" 'event=floor-missing .*trust init'
	sleep 3
	matches_not "no floor: nothing is served" '^(image|active|memfd)' out
	stop_rig
	head -c 65536 /dev/zero >floor
	rig
	says "damaged floor: an error" 'event=floor-missing'
	"$TOOL" trust init --floor floor >/dev/null
	says "floor made while it runs" '^active 1$'
}

serving()
{
	clear_store
	place debian 5
	rig
	says "a good image is served" '^active 1$'
	says "and that no other is coming" '^looked 1$'
	says "with its loader" '^boot 1 x64 loader=snponly.efi templates=7$'
	says "and without one" '^boot 1 bios loader= templates=7$'
	same "files" 6 "$(grep -ac '^file 1 ' out)"
	same "one memfd for the large file, one for the small ones" 2 "$(grep -ac '^memfd' out)"
	echo "save 1 boot/linux $RUN/saved" >&3
	says "saved" '^saved'
	check "the bytes are the file's" cmp saved linux
	echo "render 1 0 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 - role=web" >&3
	says "iPXE script" '^kernel http://10.0.0.1/debian/boot/linux .* role=web$'
	echo "render 1 1 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 0 - role=web" >&3
	says "grub.cfg" '^linux /debian/boot/linux console=ttyS0 role=web$'
	echo "render 1 2 bios 52:54:00:12:34:56 10.0.0.5 10.0.0.1 0 - role=web" >&3
	says "pxelinux.cfg" '^KERNEL ::/debian/boot/linux$'
	echo "render 1 0 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 -" >&3
	says "a parameter that is not set" \
		'event=render-failed image=debian .*line=3 .*param.role.: this parameter is not'
	echo "render 1 0 arm64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 -" >&3
	echo "render 9 0 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 -" >&3
	echo "render 1 0 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 - role=a;b" >&3
	says "what cannot be rendered is answered" '^answer 7 no'
	says_count "with no" 4 '^answer [0-9]+ no'
}

changed_on_disk()
{
	echo "changed" | dd of=store/debian/5/boot/linux conv=notrunc status=none
	sleep 2.5
	echo "save 1 boot/linux $RUN/saved" >&3
	wait_for 20 cmp saved linux
	check "a file changed on disk: the signed bytes are served" cmp saved linux
	matches_not "and the image stays" '^retire' out
}

new_broker()
{
	local before after

	before=$(grep -Ea '^(memfd [12]|image|file|boot|active) [0-9]' out)
	echo gone >&3
	says "broker gone" '^cleared$'
	wait_for 20 has_lines 2 '^active 1$'
	after=$(sed -n '/^cleared/,$p' out | grep -Ea '^(memfd|image|file|boot|active) [0-9]')
	same "a new broker is told the same" "$before" "$after"
	says_count "after a reset" 2 '^reset 1$'
}

upgrade()
{
	place debian 6
	says "a newer version" '^active 2$'
	says "replaces the older" '^retire 1$'
	says "whose memory is dropped" '^drop 2$'
	matches_not "the kernel that both hold is shared" '^drop 1$' out
	echo "save 2 boot/initrd.gz $RUN/saved" >&3
	wait_for 20 grep -q '^initrd of' saved
	same "its own file" "initrd of debian-6" "$(cat saved)"
	place debian 4
	sleep 2.5
	matches_not "an older one beside it does not matter" 'image=debian version=4' out
	rig
	says "after a restart the newest is served" 'event=image-served image=debian version=6'
	rm -rf store/debian/6
	says "removed" 'event=image-retired image=debian version=6 .*removed'
	says "rollback is refused" \
		'event=image-refused image=debian version=5 .*rolled back: version 6 has been'
	says "each older one" 'event=image-refused image=debian version=4 .*rolled back'
	matches_not "and not served" 'image-served image=debian version=[45]' out
	image debian 6
	place debian 6
	says "the same version with another manifest" \
		'image=debian version=6 .*has been served with another manifest'
}

# bad NAME: a fresh version 5 in the store to be damaged before the start
damage()
{
	clear_store
	place debian 4
	place debian 5
}

# refused NAME FILE WHY: version 5 is refused for that, version 4 is served instead
refused()
{
	rig
	says "$1" "event=image-refused image=debian version=5 file=$2 why=\"$3"
	says "$1: the good one is served" 'event=image-served image=debian version=4'
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

refusals()
{
	local d=store/debian/5

	damage
	flip $d/boot/linux 2999999
	refused "flipped bit in a file" boot/linux 'its SHA-256 is not'
	damage
	flip $d/boot/initrd.gz 3
	refused "flipped bit in a packed file" boot/initrd.gz 'its SHA-256 is not'
	damage
	flip $d/manifest 30
	refused "flipped bit in the manifest" manifest 'the signature by key [0-9A-F]* does not'
	damage
	flip $d/manifest.minisig 100
	refused "flipped bit in the signature" 'manifest(.minisig)?' ''
	damage
	rm $d/manifest.minisig
	refused "no signature" manifest.minisig 'does not exist'
	damage
	echo >>$d/boot/linux
	refused "longer file" boot/linux 'its size is not'
	damage
	rm $d/snponly.efi
	refused "missing file" snponly.efi 'does not exist'
	damage
	mv $d/boot/linux $d/real
	ln -s ../real $d/boot/linux
	refused "symlink" boot/linux 'is a symbolic link'
	damage
	mv $d/boot $d/real
	ln -s real $d/boot
	refused "symlink to a folder" 'boot/(linux|initrd.gz)' 'is a symbolic link, or lies'
	damage
	rm $d/boot/linux
	mkfifo $d/boot/linux
	refused "FIFO" boot/linux 'is not a regular file'
	damage
	rm $d/boot/linux
	mknod $d/boot/linux c 1 5
	refused "device" boot/linux '(is not a regular file|is a socket, FIFO or device|could not)'
	damage
	rm $d/boot/linux
	mkdir $d/boot/linux
	refused "folder" boot/linux 'is not a regular file'
	damage
	chmod 600 $d/boot/linux
	refused "unreadable" boot/linux 'may not be read'
}

wrong_signers()
{
	damage
	KEY=other.key image debian 5
	rm -rf store/debian/5
	place debian 5
	refused "a key for other images" manifest.minisig 'key [0-9A-F]* may not sign this image'
	"$TOOL" key generate -W -p third.pub -s third.key >/dev/null
	KEY=third.key image debian 5
	rm -rf store/debian/5
	place debian 5
	says "signed anew by an unknown key: tried again" 'why="key [0-9A-F]* is not in the keyring'
	image debian 5
	rm -rf store/debian/5
	place debian 5
	says "signed anew by a good key: served" 'event=image-served image=debian version=5'
	damage
	mv store/debian/5 store/debian/7
	rig
	says "another version's folder" 'version=7 file=manifest why="it names version 5'
	mv store/debian store/ubuntu
	says "another image's folder" 'image=ubuntu version=7 file=manifest why="it names image deb'
	says "served ones that went are retired" 'event=image-retired image=debian version=4'
}

signed_nonsense()
{
	clear_store
	image debian 5
	echo 'x' >>debian-5/manifest
	minisign -S -W -s own.key -m debian-5/manifest >/dev/null
	place debian 5
	image good 1
	place good 1
	rig
	says "signed but malformed" \
		'image=debian version=5 file=manifest why="line [0-9]+, column 1: expected nothing'
	says "the other image is served" 'event=image-served image=good'
	mkdir store/UPPER store/good/latest
	: >store/stray
	says "a name that is none" 'event=store-name image=- name=(UPPER|stray)'
	says "a version that is none" 'event=store-name image=good name=latest'
}

expiry()
{
	clear_store
	image debian 5 --created 2020-01-01T00:00:00Z --expires 30
	place debian 5
	image soon 1 --created "$(date -u -d '-1 day +8 seconds' +%FT%TZ)" --expires 1
	place soon 1
	image weeks 1 --expires 20
	place weeks 1
	rig
	says "expired" 'image=debian version=5 file=manifest why="expired on 2020-01-31T00'
	says "still good for seconds" 'event=image-served image=soon'
	says "warning a day before" 'event=image-expires image=soon version=1 hours=0'
	says "warning 30 days before" 'event=image-expires image=weeks version=1 hours=479'
	says "retired when it expires" 'event=image-retired image=soon .*has expired' 15
	says_count "each warning once" 2 'event=image-expires'
	image debian 5
	rm -rf store/debian/5
	place debian 5
	says "renewed" 'event=image-served image=debian version=5'
}

# The operator's own wish (boot { expired serve; }): served, and said.
expired_on_purpose()
{
	clear_store
	image debian 7 --created 2020-01-01T00:00:00Z --expires 30
	place debian 7
	export SERVE_EXPIRED=1
	rig
	unset SERVE_EXPIRED
	says "expired and wanted" 'event=image-served image=debian version=7'
	says "and warned of" 'event=image-expired image=debian version=7 served=yes'
	stop_rig
	rig
	says "expired and not wanted" 'image=debian version=7 file=manifest why="expired on'
}

# number KIND SIZE: of the first object told so
number()
{
	sed -n "s/^$1 \([0-9]*\) $2\$/\1/p" out | head -n 1
}

# Two images of one large file each, and room for one of these.
memory()
{
	local hot cold

	clear_store
	place debian 5
	image big 1
	head -c 3000001 /dev/urandom >big-1/boot/linux
	"$TOOL" create --name big --version 1 --arch x64 --kernel boot/linux big-1 >/dev/null
	"$TOOL" sign -s own.key big-1 >/dev/null
	place big 1
	rig 5000000
	says "over the budget: both are served" '^active 2$'
	hot=$(number memfd 3000001)
	cold=$(number object 3000000)
	same "one has memory for its large file, the other has not" "1 1" \
		"$(grep -Ec "^memfd $hot " out) $(grep -Ec "^object $cold " out)"
	for round in 1 2; do
		echo "fetch $cold" >&3
		says_again "asked for ($round): the other leaves" "$round" "^evict $hot\$"
		says_again "asked for ($round): it is there" "$round" "^fetched $cold yes\$"
		echo "save 2 boot/linux $RUN/saved" >&3
		wait_for 3 cmp -s saved linux
		check "asked for ($round): its bytes" cmp saved linux
		echo "fetch $hot" >&3
		says_again "and back ($round)" "$round" "^fetched $hot yes\$"
		echo "save 1 boot/linux $RUN/saved" >&3
		wait_for 3 cmp -s saved big-1/boot/linux
		check "and back ($round): its bytes" cmp saved big-1/boot/linux
	done
	says "all is counted" \
		'^memory budget 5000000 bytes 300[0-9]* leaving 0 objects 4 .* fetches 4 failures 0 evictions [0-9]+$'
	echo "fetch $hot" >&3
	says_again "what is there is answered at once" 3 "^fetched $hot yes\$"
	echo "fetch 4000000" >&3
	echo "used 4000000" >&3
	echo "free $hot" >&3
	image large 1
	head -c 5000001 /dev/urandom >large-1/boot/linux
	"$TOOL" create --name large --version 1 --arch x64 --kernel boot/linux large-1 >/dev/null
	"$TOOL" sign -s own.key large-1 >/dev/null
	place large 1
	says "larger than the budget: both numbers" \
		'image=large version=1 file=boot/linux why="needs 5000001 bytes of memory, all images together have 5000000'
	changed_while_cold "$cold"
	held_for_long "$hot"
}

# The file of a cold object is no longer what was signed.
changed_while_cold()
{
	flip store/debian/5/boot/linux 1500000
	echo "fetch $1" >&3
	says "changed while cold: an alarm" \
		'event=image-taken-out image=debian version=5 file=boot/linux why="its SHA-256'
	says "changed while cold: not served" "^fetched $1 no\$"
	says "changed while cold: the image is out" '^retire 2$'
	says "with all its objects" "^drop $1\$"
	flip store/debian/5/boot/linux 1500000
	sleep 2.5
	says_count "and stays out" 1 'event=image-served image=debian'
	image debian 6
	place debian 6
	says "until there is a new one" 'event=image-served image=debian version=6'
}

# A broker, or what it serves, holds on to what it was to give back: it counts for a while.
held_for_long()
{
	local held before

	says "the new one is told" '^active 3$'
	held=$(sed -n 's/^memfd \([0-9]*\) 3000000$/\1/p' out | tail -n 1)
	before=$(grep -Eac "^fetched $1 yes\$" out)
	echo keep >&3
	echo "fetch $1" >&3
	says "held: asked for" "^evict $held\$"
	sleep 3
	says_count "held: nothing is loaded beyond the budget" "$before" "^fetched $1 yes\$"
	says_again "held for long: it counts no more" $((before + 1)) "^fetched $1 yes\$"
	says "and is counted apart" '^memory budget 5000000 bytes 300[0-9]* leaving 3000000 '
	echo "free $held" >&3
	says_again "freed at last" 1 '^memory budget 5000000 bytes 300[0-9]* leaving 0 .* evictions [6-9]$'
}

slow_broker()
{
	clear_store
	image many 1
	for i in $(seq 3000); do
		echo "$i" >"many-1/f$i"
	done
	"$TOOL" create --name many --version 1 --arch x64 --kernel boot/linux many-1 >/dev/null
	"$TOOL" sign -s own.key many-1 >/dev/null
	rig
	echo stall >&3
	place many 1
	says "served while the broker reads nothing" 'event=image-served image=many'
	sleep 1
	matches_not "not told yet" '^active' out
	echo go >&3
	says "told when it reads on" '^active 1$'
	echo "save 1 f2999 $RUN/saved" >&3
	wait_for 20 grep -qx 2999 saved
	same "the right bytes in a pack" 2999 "$(cat saved)"
	echo stall >&3
	echo gone >&3
	says "gone in the middle" '^cleared'
	echo go >&3
	wait_for 20 has_lines 2 '^active 1$'
	says_count "told twice in all" 2 '^active 1$'
}

# A kernel of 300 MB is hashed while scripts are rendered; then an image that holds nothing
# but what another one holds already.
large()
{
	local start

	clear_store
	place debian 5
	mkdir -p huge-1
	truncate -s 300M huge-1/linux
	printf end | dd of=huge-1/linux bs=1 seek=314572797 conv=notrunc status=none
	"$TOOL" create --name huge --version 1 --arch x64 --kernel linux --no-templates \
		huge-1 >/dev/null
	"$TOOL" sign -s own.key huge-1 >/dev/null
	cp -a huge-1 twin-1
	"$TOOL" create --name twin --version 1 --arch x64 --kernel linux --no-templates \
		twin-1 >/dev/null
	"$TOOL" sign -s own.key twin-1 >/dev/null
	rig 330000000
	says "the small one is served" '^active 1$'
	place huge 1
	says "the large one is loading" 'event=image-loading image=huge'
	start=${EPOCHREALTIME/./}
	echo "render 1 0 x64 52:54:00:12:34:56 10.0.0.5 10.0.0.1 80 - role=web" >&3
	wait_for 3 grep -q '^answer 1' out
	less "milliseconds for a script meanwhile" $(((${EPOCHREALTIME/./} - start) / 1000)) 1000
	matches_not "while it was still loading" 'image-served image=huge' out
	says "the large one is served" 'event=image-served image=huge' 30
	place twin 1
	says "its twin needs no memory of its own" 'event=image-served image=twin .*memory=3[01]7'
	rm -rf huge-1 twin-1 store/huge
	says "and stays when the other goes" '^retire 2$'
	sleep 1
	matches_not "with the memory of both" '^drop 3$' out
	rm -rf store/twin
	says "until it goes too" '^drop 3$'
}

# Killed at any moment, the floor is whole and the next one serves.
killed()
{
	local i

	clear_store
	place debian 4
	for i in 0.02 0.05 0.1 0.15 0.2 0.3 2.1 2.2; do
		rig
		sleep "$i"
		echo kill >&3
		wait "$RIG"
		RIG=
		exec 3>&-
		"$TOOL" trust show --floor floor >floor.txt 2>&1 || not_ok "floor after a kill" "$i s"
		[ "$i" != 0.2 ] || place debian 5
	done
	rig
	says "after kills: served" 'event=image-served image=debian version=5'
	matches "after kills: the floor" '^debian.5$' "$("$TOOL" trust show --floor floor)"
}

bad_keyring()
{
	stop_rig
	echo "key nonsense *" >keyring.bad
	"$TESTBIN/verifierrig" "$BIN/verifier" store keyring.bad floor 1000000 \
		< <(sleep 2) >out 2>&1
	says "a bad keyring stops the start" 'event=keyring-malformed line=1 column=5'
	says "with code 78" '^ended exit 78'
}

prepare
no_floor
serving
changed_on_disk
new_broker
upgrade
refusals
wrong_signers
signed_nonsense
expiry
expired_on_purpose
memory
slow_broker
large
killed
bad_keyring
