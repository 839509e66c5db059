import { storageIds, storageResources } from '../formats/cib-storage.ts';
import type { Change } from '../model/change.ts';
import { Refused } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { firstGuest, type Lab, type Storage } from '../spec/lab.ts';
import { awaited } from '../steps/requirement.ts';
import { makeGfs2 } from './gfs2.ts';
import { journalsFor } from './gfs2-journals.ts';
import { cibChange, clusterState, missingConfiguration, patience } from './pacemaker-cib.ts';
import { storageProof } from './storage-proof.ts';

const section = "That's it!";

/** "Now you can make a GFS file system on /dev/xvdc and mount it from both nodes": mkfs, lock manager, mounts, and the proof. */
export function pacemakerStorage(lab: Lab, storage: Storage, after: readonly Node[]): readonly Node[] {
  const first = firstGuest(lab);
  const device = `/dev/${storage.disk.device}`;
  const wanted = storageResources({ device, directory: storage.directory, scale: patience });
  const made: Step = {
    kind: 'step',
    id: '10.file-system',
    title: `Make a GFS2 on ${device}`,
    section,
    on: first.name,
    after,
    foreseen: [makeGfs2(lab, storage, device)],
    check: (look) => missingFileSystem(look, lab, storage, device),
  };
  const configured: Step = {
    kind: 'step',
    id: '10.resources',
    title: 'Let the cluster mount it on all guests',
    section,
    on: first.name,
    after: [made],
    foreseen: [cibChange(wanted, ['resources', 'constraints'])],
    check: ({ host }) => missingConfiguration(host, wanted),
  };
  const journals = journalsFor(lab, storage, '10.journals', [configured]);
  const mounted = awaited(
    { id: '10.mounted', title: 'Wait until all guests have mounted it', section, on: first.name, after: [journals] },
    { within: 180_000, hint: `look at: lab ssh ${first.name} -- crm_mon -1` },
    async (look) => {
      const state = await clusterState(look.host);
      const lacks = (id: string) =>
        lab.guests.filter(({ name }) => !state?.clones.get(id)?.includes(name)).map(({ name }) => name);
      const [locks, mounts] = [lacks(storageIds.dlm), lacks(storageIds.fileSystem)];
      if (mounts.length === 0) return undefined;
      const what = locks.length > 0 ? `no lock manager on ${locks.join(', ')}` : `not mounted on ${mounts.join(', ')}`;
      return [what, ...(state?.failed ?? [])].join('; ');
    },
  );
  return [made, configured, journals, mounted, storageProof(lab, storage, [mounted], uuidOf)];
}

/**
 * Never a mkfs over anything: blkid(8) -p must find nothing at all. A GFS2 of our lock table is adopted.
 * @throws Refused for whatever else is there
 */
async function missingFileSystem(
  { host }: Look,
  lab: Lab,
  storage: Storage,
  device: string,
): Promise<readonly Change[]> {
  const { code, stdout, stderr } = await host.read(['blkid', '-p', '-o', 'export', device]);
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1];
  const hint = `look at it: lab ssh ${host.name} -- wipefs -n ${device}; storage: none in lab.yaml leaves the disk alone`;
  if (code === 2 && stdout === '' && stderr === '') return [makeGfs2(lab, storage, device)];
  if (code !== 0)
    throw new Refused(`what is on ${device} cannot be told: ${stderr.trim() || `blkid ended with ${code}`}`, hint);
  if (value('TYPE') !== 'gfs2') {
    throw new Refused(`${device} holds something else: ${value('TYPE') ?? value('PTTYPE') ?? stdout.trim()}`, hint);
  }
  if (value('LABEL') === storage.table) return [];
  throw new Refused(
    `the GFS2 on ${device} has the lock table ${value('LABEL') ?? '(unknown)'}, not ${storage.table}: the cluster could not mount it`,
    `its first half must be the cluster's name. To take it over: tunegfs2 -o locktable=${storage.table} ${device} on one guest`,
  );
}

/** The file system's own uuid: what a proof holds for. */
async function uuidOf(host: Reader, device: string): Promise<string | undefined> {
  const { stdout } = await host.read(['blkid', '-p', '-o', 'export', device]);
  return /^UUID=(.*)$/m.exec(stdout)?.[1];
}
