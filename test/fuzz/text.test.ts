import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { loadLab } from '../../src/cli/lab-file.ts';
import { iptablesTable } from '../../src/doctor/firewall-iptables.ts';
import { nftTables } from '../../src/doctor/firewall-nft.ts';
import { fateOf } from '../../src/doctor/firewall.ts';
import { seconds } from '../../src/doctor/fencing-resources.ts';
import { devicesIn } from '../../src/doctor/listener.ts';
import { Journal } from '../../src/engine/journal.ts';
import { missingFromCib } from '../../src/formats/cib.ts';
import { brokenClusterConf } from '../../src/formats/cluster-conf-rules.ts';
import { readClusterConf, sameClusterConf } from '../../src/formats/cluster-conf-read.ts';
import { versionFor } from '../../src/formats/cluster-conf.ts';
import { readCorosyncConf } from '../../src/formats/corosync-conf.ts';
import { readCrmMon } from '../../src/formats/crm-mon.ts';
import { readDisk, xlDisk, xmDisk } from '../../src/formats/disk-spec.ts';
import { type DomainEdits, editDomainFile, readDomainFile } from '../../src/formats/domain-file.ts';
import { domainXml, readDomainXml, sameDomain } from '../../src/formats/domain-xml.ts';
import { readFenceVirtConf } from '../../src/formats/fence-virt-conf.ts';
import { judgeNullTest, readFenceList } from '../../src/formats/fence-xvm.ts';
import { judgeXvmdLog } from '../../src/formats/fence-xvmd.ts';
import { lvmVolumes, partitionsOf } from '../../src/formats/image-layout.ts';
import { failedStage, readStages } from '../../src/formats/init-stages.ts';
import { nthMac } from '../../src/formats/mac.ts';
import { editShellVars, readShellVars } from '../../src/formats/shell-vars.ts';
import { readVif, writeVif } from '../../src/formats/vif-spec.ts';
import { readXmList, readXmLong } from '../../src/formats/xm.ts';
import * as scriptlets from '../../src/hosts/scriptlets.ts';
import { BadInput } from '../../src/model/errors.ts';
import { readLab } from '../../src/spec/read.ts';
import { cases, fuzz, isForeseen, orBadInput } from './cases.ts';
import { mutated, mutatedBytes, nasty } from './mutations.ts';
import * as samples from './samples.ts';

const place = { file: 'f' };

test('the cases of all properties are at least 100,000', () => {
  expect(Object.values(cases).reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(100_000);
});

/** Every line of a complaint says where, and what: printable, with line and column unless the file as a whole is meant. */
const complaint = /^(?:lab\.yaml(?::\d+:\d+)?: | {2})[^\p{C}]+$/u;

function refusedWell(text: string): void {
  try {
    readLab(text, 'lab.yaml');
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    for (const line of error.message.split('\n')) expect(line).toMatch(complaint);
    for (const { message } of error.complaints) expect(message).toMatch(/found |bad YAML|bad alias|and \d+ more/);
  }
}

fuzz('lab.yaml, mutated', fc.property(mutated(...samples.labs), refusedWell));

const value = fc.oneof(
  fc.constantFrom<unknown>(...nasty, 0, -1, 1e99, 0.5, true, null, [], {}, [[]], { a: {} }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const key = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...['name', 'host', 'toolstack', 'guests', 'image', 'disks', 'network', 'fencing', 'cluster', 'storage'],
      ...['annotate', 'dom0Cluster', 'path', 'size', 'install', 'copy', 'sha256', 'virtInstall', 'location', 'debian'],
      ...['extraArgs', 'memory', 'vcpus', 'address', 'uuid', 'nodeId', 'device', 'bridge', 'subnet', 'mac', 'key'],
      ...['port', 'stack', 'token', 'services', 'configVersion', 'directory', 'disk', 'node', 'molly', 'shared'],
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...nasty) },
);
const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof({ maxDepth: 4 }, value, fc.dictionary(key, tie('node'), { maxKeys: 4 })),
})).node;

fuzz(
  'lab.yaml, other values',
  fc.property(fc.dictionary(key, tree, { maxKeys: 5 }), fc.boolean(), (data, valid) =>
    refusedWell(JSON.stringify(valid ? { guests: { molly: {}, frederick: {} }, ...data } : data)),
  ),
);

const edits: fc.Arbitrary<DomainEdits> = fc.record(
  {
    name: fc.constantFrom('molly', 'a"b', ...nasty),
    uuid: fc.uuid(),
    memory: fc.nat(),
    vcpus: fc.integer({ min: 1, max: 64 }),
    disk: fc.array(fc.oneof(mutated(...samples.disks), fc.constantFrom(...samples.disks)), { maxLength: 3 }),
    vif: fc.array(fc.constantFrom(...samples.cards), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const options = (annotate: boolean) => ({ file: 'f', annotate, notes: { name: ['Must match domain file name'] } });

fuzz(
  'domain file',
  fc.property(mutated(...samples.domainFiles), edits, (text, wanted) => {
    const edited = orBadInput(() => editDomainFile(text, wanted, options(true)));
    orBadInput(() => domainXml(readDomainFile(text, 'f'), { shared: [], mark: { lab: 'l', guest: 'g' } }));
    if (edited === undefined) return;
    // Every old line is still there, in its order: as it was, or as a comment. No parser of ours decides what a line is.
    const lines = edited.replace(/^\uFEFF/, '').split(/\r?\n/);
    let at = 0;
    for (const old of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
      while (at < lines.length && ![old, `# ${old}`, `#${old}`].includes(lines[at] ?? '')) at++;
      expect(at, `the line ${JSON.stringify(old)} is still there`).toBeLessThan(lines.length);
      at++;
    }
  }),
);
fuzz(
  'domain file, edited twice',
  fc.property(mutated(...samples.domainFiles), edits, fc.boolean(), (text, wanted, annotate) => {
    const edited = orBadInput(() => editDomainFile(text, wanted, options(annotate)));
    if (edited !== undefined) expect(editDomainFile(edited, wanted, options(annotate))).toBe(edited);
  }),
);

fuzz(
  'disk and network cards',
  fc.property(mutated(...samples.disks), mutated(...samples.cards), fc.integer(), (disk, card, n) => {
    const spec = orBadInput(() => readDisk(disk, place));
    if (spec) for (const write of [xlDisk, xmDisk]) orBadInput(() => write(spec));
    const vif = orBadInput(() => readVif(card, place));
    if (vif) orBadInput(() => [writeVif(vif), nthMac(vif.mac ?? '', n)]);
  }),
);

const packet = { protocol: 'udp', port: 1229, by: 'xenbr0' } as const;
const wantedDomain = readDomainXml(samples.domainXmls[0] ?? '');

/** Every parser: what it is given in a lab that works, and how it is called. */
const parsers: Readonly<Record<string, readonly [readonly string[], (text: string) => unknown]>> = {
  'cluster.conf': [
    samples.clusterConfs,
    (text) => [
      orBadInput(() => brokenClusterConf(text, 'f')),
      sameClusterConf(text, samples.clusterConfs[0] ?? ''),
      versionFor({ name: 'a', nodes: [{ name: 'b', id: 1 }] }, [text], 1),
      readClusterConf(text, 'f'),
    ],
  ],
  'corosync.conf': [samples.corosyncConfs, readCorosyncConf],
  'fence_virt.conf': [samples.fenceVirtConfs, (text) => readFenceVirtConf(text, 'f')],
  'domain XML': [samples.domainXmls, (text) => sameDomain(wantedDomain, readDomainXml(text))],
  CIB: [samples.cibs, (text) => missingFromCib(text, samples.wantedCib)],
  crm_mon: [samples.crmMons, readCrmMon],
  'fence_xvm -o list': [samples.lists, readFenceList],
  'fence_xvm -o null': [samples.nullTests, (text) => judgeNullTest(text, 1)],
  fence_xvmd: [samples.xvmdLogs, (text) => judgeXvmdLog(text.split('\n'), 'molly')],
  'sfdisk -d': [samples.partitions, partitionsOf],
  'LVM metadata': [samples.lvms, lvmVolumes],
  'service cman start': [samples.stages, (text) => [readStages(text), failedStage({ stdout: text })]],
  'KEY=value': [
    samples.shellVars,
    (text) => [readShellVars(text), editShellVars(text, { HOSTNAME: 'a', A: undefined })],
  ],
  'xm list': [samples.xmLists, readXmList],
  'xm list --long': [samples.xmLongs, readXmLong],
  'iptables-save': [samples.iptables, (text) => [iptablesTable(text, packet)].map((table) => table && fateOf([table]))],
  'nft -j list ruleset': [samples.nfts, (text) => fateOf(nftTables(text, packet, () => false))],
  '/proc/net/igmp': [samples.igmps, (text) => devicesIn('225.0.0.12', text)],
  'a time of Pacemaker': [['30s', '5min', 'PT1H'], seconds],
};
const share = 1 / Object.keys(parsers).length;
for (const [name, [originals, read]] of Object.entries(parsers)) {
  const parser = fc.property(mutated(...originals), (text) => void orBadInput(() => read(text)));
  test.each(originals)(`${name}: the original is read`, (text) => expect(() => read(text)).not.toThrow());
  fuzz('formats that lab reads', parser, { weight: share, atLeast: 10 / share });
}

const answer = fc.record({
  code: fc.constantFrom(0, 1, 2, 44, 124, 127, 255, Number.NaN),
  stdout: mutatedBytes('4096 8 512 600 0 regular file /a\n', `${'a'.repeat(64)}  /a\n`, 'a\nb\n'),
  stderr: mutated('', 'stat: cannot stat /a: Permission denied', 'File not found by ext2_lookup'),
});
fuzz(
  'a scriptlet’s answer',
  fc.property(answer, (some) => {
    const { readFileScript, listScript, digestScript, statScript, diskFileScript, diskDigestScript, diskStatScript } =
      scriptlets;
    const looks = [readFileScript, listScript, digestScript, statScript].map((script) => script('/a'));
    const inside = [diskFileScript, diskDigestScript, diskStatScript].map((script) => script('/i', '/a'));
    for (const { read } of [...looks, ...inside]) {
      try {
        const found: unknown = read({ ...some, stdout: Buffer.from(some.stdout) });
        // What was garbled is no number, and no digest.
        if (typeof found === 'string') expect(found).toMatch(/^[0-9a-f]{64}$/);
        if (typeof found === 'object' && found !== null && 'size' in found) {
          for (const part of Object.values(found)) if (typeof part === 'number') expect(part).toBeGreaterThanOrEqual(0);
        }
      } catch (error) {
        if (!isForeseen(error)) throw error;
      }
    }
  }),
);

const scratch = mkdtempSync(join(tmpdir(), 'lab-fuzz-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const journal = [
  { is: 'run', run: 'a', at: '2026-01-01', command: 'lab up' },
  { is: 'started', run: 'a', at: '2026-01-01', id: '1.key' },
  {
    is: 'evidence',
    run: 'a',
    at: '2026-01-01',
    id: '8.a',
    basis: 'b',
    evidence: { passed: true, says: 'yes', transcript: [] },
  },
  { is: 'ended', run: 'a', at: '2026-01-01' },
];
const lines = journal.map((entry) => `${JSON.stringify(entry)}\n`).join('');
const odd = fc
  .array(
    fc.record(
      {
        is: fc.constantFrom('run', 'started', 'done', 'evidence', 'ended'),
        run: value,
        id: value,
        at: value,
        basis: value,
        evidence: value,
      },
      { requiredKeys: ['is'] },
    ),
  )
  .map((entries) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
fuzz(
  'journal',
  fc.asyncProperty(
    fc.oneof(
      mutatedBytes(lines),
      odd.map((text) => Buffer.from(text)),
    ),
    async (bytes) => {
      const path = join(scratch, 'journal.jsonl');
      writeFileSync(path, bytes);
      const read = new Journal(path, () => 'now');
      const evidence = await read.evidence('8.a', 'b');
      if (evidence) expect(evidence).toMatchObject({ says: expect.any(String), passed: expect.any(Boolean) });
      const unfinished = await read.unfinished();
      if (unfinished) {
        expect(typeof unfinished.at).toBe('string');
        for (const id of unfinished.ids) expect(typeof id).toBe('string');
      }
    },
  ),
);

fuzz(
  'lab.yaml as bytes on disk',
  fc.asyncProperty(mutatedBytes(...samples.labs), async (bytes) => {
    const path = join(scratch, 'lab.yaml');
    writeFileSync(path, bytes);
    await loadLab(path)
      .then((read) => read())
      .catch((error: unknown) => {
        if (!(error instanceof BadInput)) throw error;
        expect(error.exitCode).toBe(2);
      });
  }),
);
