import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rootOffset } from '../../../src/steps/image-root.ts';
import { aMoment, documentLab, freshWorld, install, openWorld } from './world.ts';

const od = (offset: number, image = '/guests/default.img') => `od -A n -t x1 -j ${offset + 1080} -N 2 ${image}`;

test('virt-install returns at once, and its domain ends by itself', async () => {
  const world = await freshWorld({}, documentLab(), 1000);
  const { sh, hosts, at } = world;
  const { code, stdout } = await install(world, 'http://ayanami.example/rhel5/os/x86_64');
  expect(code).toBe(0);
  expect(stdout).toContain(
    'Starting install...\nCreating domain...                                                 0 B 00:04\n',
  );
  expect((await sh('dom0', 'xm list Default')).stdout).toMatch(/^Default +1 +256 +1 -b----/m);
  expect((await sh('dom0', od(32_256))).stdout).not.toBe(' 53 ef\n');
  await aMoment(27);
  // Looks alone see it.
  expect((await hosts.host('dom0').read(['xm', 'list', 'Default'])).code).toBe(1);
  expect(
    (await hosts.host('dom0').read(['od', '-A', 'n', '-t', 'x1', '-j', '33336', '-N', '2', '/guests/default.img']))
      .stdout,
  ).toBe(' 53 ef\n');
  expect(readFileSync(at('dom0', 'etc/xen/Default'), 'utf8')).toMatch(
    /^name = "Default"\nuuid = "[0-9a-f-]{36}"\nmaxmem = 256\nmemory = 256\nvcpus = 1\nbootloader = "\/usr\/bin\/pygrub"\non_poweroff = "destroy"\non_reboot = "restart"\non_crash = "restart"\nvfb = \[ {2}\]\ndisk = \[ "tap:aio:\/guests\/default.img,xvda,w" \]\nvif = \[ "mac=00:16:3e:00:cf:fd,bridge=xenbr0" \]\n$/,
  );
});

test('one partition: sfdisk, od and mount agree, debugfs finds nothing', async () => {
  const world = await freshWorld();
  const { sh, hosts } = world;
  await install(world, 'http://ayanami.example/rhel5');
  await aMoment();
  const { stdout } = await sh('dom0', 'sfdisk -d /guests/default.img');
  expect(stdout).toMatch(/^# partition table of \/guests\/default.img\nunit: sectors\n\n/);
  expect(stdout).toMatch(/^\/guests\/default.img1 : start= {7}63, size= +\d+, Id=83, bootable$/m);
  expect(stdout).toContain('/guests/default.img4 : start=        0, size=        0, Id= 0\n');
  expect((await sh('dom0', od(0))).stdout).toBe(' 00 00\n');
  expect((await sh('dom0', od(32_256))).stdout).toBe(' 53 ef\n');
  expect((await sh('dom0', 'od -A n -t x1 -j 510 -N 2 /guests/default.img')).stdout).toBe(' 55 aa\n');
  expect(await rootOffset(hosts.host('dom0'), '/guests/default.img')).toBe(32_256);
  expect(await hosts.host('dom0').disk('/guests/default.img').readFile('/etc/redhat-release')).toBeUndefined();
  await sh('dom0', 'mkdir /mnt');
  for (const options of ['loop', 'loop,offset=512'])
    expect(await sh('dom0', `mount -o ${options} /guests/default.img /mnt`)).toMatchObject({
      code: 32,
      stderr: expect.stringContaining('wrong fs type'),
    });
  expect(await sh('dom0', 'mount -o loop,offset=32256 /guests/default.img /mnt')).toMatchObject({ code: 0 });
  expect((await sh('dom0', 'losetup -a')).stdout).toMatch(
    /^\/dev\/loop0: \[0802\]:\d+ \(\/guests\/default.img\), offset 32256\n$/,
  );
  expect((await sh('dom0', 'cat /mnt/etc/sysconfig/network-scripts/ifcfg-eth0')).stdout).toContain(
    'HWADDR=00:16:3E:00:CF:FD',
  );
  expect(String(await hosts.host('dom0').readFile('/proc/mounts'))).toContain(
    '/dev/loop0 /mnt ext3 rw,data=ordered 0 0\n',
  );
});

test('LVM: the text on the physical volume says where the root begins, and a clone is divided like its image', async () => {
  const world = await freshWorld();
  const { sh, hosts } = world;
  await install(world, 'http://ayanami.example/lvm');
  await aMoment();
  await sh('dom0', 'cp --sparse=always --remove-destination /guests/default.img /guests/molly.img');
  const table = (await sh('dom0', 'sfdisk -d /guests/molly.img')).stdout;
  expect(table).toMatch(
    /img1 : start= +63, size= +208782, Id=83, bootable\n.*img2 : start= +208845, size= +\d+, Id=8e\n/,
  );
  const volume = (await sh('dom0', 'dd if=/guests/molly.img bs=512 skip=208845 count=2048')).stdout;
  expect(volume).toContain('LABELONE');
  expect(volume).toContain('LogVol00 {');
  const offset = await rootOffset(hosts.host('dom0'), '/guests/molly.img');
  expect(offset).toBe((208_845 + 384) * 512);
  await sh('dom0', 'mkdir /mnt');
  expect(await sh('dom0', 'mount -o loop,offset=32256 /guests/molly.img /mnt')).toMatchObject({ code: 32 });
  expect(await sh('dom0', `mount -o loop,offset=${offset} /guests/molly.img /mnt`)).toMatchObject({ code: 0 });
});

test('an installation that breaks off has no kernel; one that never began has no partitions', async () => {
  const world = await freshWorld();
  const { sh } = world;
  await install(world, 'http://ayanami.example/fail');
  await aMoment();
  expect((await sh('dom0', 'xm create Default')).stderr).toBe("Error: Boot loader didn't return any data!\n");
  await install(world, 'http://ayanami.example/nothing');
  await aMoment();
  expect((await sh('dom0', 'sfdisk -d /guests/default.img')).stderr).toContain('unrecognized partition table type');
});

test('an installer that is destroyed leaves no file system', async () => {
  const world = await freshWorld({}, documentLab(), 5000);
  await install(world, 'http://ayanami.example/rhel5');
  await world.sh('dom0', 'xm destroy Default');
  expect((await world.sh('dom0', od(32_256))).stdout).not.toBe(' 53 ef\n');
  expect((await world.sh('dom0', 'sfdisk -d /guests/default.img')).stdout).toBe('');
});

test('virt-install killed midway: the installer runs, and no domain file is there', async () => {
  const world = await freshWorld();
  await world.sh('dom0', 'mkdir /guests');
  await world.sh('dom0', 'dd if=/dev/null of=/guests/default.img bs=1 count=0 seek=2147483648');
  const death = () => {
    throw new Error('killed');
  };
  const argv = [
    'virt-install',
    '--paravirt',
    '--name',
    'Default',
    '--ram',
    '256',
    '--file',
    '/guests/default.img',
    '--nographics',
    '--noautoconsole',
    '--location',
    'http://x/',
  ] as const;
  await expect(world.hosts.host('dom0').run(argv, { midway: death })).rejects.toThrow('killed');
  const after = openWorld(world.directory);
  expect(await after.sh('dom0', 'test -e /etc/xen/Default')).toMatchObject({ code: 1 });
  await aMoment();
  expect((await after.sh('dom0', od(32_256))).stdout).toBe(' 53 ef\n');
});

test.each([
  ['--location /nowhere', 'Invalid install location'],
  ['--location http://x/ --file /guests/nosuch.img', 'A size must be provided'],
  ['--location http://x/ --ram 99999', 'Cannot allocate memory'],
])('virt-install %s', async (more, stderr) => {
  const world = await freshWorld();
  await world.sh('dom0', 'mkdir /guests');
  await world.sh('dom0', 'dd if=/dev/null of=/guests/default.img bs=1 count=0 seek=1048576');
  const line =
    'virt-install --paravirt --name Default --ram 256 --file /guests/default.img --nographics --noautoconsole';
  expect(await world.sh('dom0', `${line} ${more}`)).toMatchObject({ code: 1, stderr: expect.stringContaining(stderr) });
});
