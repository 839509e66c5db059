import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freshWorld, labThatIsUp } from './world.ts';

test.each([
  ['nosuch --version', 127, 'sh: 1: nosuch: not found\n'],
  ['mmdebstrap bookworm /x', 127, 'sh: 1: mmdebstrap: not found\n'], // known, and not installed yet
  ['rm -z /etc', 1, "rm: invalid option -- 'z'\nTry 'rm --help' for more information.\n"],
  ['cp --nosuch=1 a b', 1, "cp: unrecognized option '--nosuch=1'\nTry 'cp --help' for more information.\n"],
  ['cp /etc/nosuch /tmp/x', 1, "cp: cannot stat '/etc/nosuch': No such file or directory\n"],
  ['mkdir /etc', 1, 'mkdir: cannot create directory ‘/etc’: File exists\n'],
  ['rm /etc', 1, "rm: cannot remove '/etc': Is a directory\n"],
  ['df -P -B1 /guests', 1, 'df: /guests: No such file or directory\n'],
  ['systemctl start nosuch', 5, 'Failed to start nosuch.service: Unit nosuch.service not found.\n'],
  ['systemctl is-enabled nosuch', 1, 'Failed to get unit file state for nosuch.service: No such file or directory\n'],
  ['ip -o link show dev xenbr9', 1, 'Device "xenbr9" does not exist.\n'],
  ['umount /mnt', 32, 'umount: /mnt: not mounted.\n'],
  ['apt-get install --yes nosuchpackage', 100, 'E: Unable to locate package nosuchpackage\n'],
])('%s', async (line, code, stderr) => {
  const { sh } = await freshWorld();
  expect(await sh('dom0', line)).toMatchObject({ code, stderr });
});

test('a fresh dom0 lacks tools until they are installed', async () => {
  const { sh } = await freshWorld();
  const query = `dpkg-query -W -f $\{Package}\\n attr xen-system-amd64`;
  expect(await sh('dom0', query)).toEqual({
    code: 1,
    stdout: 'xen-system-amd64\n',
    stderr: 'dpkg-query: no packages found matching attr\n',
  });
  expect(await sh('dom0', 'getfattr -n user.x /etc')).toMatchObject({ code: 127 });
  await sh('dom0', 'env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends attr fence-virtd');
  expect(await sh('dom0', 'getfattr -n user.x /etc')).toMatchObject({
    code: 1,
    stderr: '/etc: user.x: No such attribute\n',
  });
  expect(await sh('dom0', 'systemctl is-enabled fence_virtd')).toMatchObject({ code: 1, stdout: 'disabled\n' });
});

test('marks go with their file, and with it they go', async () => {
  const { sh } = await freshWorld();
  await sh('dom0', 'apt-get install --yes attr');
  const mark = async (path: string) =>
    (await sh('dom0', `getfattr --only-values --absolute-names -n user.cluster-lab ${path}`)).stdout;
  await sh('dom0', 'touch /root/a');
  await sh('dom0', 'setfattr -n user.cluster-lab -v lolcats /root/a');
  await sh('dom0', 'mv -n /root/a /root/b');
  expect([await mark('/root/a'), await mark('/root/b')]).toEqual(['', 'lolcats']);
  await sh('dom0', 'rm /root/b');
  await sh('dom0', 'touch /root/b');
  expect(await mark('/root/b')).toBe('');
});

test('images: a clone has its files, an empty one has none, and none is attached twice', async () => {
  const { sh, hosts, at } = await labThatIsUp();
  await sh('dom0', 'cp --reflink=auto --sparse=always /guests/default.img /guests/spare.img');
  const disk = hosts.host('dom0').disk('/guests/spare.img');
  expect(String(await disk.readFile('/etc/debian_version'))).toBe('12.12\n');
  expect(await disk.stat('/etc/nosuch')).toBeUndefined();
  expect(await hosts.host('dom0').disk('/guests/quorum.dsk').readFile('/etc/hostname')).toBeUndefined();
  await sh('dom0', 'truncate -s 10M /guests/empty.dsk');
  await sh('dom0', 'mkdir -p /mnt/a');
  await sh('dom0', 'mkdir -p /mnt/b');
  expect(await sh('dom0', 'mount -o loop /guests/empty.dsk /mnt/a')).toMatchObject({
    code: 32,
    stderr: expect.stringContaining('wrong fs type'),
  });
  expect(await sh('dom0', 'mount -o loop /guests/molly.img /mnt/a')).toMatchObject({ code: 32 });
  expect(await sh('dom0', 'mount -o loop /guests/spare.img /mnt/a')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'mount -o loop /guests/spare.img /mnt/b')).toMatchObject({ code: 32 });
  expect(String(await hosts.host('dom0').readFile('/proc/mounts'))).toContain(
    '/dev/loop0 /mnt/a ext4 rw,relatime 0 0\n',
  );
  expect((await sh('dom0', 'losetup -j /guests/spare.img')).stdout).toMatch(
    /^\/dev\/loop0: \[65040\]:\d+ \(\/guests\/spare.img\)\n$/,
  );
  await hosts.host('dom0').writeFile('/mnt/a/etc/motd', Buffer.from('hello\n'), 0o640);
  await sh('dom0', 'umount /mnt/a');
  expect(await hosts.host('dom0').readFile('/mnt/a/etc/motd')).toBeUndefined();
  expect(await disk.stat('/etc/motd')).toMatchObject({ mode: 0o640, size: 6, uid: 0 });
  await sh('dom0', 'mv -T /guests/spare.img /guests/other.img');
  expect(readFileSync(at('images', 'guests/other.img/etc/motd'), 'utf8')).toBe('hello\n');
  await sh('dom0', 'rm -f /guests/other.img');
  expect(() => statSync(at('images', 'guests/other.img'))).toThrow();
});

test.each([
  ['too long', 'x'.repeat(300)],
  ['with a NUL', 'a\0b'],
])('what is %s for a name is not there', async (_, name) => {
  const dom0 = (await freshWorld()).hosts.host('dom0');
  expect([await dom0.stat(`/etc/${name}`), await dom0.readFile(`/etc/${name}`)]).toEqual([undefined, undefined]);
});

test('a link inside a tree never leads out of it', async () => {
  const { hosts, at, sh } = await labThatIsUp();
  const wants = '/etc/systemd/system/multi-user.target.wants/ssh.service';
  expect(String(await hosts.host('molly').readFile(wants))).toContain('OpenBSD Secure Shell server');
  const { symlinkSync } = await import('node:fs');
  symlinkSync('/etc/passwd', at('molly', 'root/passwd'));
  symlinkSync('../../../../../../../../etc/passwd', at('molly', 'root/passwd2'));
  for (const path of ['/root/passwd', '/root/passwd2'])
    expect(await hosts.host('molly').readFile(path)).toBeUndefined();
  expect(await sh('molly', 'cat /root/passwd')).toMatchObject({ code: 1 });
});

test('xl: the document’s disk access is refused, and what it makes is unknown to libvirt', async () => {
  const { sh, at } = await labThatIsUp();
  const file = (access: string) =>
    `name = "felix"\nmemory = 128\nbootloader = "pygrub"\ndisk = [ "file:/guests/default.img,xvda,${access}" ]\nvif = [ "mac=00:16:3e:00:aa:01,bridge=xenbr0" ]\n`;
  writeFileSync(at('dom0', 'etc/xen/felix'), file('w!'));
  expect(await sh('dom0', 'xl create /etc/xen/felix')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("config parsing error in disk specification: unknown value for access: near `w!'"),
  });
  writeFileSync(at('dom0', 'etc/xen/felix'), file('w'));
  expect(await sh('dom0', 'xl create /etc/xen/felix')).toMatchObject({ code: 0 });
  expect(await sh('dom0', 'xl create /etc/xen/felix')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('Domain with name "felix" already exists'),
  });
  expect((await sh('dom0', 'xl list')).stdout).toMatch(/^felix +3 +128 +1 +-b---- +31\.0$/m);
  expect(await sh('dom0', 'virsh domstate felix')).toEqual({
    code: 1,
    stdout: '\n',
    stderr: "error: failed to get domain 'felix'\n",
  });
  expect((await sh('dom0', 'fence_xvm -o list')).stdout).not.toContain('felix');
  expect(await sh('dom0', 'fence_xvm -H felix -o status')).toMatchObject({ code: 3, stdout: 'Permission denied\n' });
});

test('a Reader refuses what is not known to only look, and reading writes nothing', async () => {
  const { hosts, at } = await labThatIsUp();
  const before = readFileSync(at('', 'state.json'));
  await expect(hosts.host('dom0').read(['rm', '/etc/hostname'])).rejects.toThrow('refused by the reader');
  await Promise.all([
    hosts.host('molly').read(['fence_xvm', '-o', 'list']),
    hosts.host('molly').read(['crm_mon', '-1']),
  ]);
  expect(readFileSync(at('', 'state.json'))).toEqual(before);
});

test('whoever looks after a command sees what it did, also together with those who began to look before it', async () => {
  const { hosts } = await labThatIsUp();
  const [dom0, local] = [hosts.host('dom0'), hosts.host('local')];
  const others: Promise<unknown>[] = [];
  const after = new Promise((resolve, reject) => {
    setImmediate(() => {
      const made = dom0.run(['setfattr', '-n', 'user.x', '-v', 'made', '/etc']);
      others.push(dom0.stat('/etc'));
      made.then(() => dom0.read(['getfattr', '--only-values', '-n', 'user.x', '/etc'])).then(resolve, reject);
    });
  });
  // Somebody opens the world in the turn in which the command is sent.
  others.push(local.stat('/'));
  expect(await after).toMatchObject({ code: 0, stdout: 'made' });
  await Promise.all(others);
});
