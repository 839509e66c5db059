import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { aMoment, clockStands, lab, labThatIsUp, openWorld, type TestWorld } from './world.ts';

const failed =
  "error: Failed to start domain 'frederick'\nerror: internal error: libxenlight failed to create new domain 'frederick'\n";

/** Frederick, off without a word to his cluster. */
async function withFrederickOff(): Promise<TestWorld> {
  const world = await labThatIsUp();
  await world.sh('frederick', 'systemctl stop corosync');
  await world.sh('dom0', 'virsh destroy frederick');
  return world;
}

test('virsh tells what a real one told', async () => {
  const { sh } = await withFrederickOff();
  expect(await sh('dom0', 'virsh list --all')).toMatchObject({
    stdout:
      ' Id   Name        State\n----------------------------\n 0    Domain-0    running\n 2    molly       running\n -    frederick   shut off\n\n'.replace(
        '2    molly',
        `${(await sh('dom0', 'virsh domid molly')).stdout.trim()}    molly`,
      ),
  });
  expect(await sh('dom0', 'virsh start molly')).toEqual({
    code: 1,
    stdout: '\n',
    stderr: 'error: Domain is already active\n',
  });
  expect(await sh('dom0', 'virsh destroy frederick')).toEqual({
    code: 1,
    stdout: '\n',
    stderr:
      "error: Failed to destroy domain 'frederick'\nerror: Requested operation is not valid: domain is not running\n",
  });
  expect(await sh('dom0', 'virsh undefine nosuch')).toMatchObject({
    code: 1,
    stderr: "error: failed to get domain 'nosuch'\n",
  });
  const xml = (await sh('dom0', 'virsh dumpxml --inactive molly')).stdout;
  expect(xml).toContain("<memory unit='KiB'>524288</memory>");
  expect(xml).toContain("<vcpu placement='static'>1</vcpu>");
  expect(xml).toContain("<controller type='xenbus' index='0'/>");
  expect(await sh('dom0', 'virsh define /dev/stdin', xml)).toMatchObject({
    code: 0,
    stdout: "Domain 'molly' defined from /dev/stdin\n\n",
  });
  expect((await sh('dom0', 'virsh dumpxml --inactive molly')).stdout).toBe(xml);
  const other = xml.replace(/<uuid>./, '<uuid>0');
  expect(await sh('dom0', 'virsh define /dev/stdin', other)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`operation failed: domain 'molly' already exists with uuid ${lab.guests[0]?.uuid}`),
  });
  expect(await sh('dom0', 'virsh define /dev/stdin', '<domain')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Failed to define domain from /dev/stdin'),
  });
  expect(await sh('dom0', 'virsh -c qemu:///system list')).toMatchObject({ code: 1 });
});

test('pygrub needs a boot menu with a kernel that is there; libxl needs every disk and the bridge', async () => {
  const world = await withFrederickOff();
  const { sh, at } = world;
  const start = () => sh('dom0', 'virsh start frederick');
  const menu = at('frederick', 'boot/grub/grub.cfg');
  const right = readFileSync(menu, 'utf8');
  writeFileSync(menu, right.replace('/boot/vmlinux', '/boot/nosuch'));
  expect(await start()).toMatchObject({ code: 1, stderr: failed });
  writeFileSync(menu, right);
  await sh('dom0', 'mv /guests/quorum.dsk /guests/away');
  expect(await start()).toMatchObject({ code: 1, stderr: failed });
  await sh('dom0', 'mv /guests/away /guests/quorum.dsk');
  await sh('dom0', 'mv /sys/class/net/xenbr0 /sys/class/net/xenbr1');
  expect(await start()).toMatchObject({ code: 1, stderr: failed });
  await sh('dom0', 'mv /sys/class/net/xenbr1 /sys/class/net/xenbr0');
  expect(await start()).toMatchObject({ code: 0, stdout: "Domain 'frederick' started\n\n" });
});

test('a guest boots in layers, and takes its time', async () => {
  const world = await withFrederickOff();
  // Long enough for a look at each layer, on a machine that does other things too.
  const slow = openWorld(world.directory, 2000);
  await slow.sh('dom0', 'virsh start frederick');
  const look = async () => {
    const ping = await slow.sh('dom0', 'ping -c 1 -W 2 192.168.77.12');
    const scan = await slow.sh('dom0', 'ssh-keyscan -T 3 -t ed25519 192.168.77.12');
    const state = await slow.sh('frederick', 'systemctl is-system-running');
    return `${ping.code} ${scan.code} ${state.code === 255 ? 'no login' : state.stdout.trim()}`;
  };
  const seen = new Set<string>();
  for (let n = 0; n < 400 && !seen.has('0 0 running'); n++) {
    seen.add(await look());
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect([...seen].at(0)).toBe('1 1 no login');
  expect([...seen].at(-1)).toBe('0 0 running');
  expect([...seen]).toContain('0 0 starting');
});

test('a guest that is off cannot be reached: looks say so, commands end with 255', async () => {
  const { hosts, sh } = await withFrederickOff();
  const words = 'ssh: connect to host 192.168.77.12 port 22: No route to host';
  const frederick = hosts.host('frederick');
  await expect(frederick.read(['uname', '-n'])).rejects.toMatchObject({
    name: 'Unreachable',
    message: `cannot reach frederick: ${words}`,
  });
  await expect(frederick.writeFile('/x', Buffer.from(''), 0o644)).rejects.toMatchObject({ name: 'CommandFailed' });
  expect(await sh('frederick', 'true')).toEqual({ code: 255, stdout: '', stderr: `${words}\n` });
  await expect(hosts.host('felix').read(['uname'])).rejects.toMatchObject({ name: 'NotYet' });
});

test.each([
  ['its network file is for another MAC', 'etc/systemd/network/10-cluster-lab.network', 'No route to host'],
  ['it has no key of ours', 'root/.ssh/authorized_keys', 'Permission denied (publickey).'],
  ['its host key is no key', 'etc/ssh/ssh_host_ed25519_key', 'Connection refused'],
])('it cannot be reached when %s', async (_, path, words) => {
  const { sh, at } = await labThatIsUp();
  writeFileSync(
    at('molly', path),
    readFileSync(at('molly', path), 'utf8')
      .replaceAll('00:16:3e', '00:16:3f')
      .replaceAll('AAAA', 'BBBB')
      .replaceAll('b3BlbnNzaC1rZXktdjE', ''),
  );
  expect(await sh('molly', 'true')).toMatchObject({ code: 255, stderr: expect.stringContaining(words) });
});

test('another host key than the pinned one is refused, and so is an unknown one', async () => {
  const { sh } = await labThatIsUp();
  await sh('molly', 'rm /etc/ssh/ssh_host_ed25519_key');
  expect(await sh('molly', 'true')).toMatchObject({ stderr: expect.stringContaining('Connection refused') });
  const world = await labThatIsUp();
  await world.sh('molly', 'rm /etc/ssh/ssh_host_ed25519_key.pub');
  await world.sh('molly', 'mv /etc/ssh/ssh_host_ed25519_key /etc/ssh/old');
  const known = world.at('dom0', 'var/lib/cluster-lab/lolcats/known_hosts');
  const right = await labThatIsUp();
  writeFileSync(known, readFileSync(known, 'utf8').replace('192.168.77.12 ', '192.168.77.13 '));
  expect(await world.sh('frederick', 'true')).toMatchObject({
    code: 255,
    stderr: expect.stringContaining('Host key verification failed.'),
  });
  await right.sh('dom0', 'ssh-keygen -q -t ed25519 -N  -C x -f /root/k');
  writeFileSync(right.at('molly', 'etc/ssh/ssh_host_ed25519_key'), readFileSync(right.at('dom0', 'root/k')));
  expect(await right.sh('molly', 'true')).toEqual({ code: 255, stdout: '', stderr: 'Host key verification failed.\n' });
});

test('corosync: no configuration is passed over, no authkey fails, other keys form no cluster, one node has no quorum', async () => {
  const world = await labThatIsUp();
  const { sh, at } = world;
  for (const name of ['molly', 'frederick']) await sh(name, 'systemctl stop corosync');
  expect(await sh('molly', 'systemctl is-active pacemaker')).toMatchObject({ code: 3, stdout: 'inactive\n' });
  expect(await sh('molly', 'corosync-quorumtool -s')).toMatchObject({
    code: 1,
    stderr: 'Cannot initialize CMAP service\n',
  });
  expect(await sh('molly', 'cibadmin -Q')).toMatchObject({
    code: 102,
    stderr:
      'Could not connect to the CIB: Transport endpoint is not connected\nInit failed, could not perform requested operations\n',
  });
  await sh('molly', 'mv /etc/corosync/corosync.conf /root/conf');
  expect(await sh('molly', 'systemctl start corosync')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'systemctl is-active corosync')).toMatchObject({ code: 3, stdout: 'inactive\n' });
  await sh('molly', 'mv /root/conf /etc/corosync/corosync.conf');
  await sh('molly', 'mv /etc/corosync/authkey /root/authkey');
  expect(await sh('molly', 'systemctl start corosync')).toMatchObject({ code: 1 });
  expect((await sh('molly', 'systemctl start pacemaker')).stderr).toContain(
    'A dependency job for pacemaker.service failed.',
  );
  writeFileSync(at('molly', 'etc/corosync/authkey'), Buffer.alloc(256, 1));
  for (const name of ['molly', 'frederick'])
    expect(await sh(name, 'systemctl start corosync')).toMatchObject({ code: 0 });
  await aMoment();
  expect((await sh('molly', 'corosync-quorumtool -s')).stdout).toMatch(/^Quorate: +No$/m);
  await sh('molly', 'systemctl stop corosync');
  await sh('molly', 'mv -f /root/authkey /etc/corosync/authkey');
  await sh('molly', 'systemctl start pacemaker');
  await aMoment();
  expect((await sh('molly', 'corosync-quorumtool -s')).stdout).toMatch(/^Quorate: +Yes$/m);
  await sh('frederick', 'systemctl stop corosync');
  expect((await sh('molly', 'corosync-quorumtool -s')).stdout).toMatch(/^Quorate: +Yes$/m); // it has seen both
});

test('a fencing device whose key is wrong does not start', async () => {
  const { sh, at } = await labThatIsUp();
  writeFileSync(at('molly', lab.fencing.key), Buffer.alloc(4096, 7));
  const { stdout } = await sh('frederick', 'crm_mon -1 --output-as=xml');
  expect(stdout).toMatch(/<resource id="fence-frederick"[^>]* role="Stopped"[^>]* failed="true"/);
  expect(stdout).toMatch(/<resource id="fence-molly"[^>]* role="Started"/);
});

test('a shutdown takes a moment', async () => {
  const { sh } = await labThatIsUp();
  const goOn = clockStands();
  expect(await sh('dom0', 'virsh shutdown molly')).toMatchObject({
    code: 0,
    stdout: "Domain 'molly' is being shutdown\n\n",
  });
  expect(await sh('dom0', 'virsh domstate molly')).toMatchObject({ stdout: 'in shutdown\n\n' });
  goOn();
  await aMoment();
  expect(await sh('dom0', 'virsh domstate molly')).toMatchObject({ stdout: 'shut off\n\n' });
});
