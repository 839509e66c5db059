import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { recipes } from '../recipes/index.ts';
import { diffOf } from '../src/cli/reporters/changes.ts';
import { examine } from '../src/doctor/index.ts';
import { lookFor } from '../src/engine/look.ts';
import { Journal } from '../src/engine/journal.ts';
import { up } from '../src/engine/up.ts';
import { localChannel } from '../src/hosts/channel.ts';
import { ShellHost } from '../src/hosts/shell-host.ts';
import type { Event } from '../src/model/event.ts';
import type { Argv, Host, Hosts } from '../src/model/host.ts';
import type { Look, Step } from '../src/model/step.ts';
import { builtDom0, dom0Image } from '../src/sandbox/dom0-image.ts';
import { sandboxPaths } from '../src/sandbox/paths.ts';
import { qemu } from '../src/sandbox/qemu.ts';
import { seedPacked } from '../src/sandbox/seed.ts';
import type { Lab } from '../src/spec/lab.ts';
import { randomKey, sshKeyPair } from '../src/steps/keys.ts';
import { documentLab, freshWorld as freshDocument } from './simulated/red-hat/world.ts';
import { freshWorld, lab as defaultLab } from './simulated/world.ts';

/** Every file of a world that is a key: the fencing key, authkey, private ssh keys. */
function keysIn(directory: string): readonly string[] {
  const names = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((path) => /(fence_xvm\.key|authkey|_(ed25519|rsa)|_key)$/.test(path));
}

/** Pieces of a key, as they are and as they might be written. */
function piecesOf(path: string): readonly string[] {
  const bytes = fs.readFileSync(path);
  const text = bytes.toString('latin1');
  // The first lines of private ssh keys are the same in all of them.
  const parts = text.startsWith('-----BEGIN') ? text.split('\n').slice(3, -2) : [];
  const raw = [0, 64, 128].map((at) => bytes.subarray(at, at + 12));
  return parts.length > 0
    ? parts.map((line) => line.slice(0, 24)).filter((line) => line.length === 24)
    : raw.flatMap((piece) => [piece.toString('latin1'), piece.toString('hex'), piece.toString('base64').slice(0, 15)]);
}

interface Run {
  readonly directory: string;
  /** All that a person, a log or `ps` could see: argv, stdin that is shown, events, diffs, the journal, what the doctor saw. */
  readonly seen: string;
}

/** Hosts that write down whatever is run and read on them. */
function overheard(hosts: Hosts, seen: string[]): Hosts {
  const heard = new Map<string, Host>();
  const listen = (host: Host): Host => ({
    name: host.name,
    readFile: (path) => host.readFile(path),
    stat: (path) => host.stat(path),
    digest: (path) => host.digest(path),
    list: (path) => host.list(path),
    disk: (image) => host.disk(image),
    writeFile: (path, bytes, ...rest) => {
      seen.push(path, Buffer.from(bytes).toString('latin1'));
      return host.writeFile(path, bytes, ...rest);
    },
    read: (argv) => {
      seen.push(argv.join('\0'));
      return host.read(argv);
    },
    run: (argv, options) => {
      seen.push(argv.join('\0'), Buffer.from(options?.input ?? '').toString('latin1'));
      return host.run(argv, options);
    },
  });
  return {
    host(name) {
      const known = heard.get(name) ?? listen(hosts.host(name));
      heard.set(name, known);
      return known;
    },
    warm: () => {},
    forget: (name) => hosts.forget(name),
    lock: (...args) => hosts.lock(...args),
    kill: () => hosts.kill(),
    argv: (...args: [string, Argv, boolean]) => hosts.argv(...args),
    roundTrips: () => hosts.roundTrips(),
    close: () => hosts.close(),
  };
}

const nowhere: Step = {
  kind: 'step',
  id: 'doctor',
  title: '',
  section: '',
  on: 'dom0',
  after: [],
  check: async () => [],
};

async function overhear(lab: Lab, { directory, hosts: real }: { directory: string; hosts: Hosts }): Promise<Run> {
  const seen: string[] = [];
  const failed: Event[] = [];
  const hosts = overheard(real, seen);
  const emit = (event: Event) => {
    seen.push(JSON.stringify(event));
    if (event.event !== 'step') return;
    if (event.verdict === 'failed') failed.push(event);
    for (const change of event.changes) if (change.is === 'file') seen.push(diffOf(change) ?? '');
  };
  const journal = new Journal(join(directory, 'journal.jsonl'), () => 'now');
  const chapters = recipes(lab);
  const slowness = async () => 1;
  await up({
    lab: lab.name,
    where: '',
    chapters,
    hosts,
    journal,
    proofs: journal,
    emit,
    slowness,
    pause: 5,
  });
  expect(failed).toEqual([]);
  const findings = await examine(lab, lookFor(nowhere, { hosts, gate: async () => {} }), (name) => hosts.host(name));
  seen.push(JSON.stringify(findings), fs.readFileSync(journal.path, 'latin1'));
  return { directory, seen: seen.join('\n') };
}

const worlds = [
  ['today’s lab', defaultLab, freshWorld, 4],
  ['the document’s lab', documentLab(), freshDocument, 4],
] as const;

describe.each(worlds)('%s', (_, lab, fresh, atLeast) => {
  test('no key is seen in argv, input, events, diffs, journal or by the doctor, and each is root’s alone', async () => {
    const { directory, seen } = await overhear(lab, await fresh());
    expect(seen.length).toBeGreaterThan(50_000);
    const keys = keysIn(directory);
    expect(keys.length).toBeGreaterThanOrEqual(atLeast);
    for (const path of keys) {
      expect(fs.statSync(path).mode & 0o077, path).toBe(0);
      const pieces = piecesOf(path);
      expect(pieces.length, path).toBeGreaterThan(2);
      for (const piece of pieces) expect(seen.includes(piece), path).toBe(false);
    }
    for (const { name } of lab.guests) {
      expect(fs.statSync(join(directory, `dom0/guests/${name}.img`)).mode & 0o077, `the disk of ${name}`).toBe(0);
    }
  });
});

describe('keys made for real, by somebody whose umask is 0', () => {
  const host = new ShellHost('local', async () => localChannel);
  let look: Look;
  beforeAll(() => {
    look = { host, on: () => host, get: () => Promise.reject(new Error('nothing to get')) };
  });
  const placed = { id: '1.key', title: '', section: '', on: 'local', after: [] };

  test.each([
    ['the fencing key', (path: string) => randomKey(placed, { path, bytes: 4096, mode: 0o600, owner: { name: 'l' } })],
    ['authkey', (path: string) => randomKey(placed, { path, bytes: 256, mode: 0o400, owner: { name: 'l' } })],
    ['an ssh key', (path: string) => sshKeyPair(placed, { path, comment: 'c', type: 'ed25519' })],
  ])('%s is private at every instant', async (_, step) => {
    const directory = fs.mkdtempSync(join(tmpdir(), 'lab-key-'));
    onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
    const old = process.umask(0);
    onTestFinished(() => void process.umask(old));
    const path = join(directory, 'key');
    let looks = 0;
    const open: string[] = [];
    const watch = () => {
      for (const name of fs.readdirSync(directory).filter((one) => !one.endsWith('.pub'))) {
        looks++;
        const mode = fs.lstatSync(join(directory, name), { throwIfNoEntry: false })?.mode ?? 0;
        if ((mode & 0o077) !== 0) open.push(`${name} ${mode.toString(8)}`);
      }
    };
    const timer = setInterval(watch, 1);
    onTestFinished(() => clearInterval(timer));
    for (const change of await step(path).check(look)) {
      // Not every temporary directory takes extended attributes.
      if (change.is !== 'command' || change.argv[0] === 'setfattr') continue;
      expect(await host.run(change.argv)).toMatchObject({ code: 0 });
      watch();
    }
    clearInterval(timer);
    expect(looks).toBeGreaterThan(3);
    expect(open).toEqual([]);
    expect(fs.readdirSync(directory).filter((name) => name.includes('.new'))).toEqual([]);
    expect(fs.statSync(path).size).toBeGreaterThan(200);
  });
});

describe('the sandbox', () => {
  const paths = sandboxPaths('lolcats', { XDG_CACHE_HOME: '/cache', XDG_STATE_HOME: '/state' });

  test('listens on loopback only, by its ssh port alone, and its guests cannot leave it', () => {
    const argv = qemu(paths, builtDom0('/cache', dom0Image([])), { port: 22_022, guestMemory: 512, kvm: false });
    const network = argv.filter((_, n) => argv[n - 1] === '-netdev');
    expect(network).toEqual(['user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:22022-:22']);
    // Nothing else of QEMU listens: its monitor is a socket in a private directory, and there is no display.
    expect(argv).not.toEqual(expect.arrayContaining([expect.stringMatching(/^-(vnc|spice|gdb|s|qmp|nic|net)$/)]));
    expect(argv.filter((_, n) => argv[n - 1] === '-monitor')).toEqual([
      `unix:${paths.state}/monitor.sock,server,nowait`,
    ]);
    expect(argv.filter((_, n) => argv[n - 1] === '-display')).toEqual(['none']);
    expect(argv.join(' ').match(/\d+\.\d+\.\d+\.\d+/g)).toEqual(['127.0.0.1']);
  });

  test('its root has no password login', async () => {
    const image = dom0Image([]);
    const sshd = image.files.find(({ path }) => path.startsWith('/etc/ssh/sshd_config.d/'))?.text;
    expect(sshd).toContain('PasswordAuthentication no\n');
    expect(sshd).toContain('UsePAM no\n');
    // Nor does anything give it a password: neither the image nor the seed.
    const absent = { stat: async () => undefined, readFile: async () => undefined } as unknown as Host;
    const seed = seedPacked({ id: 's', title: '', section: '', on: 'local', after: [] }, { lab: defaultLab, paths });
    const changes = await seed.check({ host: absent } as unknown as Look);
    const text = JSON.stringify([image, changes.map((change) => (change.is === 'command' ? change.argv : change))]);
    expect(text).not.toMatch(/passwd|chpasswd|shadow|PermitEmptyPasswords/);
    // The login key is the only way in, and the seed, which holds dom0's host key, is private from its first byte.
    const argvs = changes.flatMap((change) => (change.is === 'command' ? [change.argv.join(' ')] : []));
    expect(argvs).toContain(`install -D -m 0600 ${paths.loginKey}.pub ${paths.seed}/root/.ssh/authorized_keys`);
    expect(argvs).toContain(`install -m 0600 /dev/null ${paths.seedTar}.new`);
    expect(argvs.findIndex((argv) => argv.startsWith('install -d -m 0700'))).toBe(1);
  });
});
