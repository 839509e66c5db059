/*
 * The seed disk (/dev/vdc, a tar) makes the common dom0 this lab's dom0. It is unpacked at one of two moments: over the root before
 * systemd starts, so that keys, host name, network and mounts are simply there; or, in a dom0 that was booted without a seed and
 * saved, when it is resumed with one.
 */

/** Size of the seed disk (bytes): always the same, because a dom0 that is resumed knows its disks from when it was saved. */
export const seedBytes = 1024 ** 2;

/** What a dom0 without a seed prints on its console when it has booted: the moment to save it. */
export const readyForSeed = 'cluster-lab: booted, and ready for a seed';

/** Says `ustar` (tar(5)) where there is a seed. Read past the cache, which in a saved dom0 is that of the disk it had then. */
const magic = 'dd if=/dev/vdc iflag=direct bs=512 count=1 status=none | tail -c +258 | head -c 5';
const unseeded = '/run/cluster-lab-unseeded';
const unpack = 'tar -xpf - -C / --no-overwrite-dir --warning=no-timestamp';

/** initramfs-tools(7), "init-bottom". */
const early = `#!/bin/sh
PREREQ="udev"
case $1 in prereqs) echo "$PREREQ"; exit 0 ;; esac
n=0
while [ ! -b "\${rootmnt}/dev/vdc" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
if [ "$(chroot "\${rootmnt}" /bin/sh -c '${magic}')" = ustar ]; then
	chroot "\${rootmnt}" /bin/sh -c '${unpack} < /dev/vdc'
else
	: > ${unseeded}
fi
`;

/**
 * After a resume it is later, and the random numbers are those that every dom0 saved here would draw: both are put right before
 * anything else, keys first of all. random(4): RNDRESEEDCRNG is 0x5207. Modules that every lab needs are loaded before it is saved,
 * and of the interfaces the seed's alone is new, and says all of itself: `ifup -a` would run all its scripts for all of them once more
 * (7 s without KVM; those for the bridge alone 1.7 s).
 */
const late = `#!/bin/sh
set -e
modprobe -a xfs bridge xen-netback
echo '${readyForSeed}' > /dev/console
until [ "$(${magic})" = ustar ]; do sleep 0.5; done
head -c 1024 /dev/hwrng > /dev/urandom
perl -e 'open(my $random, ">", "/dev/urandom") or die $!; ioctl($random, 0x5207, 0) or die $!'
date -u -s "@$(cat /sys/class/rtc/rtc0/since_epoch)"
dd if=/dev/vdc iflag=direct bs=64k status=none | ${unpack}
hostname -F /etc/hostname
blockdev --flushbufs /dev/vdb
mount -a
ifup --no-scripts $(sed -n 's/^auto //p' /etc/network/interfaces.d/bridge)
rm ${unseeded}
`;

const unit = `[Unit]
Description=Wait for the seed that makes this dom0 somebody's
ConditionPathExists=${unseeded}
After=networking.service xen.service libvirtd.service
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/cluster-lab-seed
[Install]
WantedBy=multi-user.target
`;

/** The unit that waits for a late seed. */
export const lateSeed = 'cluster-lab-seed.service';

/** What dom0's image needs for both. */
export const seedingFiles = [
  { path: '/etc/initramfs-tools/scripts/init-bottom/cluster-lab-seed', mode: 0o755, text: early },
  { path: '/usr/local/sbin/cluster-lab-seed', mode: 0o755, text: late },
  { path: `/etc/systemd/system/${lateSeed}`, mode: 0o644, text: unit },
] as const;
