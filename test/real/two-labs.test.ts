import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLab } from '../../src/spec/read.ts';
import { hostKeyAlias, sandboxPaths } from '../../src/sandbox/paths.ts';
import { dom0Checksum, dom0Tree, type Ended, environment, file, inGuest, lab, name, onDom0, summary } from './lab.ts';

/*
 * `LAB_REAL_TWO=1 npm run test:real -- test/real/two-labs.test.ts`: a second lab on the dom0 of the first. It reaches that dom0 as
 * anybody's, by ssh, and knows of the first lab only what is on it. Both boot their guests at the same time, and prove their
 * fencing. The cluster software of four emulated guests is more than two cores can do (tried: pacemaker's daemons time out on one
 * another), so only the first lab starts it; two whole labs are in test/faults/two-labs.test.ts.
 */
const wanted = process.env.LAB_REAL_TWO === '1';
const image = '/guests/second/default.img';
/** Made only if the tests below run. */
const directory = join(tmpdir(), `labtest-second-${process.pid}`);
const yaml = join(directory, 'second.yaml');
const bin = join(directory, 'bin');
const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, XDG_STATE_HOME: join(directory, 'state') };

/** A line of a second lab.yaml for each topic; its guests are small, the machine has to hold four. */
interface Lines {
  readonly guests: string;
  readonly image?: string | undefined;
  readonly network?: string | undefined;
  readonly fencing?: string | undefined;
}

function write({ guests, image: path = '', network, fencing }: Lines): void {
  const lines = [
    'name: second',
    'host: ssh://dom0-of-the-box',
    `guests: {${guests}}`,
    `image: {${path} install: none}`,
    ...[network, fencing].filter((line) => line !== undefined),
    'cluster: {token: 45000}',
  ];
  writeFileSync(yaml, `${lines.join('\n')}\n`);
}

/** ssh(1) asks the password file where ~/.ssh/config is, so it is told of another one. */
function configureSsh(): void {
  const paths = sandboxPaths(name, environment);
  const config = join(directory, 'ssh_config');
  const said = [
    'Host dom0-of-the-box',
    'HostName 127.0.0.1',
    `Port ${readFileSync(paths.port, 'utf8').trim()}`,
    'User root',
    `IdentityFile ${paths.loginKey}`,
    `HostKeyAlias ${hostKeyAlias}`,
    `UserKnownHostsFile ${paths.knownHosts}`,
  ];
  writeFileSync(config, `${said.join('\n')}\n`);
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nPATH=\${PATH#*:} exec ssh -F ${config} "$@"\n`, { mode: 0o755 });
}

const second = ([command = '', ...args]: readonly string[]) => lab([command, '--file', yaml, ...args], env);
const first = ([command = '', ...args]: readonly string[]) => lab([command, '--file', file, ...args]);
/** Up to the fencing test. */
const fencing = Array.from({ length: 9 }, (_, chapter) => ['--only', String(chapter)]).flat();
const whole = ({ code, stdout, stderr }: Ended) => expect(code, `${stdout.slice(-3000)}${stderr}`).toBe(0);

/** One fence_xvm(8) in a guest. @returns its exit code, and what it said @throws Error if it did not run: that is no refusal */
async function fenceXvm(
  at: typeof first,
  from: string,
  { address, port, key }: { address: string; port: number; key: string },
  asks: string,
): Promise<{ code: number; said: string }> {
  const line = `fence_xvm -a ${address} -p ${port} -k ${key} ${asks} 2>&1; echo "=$?"`;
  const { stdout, stderr } = await at(['ssh', from, '--', line]);
  const [, said = '', code] = /^([^]*)=(\d+)\s*$/.exec(stdout) ?? [];
  if (code === undefined) throw new Error(`${from}: ${line}: ${stdout}${stderr}`);
  return { code: Number(code), said };
}

(wanted ? describe : describe.skip)('two labs on one dom0', () => {
  let before: readonly string[];

  beforeAll(async () => {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(bin);
    whole(await first(['up', '--yes']));
    configureSsh();
    before = await dom0Tree();
    await onDom0(`mkdir -p ${dirname(image)} && cp --reflink=always /guests/default.img ${image}`);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('the second is refused before anything is touched, and told what to write instead', async () => {
    write({ guests: 'molly: {memory: 384M}, frederick: {memory: 384M}' });
    const untouched = await dom0Checksum(false);
    const refused = await second(['up', '--yes']);
    expect(refused.code).not.toBe(0);
    for (const what of [`the lab ${name}`, 'the domain molly', '192.168.77.11', '/etc/cluster/fence_xvm.key', '1229'])
      expect(refused.stderr).toContain(what);
    expect(await dom0Checksum(false)).toBe(untouched);

    const line = (topic: string) => new RegExp(`^\\s*(${topic}: .*)$`, 'gm');
    const said = (topic: string) => [...refused.stderr.matchAll(line(topic))].map(([, text = '']) => text);
    const addresses = said('guests').flatMap((text) => [...text.matchAll(/address: ([\d.]+)/g)].map(([, one]) => one));
    const inner = (topic: string) => said(topic).map((text) => /\{(.*)\}/.exec(text)?.[1] ?? '');
    write({
      guests: ['ann', 'bob'].map((guest, n) => `${guest}: {memory: 384M, address: ${addresses[n]}}`).join(', '),
      image: `${inner('image')[0]},`,
      network: said('network')[0],
      fencing: `fencing: {${inner('fencing').join(', ')}}`,
    });
    process.stdout.write(`${readFileSync(yaml, 'utf8')}\n`);
  });

  it('both come up at the same time', async () => {
    whole(await first(['down']));
    const up = ['up', '--yes', '--json'];
    const [one, other] = await Promise.all([first([...up, ...fencing]), second([...up, ...fencing])]);
    whole(one);
    whole(other);
    process.stdout.write(`  first ${one.seconds.toFixed(0)} s, second ${other.seconds.toFixed(0)} s\n`);
    whole(await first(up));
    for (const run of [await first(up), await second([...up, ...fencing])])
      expect(summary(run)).toMatchObject({ changed: 0, later: 0, failed: 0 });
  });

  it('neither can fence the other’s guests, and each its own', async () => {
    const { fencing: ours } = readLab(readFileSync(file, 'utf8'), file);
    const { fencing: theirs, guests } = readLab(readFileSync(yaml, 'utf8'), yaml);
    const ids = () => onDom0('xl list | tr -s " " | cut -d" " -f1,2 | sort');
    const running = await ids();
    // Through its own daemon, by name and by uuid; through the other's, with its own key; and as if it were the other's lab.
    for (const target of ['ann', guests[0]?.uuid ?? ''])
      expect(await fenceXvm(first, 'molly', ours, `-H ${target} -o off`), target).toMatchObject({
        code: 3,
        said: expect.stringContaining('Permission denied'),
      });
    expect((await fenceXvm(second, 'ann', theirs, '-H molly -o off')).code).toBeGreaterThan(0);
    expect(await fenceXvm(first, 'molly', { ...theirs, key: ours.key }, '-H ann -t 5 -o off')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Timed out'),
    });
    expect(await ids()).toBe(running);
    const lists = await fenceXvm(second, 'ann', theirs, '-o list');
    expect(lists.said).toMatch(/^ann .* on\s*\nbob .* on\s*$/);
    whole(await first(['fence-test']));
    whole(await second(['fence-test']));
  });

  it('what one takes away is not the other’s', async () => {
    const kept = () => readdirSync(join(env.XDG_STATE_HOME, 'lab/second')).filter((name) => name.endsWith('.ssh'));
    expect(kept()).toHaveLength(1);
    whole(await second(['destroy', '--yes']));
    expect(kept()).toEqual([]);
    await onDom0(`rm ${image} && rmdir ${dirname(image)}`);
    expect(summary(await first(['up', '--json']))).toMatchObject({ changed: 0, later: 0, failed: 0 });
    expect(await inGuest('molly', 'corosync-quorumtool -s | grep Quorate')).toContain('Yes');
    expect(await dom0Tree()).toEqual(before);
  });
});
