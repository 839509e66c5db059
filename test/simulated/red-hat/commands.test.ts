import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freshWorld, guestsThatRun } from './world.ts';

test.each([
  ['truncate -s 1M /root/x', 127, 'sh: truncate: command not found\n'],
  ['systemctl start cman', 127, 'sh: systemctl: command not found\n'],
  ['virsh list', 127, 'sh: virsh: command not found\n'],
  ['xl list', 127, 'sh: xl: command not found\n'],
  ['apt-get update', 127, 'sh: apt-get: command not found\n'],
  ['timeout 5 true', 127, 'sh: timeout: command not found\n'],
  ['ccs_config_validate', 127, 'sh: ccs_config_validate: command not found\n'], // cman 3.x
  ['cp --reflink=auto a b', 1, "cp: unrecognized option `--reflink=auto'\nTry `cp --help' for more information.\n"],
  ['mv -n a b', 1, "mv: invalid option -- n\nTry `mv --help' for more information.\n"],
  ['losetup -j /x', 1, "losetup: invalid option -- j\nTry `losetup --help' for more information.\n"],
  ['ip -o link show type bridge', 255, 'Error: either "dev" is duplicate, or "bridge" is a garbage.\n'],
  ['ssh-keygen -q -t ed25519 -f /root/k', 1, 'unknown key type ed25519\n'],
  ['which nosuch', 1, '/usr/bin/which: no nosuch in (/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin)\n'],
  ['service nosuch start', 1, 'nosuch: unrecognized service\n'],
  ['chkconfig --list nosuch', 1, 'error reading information on service nosuch: No such file or directory\n'],
  ['killall fence_xvmd', 1, 'fence_xvmd: no process killed\n'],
  ['pidof fence_xvmd', 1, ''],
  ['kill -INT 4711', 1, 'kill: (4711) - No such process\n'],
])('%s', async (line, code, stderr) => {
  const { sh } = await freshWorld();
  expect(await sh('dom0', line)).toMatchObject({ code, stderr });
});

test('a dom0 of RHEL 5.1', async () => {
  const { sh, hosts } = await freshWorld({ without: ['attr'] });
  expect((await sh('dom0', 'uname -n')).stdout).toBe('ayanami\n');
  expect((await sh('dom0', 'uname -r')).stdout).toBe('2.6.18-53.el5xen\n');
  expect((await sh('dom0', 'cat /etc/redhat-release')).stdout).toBe(
    'Red Hat Enterprise Linux Server release 5.1 (Tikanga)\n',
  );
  expect(await sh('dom0', 'rpm -q xen attr cman')).toEqual({
    code: 1,
    stdout: 'xen-3.0.3-41.el5\npackage attr is not installed\ncman-2.0.98-1.el5\n',
    stderr: '',
  });
  expect(await sh('dom0', 'getfattr -n user.x /etc')).toMatchObject({ code: 127 });
  const addresses = (await sh('dom0', 'ip -o -4 address show')).stdout;
  expect(addresses).toMatch(/^\d+: eth0 +inet 192\.168\.77\.1\/24 /m);
  expect(addresses).not.toContain('xenbr0');
  expect(await hosts.host('dom0').stat('/sys/class/net/xenbr0/bridge/multicast_snooping')).toBeUndefined();
  expect(await hosts.host('dom0').stat('/sys/class/net/xenbr0/bridge')).toMatchObject({ kind: 'directory' });
});

test('chkconfig: links in /etc/rc.d, here and in a chroot', async () => {
  const { sh, hosts } = await guestsThatRun();
  expect((await sh('dom0', 'chkconfig --list cman')).stdout).toBe(
    'cman           \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n',
  );
  expect(await hosts.host('dom0').list('/etc/rc3.d')).toContain('S21cman');
  await sh('dom0', 'chkconfig cman off');
  expect(await hosts.host('dom0').list('/etc/rc3.d')).toContain('K79cman');
  await sh('dom0', 'mount -o loop,offset=32256 /guests/default.img /mnt');
  expect((await sh('dom0', 'chroot /mnt /sbin/chkconfig --list qdiskd')).stdout).toContain('3:on');
  const script = "'for s in cman nosuch qdiskd; do [ ! -e /etc/init.d/$s ] || chkconfig $s off; done'";
  expect(await sh('dom0', `chroot /mnt sh -c ${script}`)).toMatchObject({ code: 0 });
  for (const name of ['cman', 'qdiskd'])
    expect((await sh('dom0', `chroot /mnt chkconfig --list ${name}`)).stdout).not.toContain('on');
  expect((await sh('dom0', 'chroot /mnt chkconfig --list clvmd')).stdout).toContain('3:on');
  expect(await sh('dom0', `chroot /mnt sh -c 'rm -rf /'`)).toMatchObject({ code: 2 });
});

test('mv -i asks, and nobody answers', async () => {
  const { sh } = await freshWorld();
  await sh('dom0', 'touch /root/a');
  await sh('dom0', 'touch /root/b');
  expect(await sh('dom0', 'mv -i /root/a /root/b')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'test -e /root/a')).toMatchObject({ code: 0 });
});

test('a guest: its name, its card, its rpms', async () => {
  const { sh } = await guestsThatRun();
  expect((await sh('molly', 'uname -n')).stdout).toBe('molly\n');
  expect((await sh('molly', 'ip -o -4 address show')).stdout).toContain('eth0    inet 192.168.77.11/24');
  expect(await sh('molly', 'rpm -q cman rgmanager gfs2-utils lvm2-cluster')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'test -e /var/lock/subsys/local')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'service network status')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'service rgmanager status')).toEqual({
    code: 3,
    stdout: 'clurgmgrd is stopped\n',
    stderr: '',
  });
});

test.each([
  [
    'ifcfg-eth0 has the MAC of the default image',
    'etc/sysconfig/network-scripts/ifcfg-eth0',
    /HWADDR=.*/,
    'HWADDR=00:16:3E:00:CF:FD',
  ],
  ['it asks for an address, and nobody gives one', 'etc/sysconfig/network-scripts/ifcfg-eth0', /static/, 'dhcp'],
  [
    'udev knows another card as eth0',
    'etc/udev/rules.d/70-persistent-net.rules',
    /00:16:3e:00:cf:fe/,
    '00:16:3e:00:cf:fd',
  ],
])('a guest cannot be reached when %s', async (_, path, from, to) => {
  const { sh, at, hosts } = await guestsThatRun();
  const text = String(await hosts.host('molly').readFile(`/${path}`));
  expect(text).toMatch(from);
  writeFileSync(at('molly', path), text.replace(from, to));
  await sh('dom0', 'xm destroy molly');
  await sh('dom0', 'xm create /etc/xen/molly');
  await new Promise((wake) => setTimeout(wake, 80));
  expect(await sh('molly', 'true')).toMatchObject({ code: 255, stderr: expect.stringContaining('No route to host') });
});

test('the services that need a cluster fail without one', async () => {
  const { sh } = await guestsThatRun();
  for (const name of ['rgmanager', 'clvmd', 'qdiskd'])
    expect(await sh('molly', `service ${name} start`)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('[FAILED]'),
    });
  expect(await sh('molly', 'cman_tool status')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'cman_tool: Cannot open connection to cman, is it running ?\n',
  });
  expect(await sh('molly', 'clustat')).toMatchObject({
    code: 1,
    stderr: 'Could not connect to CMAN: Connection refused\n',
  });
});
