import { closeSync, openSync, writeSync } from 'node:fs';
import { sha256 } from '../bytes.ts';
import { freeMemory, powerOn } from '../boot.ts';
import { fail, getopt, type Handler, ok } from '../call.ts';
import { domainWith } from '../disks.ts';
import { rpmVersion } from './rpms.ts';
import { writeInstalled } from './installed.ts';
import { xmlOf } from './xm-config.ts';

const valued = ['--name', '--ram', '--file', '--bridge', '--mac', '--location', '--extra-args', '--vcpus', '--uuid'];

/**
 * virt-install of python-virtinst 0.103, with an answer for each of the document's questions. It starts the installer and returns;
 * the domain ends by itself when that is done. What the location says decides what is installed: `lvm`, `6`, `fail` (it
 * breaks off without a kernel), `nothing` (not even a partition). Killed midway, the installer runs, and no domain file was written.
 */
export const virtInstall: Handler = ({ world, machine: { tree, state }, args, midway }) => {
  const options = getopt(
    args,
    ['--paravirt', '-p', '--nographics', '--noautoconsole', '--noreboot', '--force'],
    valued,
  );
  const [name, ram, file, location, bridge = 'xenbr0', mac = '00:16:3e:1a:b3:4c'] = [
    '--name',
    '--ram',
    '--file',
    '--location',
    '--bridge',
    '--mac',
  ].map((flag) => options.value(flag));
  // It asks for what it was not told, and there is no terminal.
  if (
    name === undefined ||
    ram === undefined ||
    file === undefined ||
    location === undefined ||
    !options.has('--noautoconsole')
  )
    return fail(1, 'Traceback (most recent call last):\nEOFError: EOF when reading a line');
  if (state.services.xend === undefined)
    return fail(1, 'libvir: Xen Daemon error : internal error failed to connect to xend');
  if (!/^(http|ftp|nfs):/.test(location))
    return fail(1, 'ERROR:  Invalid install location: must be an nfs, http or ftp URL');
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) return fail(1, 'ERROR:  Invalid MAC address');
  const size = tree.stat(file)?.size;
  if (size === undefined) return fail(1, `ERROR:  A size must be provided for non-existent disks: ${file}`);
  const refused = (why: string) =>
    fail(1, `libvir: Xen Daemon error : POST operation failed: (xend.err '${why}')`, '\n\nStarting install...\n');
  if (world.state.running[name]) return refused(`Domain \\'${name}\\' already exists`);
  if (domainWith(world, file) || world.state.loops.some(({ image }) => image === file))
    return refused(`Device 51712 (tap) could not be connected. ${file} is in use`);
  if (Number(ram) > freeMemory(world)) return refused("(12, \\'Cannot allocate memory\\')");
  if (!tree.has(`/sys/class/net/${bridge}/bridge`))
    return refused(`Device 0 (vif) could not be connected. Could not find bridge device ${bridge}`);
  const uuid = options.value('--uuid') ?? uuidOf(`${name} ${mac}`);
  const disk = { uname: `tap:aio:${file}`, path: file, dev: 'xvda', mode: 'w' };
  const cards = [{ mac: mac.toLowerCase(), bridge }];
  const lifecycle = { on_poweroff: 'destroy', on_reboot: 'destroy', on_crash: 'destroy' };
  const xml = xmlOf(
    { name, uuid, memory: Number(ram), vcpus: Number(options.value('--vcpus') ?? 1), bootloader: '' },
    [disk],
    cards,
  );
  touchDisk(tree.real(file));
  tree.touch(file);
  world.images.clear(file);
  if (!location.includes('nothing'))
    world.images.build(file, location.includes('lvm') ? 'lvm' : 'partition', (root) =>
      writeInstalled(root, {
        major: location.replaceAll(/x86_64|i[3-6]86/g, '').includes('6') ? 6 : 5,
        layout: location.includes('lvm') ? 'lvm' : 'partition',
        mac,
        breaksOff: location.includes('fail'),
        cman: rpmVersion(tree, 'cman'),
      }),
    );
  const until = Date.now() + (world.options.bootTime ?? 400);
  powerOn(world, name, { by: 'xm', xml, xm: { disks: [disk], cards, lifecycle }, installs: { image: file, until } });
  tree.write(
    `/var/log/xen/console/guest-${name}.log`,
    'Running anaconda, the Red Hat Enterprise Linux Server system installer - please wait...\n',
    0o640,
  );
  world.save();
  midway();
  tree.write(`/etc/xen/${name}`, domainFile({ name, uuid, ram, disk: file, mac: mac.toLowerCase(), bridge }));
  return ok(
    `\n\nStarting install...\nCreating domain...                                                 0 B 00:04\n${'Domain installation still in progress. You can reconnect to\nthe console to complete the installation process.\n'}`,
  );
};

/** As good as a random one, and the same in every simulation. */
function uuidOf(text: string): string {
  const hex = sha256(Buffer.from(text));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** It writes from its first minute on; not much, for the sake of whoever runs many simulations. */
function touchDisk(real: string): void {
  const file = openSync(real, 'r+');
  writeSync(file, Buffer.alloc(256 * 1024, 'installed '));
  closeSync(file);
}

/** As the document shows it (Creating virtual machines 5). */
function domainFile({
  name,
  uuid,
  ram,
  disk,
  mac,
  bridge,
}: {
  name: string;
  uuid: string;
  ram: string;
  disk: string;
  mac: string;
  bridge: string;
}): string {
  return `name = "${name}"
uuid = "${uuid}"
maxmem = ${ram}
memory = ${ram}
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
vfb = [  ]
disk = [ "tap:aio:${disk},xvda,w" ]
vif = [ "mac=${mac},bridge=${bridge}" ]
`;
}
