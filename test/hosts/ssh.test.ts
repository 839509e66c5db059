import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LabHosts, type Routes } from '../../src/hosts/lab-hosts.ts';
import { sshTrouble } from '../../src/hosts/ssh-trouble.ts';
import { disconnect, endGuests, openKept, openSsh } from '../../src/hosts/ssh.ts';
import { NotTrusted, Unreachable } from '../../src/model/errors.ts';
import { readWhere } from '../../src/cli/where.ts';

/* A real sshd on loopback: which hosts lab trusts. LAB_SSHD: where it is, if not where Debian puts it. */

const sshd = process.env.LAB_SSHD ?? '/usr/sbin/sshd';
const patience = { timeout: 30_000 };
const there = fs.existsSync(sshd) && fs.existsSync('/run/sshd');

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe.skipIf(!there)(`a real sshd (${sshd}; skipped where there is none)`, () => {
  let directory: string;
  let port: number;
  let server: ReturnType<typeof spawn> | undefined;
  /** Logins so far. */
  let accepted = 0;
  const at = (name: string) => join(directory, name);
  const keygen = (name: string) => execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);

  beforeAll(async () => {
    directory = fs.mkdtempSync(join(tmpdir(), 'lab-sshd-'));
    port = await freePort();
    for (const name of ['host', 'other', 'login']) await keygen(name);
    fs.copyFileSync(at('login.pub'), at('authorized_keys'));
    const lines = ['ListenAddress 127.0.0.1', 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no'];
    const files = [`HostKey ${at('host')}`, `AuthorizedKeysFile ${at('authorized_keys')}`, 'PidFile none'];
    fs.writeFileSync(at('sshd_config'), [...lines, ...files, `Port ${port}`].join('\n'));
    server = spawn(sshd, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise((resolve) => server?.stderr?.once('data', resolve));
    server.stderr?.on('data', (chunk: Buffer) => (accepted += chunk.toString().split('Accepted publickey').length - 1));
  }, 120_000);
  afterAll(() => {
    server?.kill();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  /** What a user's own configuration says is not asked, but that it may be as careless as this. */
  const login = (known: string) => {
    fs.writeFileSync(at('config'), 'Host *\n  StrictHostKeyChecking accept-new\n  GlobalKnownHostsFile /dev/null\n');
    fs.writeFileSync(at('known_hosts'), known);
    const options = ['-F', at('config'), '-i', at('login'), '-o', `UserKnownHostsFile=${at('known_hosts')}`];
    return { destination: `${userInfo().username}@127.0.0.1`, port, options };
  };
  const known = (key: string) =>
    `[127.0.0.1]:${port} ${fs
      .readFileSync(at(`${key}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')}\n`;

  /** One command that looks at a host. @returns how many logins it took */
  const loginsOf = async (routes: Routes, name: string) => {
    const before = accepted;
    const hosts = new LabHosts(routes);
    expect(await hosts.host(name).readFile(at('known_hosts'))).toEqual(Buffer.from(known('host')));
    await hosts.close();
    return accepted - before;
  };

  test('a host with the known key is reached, and what is made there does not depend on its umask', async () => {
    const hosts = new LabHosts({ dom0: async () => login(known('host')), guests: new Map() });
    try {
      const dom0 = hosts.host('dom0');
      expect((await dom0.run(['sh', '-c', 'umask'])).stdout.trim()).toBe('0022');
      expect((await dom0.run(['command', '-v', 'sh'])).stdout.trim()).toMatch(/\/sh$/);
      await dom0.writeFile(at('made'), Buffer.from('x'), 0o640);
      expect(await dom0.stat(at('made'))).toMatchObject({ mode: 0o640, size: 1 });
    } finally {
      await hosts.close();
    }
  }, 120_000);

  test('a connection is kept for the next command, until it is ended', async () => {
    const kept = join(directory, 'kept', 'dom0.ssh');
    const routes = { dom0: async () => login(known('host')), kept, guests: new Map() };
    const command = () => loginsOf(routes, 'dom0');
    try {
      expect([await command(), await command(), await command()]).toEqual([1, 0, 0]);
      expect(fs.statSync(kept).mode & 0o777).toBe(0o600);
      expect(fs.statSync(join(directory, 'kept')).mode & 0o777).toBe(0o700);
      expect([await disconnect(kept), await disconnect(kept), fs.existsSync(kept)]).toEqual([true, false, false]);
      // What a master that was killed leaves.
      fs.writeFileSync(kept, '');
      expect([await command(), await command()]).toEqual([1, 0]);
    } finally {
      await disconnect(kept);
    }
  }, 120_000);

  test('a connection to a guest is kept on dom0 for the next command’s looks, and made anew if the guest is gone', async () => {
    const [kept, keptGuests] = [join(directory, 'near.ssh'), join(directory, 'run', 'guests.ssh')];
    const to = login(known('host'));
    const routes = { dom0: async () => to, kept, keptGuests, guests: new Map([['molly', to]]) };
    const socket = join(keptGuests, '127.0.0.1');
    const children = async (...pids: readonly (string | number | undefined)[]) =>
      (await execa('pgrep', ['-P', pids.join(',')], { reject: false })).stdout.split('\n').filter(Boolean);
    let frozen: readonly string[] = [];
    try {
      expect(await loginsOf(routes, 'dom0')).toBe(1);
      const before = await children(server?.pid);
      expect([await loginsOf(routes, 'molly'), await loginsOf(routes, 'molly')]).toEqual([1, 0]);
      expect([fs.statSync(keptGuests).mode & 0o777, fs.statSync(socket).mode & 0o777]).toEqual([0o700, 0o600]);
      // A guest that was fenced: nothing answers, nothing is closed.
      const rest = (await children(server?.pid)).filter((pid) => !before.includes(pid));
      expect(rest).toHaveLength(1);
      // Of somebody who is not root, a child of sshd's does the talking.
      frozen = [...rest, ...(await children(...rest))];
      for (const pid of frozen) process.kill(Number(pid), 'SIGSTOP');
      expect([await loginsOf(routes, 'molly'), await loginsOf(routes, 'molly')]).toEqual([1, 0]);
      expect(await endGuests({ login: to, socket: kept }, keptGuests)).toBe(true);
      expect(await endGuests({ login: to, socket: kept }, keptGuests)).toBe(false);
      expect(await disconnect(kept)).toBe(true);
      expect([fs.existsSync(kept), fs.existsSync(join(directory, 'run'))]).toEqual([false, false]);
      const left = await execa('pgrep', ['-f', socket], { reject: false });
      expect(left.stdout).toBe('');
    } finally {
      for (const pid of frozen) process.kill(Number(pid), 'SIGKILL');
      await endGuests({ login: to, socket: kept }, keptGuests);
      await disconnect(kept);
    }
  }, 120_000);

  test.each([
    ['whose shell is kept open', false],
    ['that is looked at through a relay', true],
  ])(
    'a guest that boots, %s, is waited for by one connection, which then serves',
    async (_, relayed) => {
      const to = { ...login(''), port: await freePort() };
      fs.writeFileSync(at('known_hosts'), `[127.0.0.1]:${to.port} ${fs.readFileSync(at('host.pub'), 'utf8')}`);
      const keptGuests = relayed ? join(directory, 'run', 'boots.ssh') : undefined;
      const hosts = new LabHosts({ dom0: 'local', keptGuests, guests: new Map([['molly', to]]) });
      let booted: ReturnType<typeof spawn> | undefined;
      let logins = 0;
      try {
        expect([await hosts.arrives('dom0'), await hosts.arrives('frederick')]).toEqual([false, false]);
        const arrives = hosts.arrives('molly');
        const tries = ['-f', `ConnectionAttempts=.*-p ${to.port}`];
        await expect.poll(async () => (await execa('pgrep', tries, { reject: false })).exitCode, patience).toBe(0);
        booted = spawn(sshd, ['-D', '-e', '-f', at('sshd_config'), '-p', String(to.port)], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        booted.stderr?.on(
          'data',
          (chunk: Buffer) => (logins += chunk.toString().split('Accepted publickey').length - 1),
        );
        expect(await arrives).toBe(true);
        expect((await hosts.host('molly').read(['uname'])).stdout).toBe('Linux\n');
        expect(await hosts.arrives('molly')).toBe(true);
        expect(logins).toBe(1);
      } finally {
        await hosts.close();
        if (keptGuests !== undefined) await endGuests('local', keptGuests);
        booted?.kill();
      }
    },
    120_000,
  );

  test('a run is one session on dom0: looks, the lock, and the looks at guests', async () => {
    const [kept, keptGuests] = [join(directory, 'one.ssh'), join(directory, 'run', 'one.ssh')];
    const to = login(known('host'));
    const hosts = new LabHosts({ dom0: async () => to, kept, keptGuests, guests: new Map([['molly', to]]) });
    const ours = async () => (await execa('pgrep', ['-P', String(process.pid), '-x', 'ssh'])).stdout.split('\n');
    try {
      const lock = await hosts.lock('dom0', at('one.lock'), 'me', () => {});
      for (const name of ['dom0', 'molly'])
        expect(await hosts.host(name).readFile(at('one.lock'))).toEqual(Buffer.from('me'));
      expect(await ours()).toHaveLength(1);
      await lock.release();
      expect(fs.readFileSync(at('one.lock'), 'utf8')).toBe('');
    } finally {
      await hosts.close();
      await endGuests({ login: to, socket: kept }, keptGuests);
      await disconnect(kept);
    }
  }, 120_000);

  test('a connection that stood, and says no word, is made anew, and the lock is taken over the new one', async () => {
    const kept = join(directory, 'dead.ssh');
    const routes = { dom0: async () => login(known('host')), kept, guests: new Map() };
    const children = async () =>
      (await execa('pgrep', ['-P', String(server?.pid)], { reject: false })).stdout.split('\n');
    const before = await children();
    expect(await loginsOf(routes, 'dom0')).toBe(1);
    const dead = (await children()).filter((pid) => !before.includes(pid));
    expect(dead).toHaveLength(1);
    process.kill(Number(dead[0]), 'SIGSTOP');
    const [hosts, logins] = [new LabHosts(routes), accepted];
    try {
      const taken = hosts.lock('dom0', at('dead.lock'), 'me', () => {});
      taken.catch(() => {});
      expect(await hosts.host('dom0').readFile(at('known_hosts'))).toEqual(Buffer.from(known('host')));
      await (await taken).release();
      expect(accepted - logins).toBe(1);
    } finally {
      process.kill(Number(dead[0]), 'SIGKILL');
      await hosts.close();
      await disconnect(kept);
    }
  }, 120_000);

  test('a host with another key is not: nothing is sent, and nobody waits', async () => {
    for (const open of [openSsh, (...to: Parameters<typeof openSsh>) => openKept(...to, at('other.ssh'))]) {
      const failed = open(login(known('other')), 'dom0');
      await expect(failed).rejects.toThrow(NotTrusted);
      await expect(failed).rejects.toThrow(
        /^dom0 shows another host key \(SHA256:\S+\) than the one it is known by \(\S+known_hosts:1\): nothing was sent to it$/,
      );
      await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining('somebody sits in between') });
    }
    expect(fs.existsSync(at('other.ssh'))).toBe(false);
  }, 120_000);

  test('a host that is not known is not trusted because it answered, and is not made known', async () => {
    const failed = openSsh(login(''), 'dom0');
    await expect(failed).rejects.toThrow(Unreachable);
    await expect(failed).rejects.toThrow(/no host key of \[127.0.0.1\]:\d+ is known/);
    expect(fs.readFileSync(at('known_hosts'), 'utf8')).toBe('');
  }, 120_000);
});

test('what ssh says of a guest whose key changed', () => {
  const stderr = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
The fingerprint for the ED25519 key sent by the remote host is
SHA256:Jm3Dabc.
Offending ED25519 key in /var/lib/cluster-lab/lolcats/known_hosts:1
Host key for 192.168.77.11 has changed and you have requested strict checking.
Host key verification failed.`;
  const error = sshTrouble('molly', stderr, 255);
  expect(error).toBeInstanceOf(NotTrusted);
  expect(error.message).toBe(
    'molly shows another host key (SHA256:Jm3Dabc) than the one it is known by (/var/lib/cluster-lab/lolcats/known_hosts:1): nothing was sent to it',
  );
});

test('a destination is none of ssh’s options', async () => {
  for (const text of ['ssh://-oProxyCommand=reboot', 'ssh://-l@host', 'ssh://a@-h', 'ssh://-F.x@host']) {
    expect(() => readWhere(text, '--host'), text).toThrow('expected local, sandbox, ssh://');
  }
});
