import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Guest, SharedDisk } from '../../../src/spec/lab.ts';
import { quorumDisk } from '../../../src/stacks/cman-quorum-disk.ts';
import { lookAt, withQuorumDisk } from '../world.ts';
import {
  aMoment,
  documentLab,
  domainFile,
  freshWorld,
  guestsThatRun,
  lolcats,
  londesktop,
  openWorld,
  type TestWorld,
} from './world.ts';

const conf = 'etc/cluster/cluster.conf';

function configure({ at }: TestWorld, text: string, ...machines: readonly string[]): void {
  for (const machine of machines) writeFileSync(at(machine, conf), text);
}

const delayed = (seconds: number) => `<fence_daemon post_join_delay="${seconds}"/>`;

/** A cluster of one on dom0, and cluster.conf in both guests. */
async function configured(kind = 'rhel5', postJoinDelay = 60): Promise<TestWorld> {
  const world = await guestsThatRun(kind);
  configure(world, londesktop, 'dom0');
  configure(world, lolcats(41, undefined, delayed(postJoinDelay)), 'molly', 'frederick');
  expect(await world.sh('dom0', 'service cman start')).toMatchObject({ code: 0 });
  return world;
}

async function clustered(kind = 'rhel5', postJoinDelay = 60): Promise<TestWorld> {
  const world = await configured(kind, postJoinDelay);
  for (const name of ['molly', 'frederick'])
    expect(await world.sh(name, 'service cman start')).toMatchObject({ code: 0 });
  await aMoment(1);
  return world;
}

/** What stands at the end of the line, aside from where it stands. */
const verdicts = (stdout: string) => stdout.replaceAll(/ +(?=\[ {2}OK|\[FAILED)/g, ' ').replaceAll('\r', '');

test('the document’s start on dom0', async () => {
  const world = await freshWorld({ fenceXvmd: 'old' });
  configure(world, londesktop, 'dom0');
  await world.sh('dom0', 'dd if=/dev/urandom of=/etc/cluster/fence_xvm.key bs=4k count=1');
  const { code, stdout } = await world.sh('dom0', '/etc/init.d/cman start');
  expect(code).toBe(0);
  expect(verdicts(stdout)).toBe(`Starting cluster: 
   Enabling workaround for Xend bridged networking... done
   Loading modules... done
   Mounting configfs... done
   Starting ccsd... done
   Starting cman... done
   Starting daemons... done
   Starting fencing... done
   Starting virtual machine fencing host... done
 [  OK  ]
`);
  expect((await world.sh('dom0', 'pidof fence_xvmd')).code).toBe(0);
  expect((await world.sh('dom0', 'cman_tool status')).stdout).toContain('Cluster Name: londesktop\n');
  expect(verdicts((await world.sh('dom0', 'service cman stop')).stdout)).toContain(
    'Stopping cluster: \n   Stopping virtual machine fencing host... done\n   Stopping fencing... done\n',
  );
  expect((await world.sh('dom0', 'pidof fence_xvmd')).code).toBe(1);
});

test('without a key dom0’s fencing host fails', async () => {
  const world = await freshWorld();
  configure(world, londesktop, 'dom0');
  const { code, stdout } = await world.sh('dom0', 'service cman start');
  expect(code).toBe(1);
  expect(stdout).toContain('Starting virtual machine fencing host... failed\n');
  expect(stdout).toMatch(/\[FAILED\]/);
});

test('cman 2.x: two guests, quorum, versions', async () => {
  const { sh, at } = await clustered();
  const status = (await sh('molly', 'cman_tool status')).stdout;
  for (const line of [
    'Config Version: 41',
    'Cluster Name: lolcats',
    'Membership state: Cluster-Member',
    'Nodes: 2',
    'Expected votes: 1',
    'Quorum: 1  ',
    'Flags: 2node ',
  ])
    expect(status.split('\n')).toContain(line);
  expect((await sh('molly', 'cman_tool nodes')).stdout).toMatch(
    /^Node {2}Sts {3}Inc {3}Joined +Name\n +1 {3}M .* frederick\n +2 {3}M .* molly\n$/,
  );
  expect(await sh('molly', 'service rgmanager start')).toMatchObject({ code: 0 });
  expect((await sh('molly', 'clustat')).stdout).toMatch(
    /Member Status: Quorate\n[^]* molly +2 Online, Local, rgmanager\n[^]*service:test/,
  );
  expect((await sh('molly', 'clustat -Q')).code).toBe(0);
  expect(verdicts((await sh('molly', 'service cman stop')).stdout)).toContain('Device or resource busy');
  expect(await sh('molly', 'cman_tool version -r 42')).toMatchObject({ code: 1 });
  expect(await sh('molly', 'cman_tool version -r 41')).toMatchObject({ code: 1 });
  for (const name of ['molly', 'frederick']) writeFileSync(at(name, conf), lolcats(42));
  expect((await sh('molly', 'cman_tool status')).stdout).toContain('Config Version: 41\n');
  expect(await sh('molly', 'cman_tool version -r 42')).toMatchObject({ code: 0 });
  expect((await sh('frederick', 'cman_tool status')).stdout).toContain('Config Version: 42\n');
  expect((await sh('frederick', 'cman_tool nodes')).stdout).toMatch(/M .* molly\n/);
});

test('cman 3.x: its stages, and no validator before it', async () => {
  const world = await configured('rhel6');
  const { sh } = world;
  const { stdout } = await sh('molly', 'service cman start');
  expect(verdicts(stdout)).toBe(
    `Starting cluster: \n${['Checking if cluster has been disabled at boot', 'Checking Network Manager', 'Global setup', 'Loading kernel modules', 'Mounting configfs', 'Starting cman', 'Waiting for quorum', 'Starting fenced', 'Starting dlm_controld', 'Tuning DLM kernel config', 'Starting gfs_controld', 'Unfencing self', 'Joining fence domain'].map((name) => `   ${name}... [  OK  ]\n`).join('')}`,
  );
  expect(await sh('molly', 'ccs_config_validate')).toMatchObject({ code: 0, stdout: 'Configuration validates\n' });
  configure(world, lolcats().replace(' nodeid="1"', ''), 'molly');
  expect(await sh('molly', 'ccs_config_validate -f /etc/cluster/cluster.conf')).toMatchObject({
    code: 1,
    stdout: 'Configuration fails to validate\n',
  });
  expect(await sh('molly', 'ccs_config_validate -f /nosuch')).toMatchObject({ code: 255 });
});

test.each([
  ['no cluster.conf', undefined, 'cannot find /etc/cluster/cluster.conf'],
  ['a file that is no XML', '<cluster', 'parser error'],
  ['no nodes', lolcats().replace(/<clusternodes>[^]*<\/clusternodes>/, ''), "Can't find local node name"],
  ['no such node', lolcats().replaceAll('molly', 'felix'), "Can't find local node name"],
  ['no nodeid', lolcats().replace(' nodeid="2"', ''), 'CCS does not have a nodeid for this node'],
  [
    'two_node without expected_votes',
    lolcats(1, '<cman two_node="1"/>'),
    'two_node set but expected_votes not set to 1',
  ],
])('cman 2.x does not start: %s', async (_, text, why) => {
  const world = await guestsThatRun();
  if (text !== undefined) configure(world, text, 'molly');
  const { code, stdout } = await world.sh('molly', 'service cman start');
  expect(code).toBe(1);
  expect(stdout).toMatch(/\.\.\. failed\n/);
  expect(stdout).toContain(why);
  expect((await world.sh('molly', 'cman_tool status')).code).toBe(1);
});

test('a node whose name is no address of its own does not start', async () => {
  const world = await configured();
  writeFileSync(world.at('molly', 'etc/hosts'), '127.0.0.1 localhost\n');
  expect((await world.sh('molly', 'service cman start')).stdout).toContain('has no address of this host');
});

test('cman 3.x: NetworkManager, validation, quorum', async () => {
  const world = await configured('rhel6');
  const { sh, at } = world;
  await sh('molly', 'chkconfig NetworkManager on');
  expect(verdicts((await sh('molly', 'service cman start')).stdout)).toContain(
    'Checking Network Manager... \nNetwork Manager is either running or configured to run. Please disable it in the cluster.\n [FAILED]\nStopping cluster: ',
  );
  await sh('molly', 'chkconfig NetworkManager off');
  configure(world, lolcats().replace('<totem', '<tottem'), 'molly');
  writeFileSync(at('molly', 'etc/sysconfig/cman'), 'CONFIG_VALIDATION="FAIL"\n');
  expect((await sh('molly', 'service cman start')).stdout).toContain('Configuration fails to validate\n');
  writeFileSync(at('molly', 'etc/sysconfig/cman'), 'CONFIG_VALIDATION="WARN"\n');
  expect(await sh('molly', 'service cman start')).toMatchObject({ code: 0 });
  await sh('molly', 'service cman stop');
  configure(world, lolcats(1, '<cman expected_votes="2"/>'), 'molly');
  const clock = () => JSON.parse(readFileSync(at('', 'state.json'), 'utf8')).clock as number;
  const before = clock();
  const alone = await sh('molly', 'service cman start');
  expect(alone.code).toBe(1);
  expect(verdicts(alone.stdout)).toContain('Waiting for quorum... Timed-out waiting for cluster\n [FAILED]\n');
  expect(clock() - before).toBeGreaterThanOrEqual(45);
  expect(await sh('molly', 'service cman status')).toMatchObject({ code: 3 });
  await sh('molly', 'touch /var/lock/subsys/cman');
  expect(await sh('molly', 'service cman status')).toMatchObject({ code: 2, stdout: 'Found stale lock file\n' });
});

test.each(['rhel5', 'rhel6'])('%s: nodes that start together wait for each other', async (kind) => {
  const world = await configured(kind);
  configure(world, lolcats(1, ''), 'molly', 'frederick');
  const started = await Promise.all(['molly', 'frederick'].map((name) => world.sh(name, 'service cman start')));
  expect(started.map(({ code }) => code)).toEqual([0, 0]);
  expect((await world.sh('molly', 'cman_tool status')).stdout).toContain('Total votes: 2\n');
  await world.sh('frederick', 'service cman stop');
  expect((await world.sh('molly', 'cman_tool status')).stdout).toContain('Quorum: 2 Activity blocked\n');
});

const second = () => aMoment(26);

test('startup fencing: who is not there in time is rebooted', async () => {
  const world = await configured('rhel5', 1);
  const { sh } = world;
  const id = (await sh('dom0', 'xm domid frederick')).stdout;
  await sh('molly', 'service cman start');
  expect((await sh('dom0', 'xm domid frederick')).stdout).toBe(id);
  await second();
  expect((await sh('dom0', 'xm domid frederick')).stdout).not.toBe(id);
  expect((await sh('molly', 'cat /var/log/messages')).stdout).toMatch(
    /fenced\[\d+\]: fencing node "frederick"\n.*fence "frederick" success\n$/,
  );
  await aMoment(2);
  expect((await sh('frederick', 'cman_tool status')).code).toBe(1);
  expect((await sh('frederick', 'service cman start')).code).toBe(0);
  await second();
  expect((await sh('molly', 'cman_tool nodes')).stdout).toMatch(/M .* frederick\n/);
});

test('startup fencing fails where nobody listens', async () => {
  const world = await configured('rhel5', 1);
  await world.sh('dom0', 'killall fence_xvmd');
  await world.sh('molly', 'service cman start');
  await second();
  await world.sh('molly', 'true');
  expect((await world.sh('molly', 'cat /var/log/messages')).stdout).toContain('fence "frederick" failed\n');
});

test('nodes that are both there in time are not fenced, and one that leaves is not either', async () => {
  const { sh } = await clustered('rhel5', 1);
  const before = (await sh('dom0', 'xm list')).stdout;
  await sh('frederick', 'service cman stop');
  await second();
  await sh('molly', 'true');
  expect((await sh('dom0', 'xm list')).stdout).toBe(before);
});

test('start, killed midway: joined, not in the fence domain; a second start completes it', async () => {
  const world = await configured();
  const death = () => {
    throw new Error('killed');
  };
  await expect(world.hosts.host('molly').run(['service', 'cman', 'start'], { midway: death })).rejects.toThrow(
    'killed',
  );
  const after = openWorld(world.directory);
  expect((await after.sh('molly', 'cman_tool status')).stdout).toContain('Active subsystems: 2\n');
  expect((await after.sh('molly', 'pidof ccsd aisexec')).stdout).toMatch(/^\d+ \d+\n$/);
  expect((await after.sh('molly', 'pidof fenced')).code).toBe(1);
  expect(await after.sh('molly', 'service cman start')).toMatchObject({ code: 0 });
  expect((await after.sh('molly', 'pidof fenced')).code).toBe(0);
});

test('fence_node takes the device of cluster.conf', async () => {
  const { sh } = await clustered();
  const id = (await sh('dom0', 'xm domid frederick')).stdout;
  expect(await sh('molly', 'fence_node frederick')).toMatchObject({ code: 0, stdout: 'fence frederick success\n' });
  expect((await sh('dom0', 'xm domid frederick')).stdout).not.toBe(id);
  expect(await sh('molly', 'fence_node nosuch')).toMatchObject({ code: 1, stderr: 'fence nosuch failed\n' });
});

const tied = withQuorumDisk(documentLab());

const check = ({ hosts }: TestWorld) =>
  quorumDisk(tied, tied.cluster.tieBreaker as SharedDisk, tied.guests[0] as Guest, []).check(lookAt(hosts, 'molly'));

/** Two guests made by hand, which share a blank disk. */
async function withDisk(): Promise<TestWorld> {
  const world = await guestsThatRun();
  const { sh, hosts } = world;
  await sh('dom0', 'dd if=/dev/null of=/guests/quorum.dsk bs=1 count=0 seek=10485760');
  for (const { name, uuid, mac } of tied.guests) {
    const text = domainFile(name, uuid, mac, ', "tap:aio:/guests/quorum.dsk,xvdb,w!"');
    await hosts.host('dom0').writeFile(`/etc/xen/${name}`, Buffer.from(text), 0o644);
    await sh('dom0', `xm destroy ${name}`);
    expect(await sh('dom0', `xm create /etc/xen/${name}`)).toMatchObject({ code: 0 });
  }
  await aMoment(3);
  return world;
}

test('“Good thinking.” is no quorum disk, though it ends with 0', async () => {
  const world = await withDisk();
  const make = ['mkqdisk', '-c', '/dev/xvdb', '-l', 'lolcats'];
  for (const input of ['', 'n\n', 'Y\n', 'yes'.toUpperCase()])
    expect(await world.sh('molly', make.join(' '), input)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/proceed \[N\/y\] \? Good thinking\.\n$/),
    });
  const [change] = await check(world);
  expect(change).toMatchObject({ argv: make, input: 'y\n' });
  expect((await world.sh('molly', make.join(' '), 'y\n')).stdout).toContain('status block for node 16...');
  expect(await check(world)).toEqual([]);
});

test('cut short, it is finished; of another label, or anything else, it is refused', async () => {
  const world = await withDisk();
  const death = () => {
    throw new Error('killed');
  };
  const make = ['mkqdisk', '-c', '/dev/xvdb', '-l', 'lolcats'] as const;
  const killed = world.hosts.host('molly').run(make, { input: 'y', midway: death });
  await expect(killed).rejects.toThrow('killed');
  expect((await world.sh('molly', 'mkqdisk -L')).stdout).toContain('Label:                lolcats\n');
  expect(await check(world)).toMatchObject([{ argv: make }]);

  await world.sh('molly', 'mkqdisk -c /dev/xvdb -l catlols', 'y\n');
  await expect(check(world)).rejects.toThrow('its label is catlols, not lolcats');

  await world.sh('dom0', 'dd if=/dev/urandom of=/guests/quorum.dsk bs=1M count=10');
  await expect(check(world)).rejects.toThrow('/dev/xvdb is not blank, and no quorum disk: ');
});

test('qdiskd: without cman, without its disk, and its vote', async () => {
  const world = await withDisk();
  const { sh, at } = world;
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 1 });
  const quorumd = '<cman expected_votes="3"/><quorumd interval="1" tko="10" votes="1" label="lolcats"/>';
  for (const name of ['molly', 'frederick'])
    writeFileSync(at(name, 'etc/cluster/cluster.conf'), lolcats(41, quorumd, '<fence_daemon post_join_delay="60"/>'));
  // Whoever gave up waiting for the other finds it there the second time.
  await Promise.all(['molly', 'frederick'].map((name) => sh(name, 'service cman start')));
  for (const name of ['molly', 'frederick']) expect(await sh(name, 'service cman start')).toMatchObject({ code: 0 });
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 1 });
  await sh('molly', 'mkqdisk -c /dev/xvdb -l lolcats', 'y\n');
  expect(await sh('molly', 'service qdiskd start')).toMatchObject({ code: 0 });
  await aMoment(3);
  expect((await sh('molly', 'service cman stop')).stdout).toContain('Device or resource busy');
  await sh('frederick', 'service cman stop');
  // Alone with the disk: two of three.
  expect((await sh('molly', 'cman_tool status')).stdout).toContain('Total votes: 2\nQuorum: 2  \n');
  await sh('molly', 'service qdiskd stop');
  expect((await sh('molly', 'cman_tool status')).stdout).toContain('Quorum: 2 Activity blocked\n');
});
