import { expect, it } from 'vitest';
import { type RewriteOptions, rewrite } from '../../src/cli/commands/rewrite.ts';
import { BadInput } from '../../src/model/errors.ts';

const uuid = '54a64a64-1db9-4c32-9e0d-0e9d63c4a86c';
const base = `name = "Default"\nuuid = "${uuid}"\ndisk = [ "tap:aio:/guests/default.img,xvda,w" ]\nvif = [ "" ] # net\n`;

async function rewritten(bytes: string | Uint8Array, options: RewriteOptions): Promise<Buffer> {
  const written: Uint8Array[] = [];
  await rewrite('/etc/xen/Default', options, {
    stdout: { write: (some) => written.push(some) },
    readFile: async () => Buffer.from(bytes as string),
  });
  expect(written).toHaveLength(1);
  return Buffer.concat(written);
}

async function complaints(options: RewriteOptions): Promise<string[]> {
  const error = await rewritten(base, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BadInput);
  return (error as BadInput).complaints.map(({ place, message }) => `${place.file}: ${message}`);
}

it('edits what is asked for and nothing else', async () => {
  const disk = ['tap:aio:/guests/molly.img,xvda,w', 'tap:aio:/guests/quorum.dsk,xvdb,w!'];
  const text = `${await rewritten(base, { name: 'molly', disk, vif: ['mac=00:16:3e:00:cf:fe,bridge=xenbr0'] })}`;
  expect(text).toContain('name = "molly"\n');
  expect(text).toContain(`uuid = "${uuid}"\n`);
  expect(text).toContain('quorum.dsk,xvdb,w!');
  expect(text).toContain('vif = [ "mac=00:16:3e:00:cf:fe,bridge=xenbr0" ] # net\n');
});

it('keeps the old lines with --annotate', async () => {
  expect(`${await rewritten(base, { name: 'molly', annotate: true })}`).toMatch(
    /^# name = "Default"\nname = "molly"\n/,
  );
});

it('makes a random uuid for new', async () => {
  const made = async () => /uuid = "(.*)"/.exec(`${await rewritten(base, { uuid: 'new' })}`)?.[1];
  const [one, other] = await Promise.all([made(), made()]);
  expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(other).not.toBe(one);
});

it('gives back what nothing is asked of, byte by byte', async () => {
  for (const bytes of [
    Buffer.from(base),
    Buffer.from(`\uFEFF${base}`),
    Buffer.from(`# caf\xe9\r\n${base}`, 'latin1'),
  ]) {
    expect(await rewritten(bytes, {})).toEqual(bytes);
  }
});

it('keeps the bytes of an old encoding', async () => {
  const edited = await rewritten(Buffer.from(`# caf\xe9\n${base}`, 'latin1'), { disk: ['/guests/ä.img,raw,xvda,rw'] });
  expect(edited.subarray(0, 7)).toEqual(Buffer.from('# caf\xe9\n', 'latin1'));
  expect(edited.includes(Buffer.from('/guests/ä.img'))).toBe(true);
});

it('refuses what no toolstack would take, all at once', async () => {
  expect(
    await complaints({
      name: '-rf',
      uuid: '123',
      disk: ['/a', '/b,raw,xvda', '/c,raw,xvda'],
      vif: ['mac=01:00:5e:0:0:0'],
    }),
  ).toEqual([
    '--name: found "-rf", expected the name of a domain',
    '--uuid: found "123", expected a uuid that is not dom0’s own',
    expect.stringMatching(/^--disk: disk `\/a`: the device is missing/),
    '--disk: found xvda twice, expected a device for each disk',
    expect.stringMatching(/^--vif: .*01:00:5e/),
  ]);
  for (const name of ['', '42', 'Domain-0', '../x', 'a b', 'a\nb', 'x'.repeat(64)]) {
    expect(await complaints({ name })).toHaveLength(1);
  }
  expect(await complaints({ uuid: '00000000-0000-0000-0000-000000000000' })).toHaveLength(1);
});

it('says which file cannot be read, and writes nothing', async () => {
  const io = {
    stdout: { write: () => expect.unreachable() },
    readFile: async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' })),
  };
  await expect(rewrite('nowhere', {}, io)).rejects.toThrow('nowhere: there is no such file');
});
