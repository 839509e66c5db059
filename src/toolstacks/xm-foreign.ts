import { readDomainFile } from '../formats/domain-file.ts';
import { readVif } from '../formats/vif-spec.ts';
import { readXmLong } from '../formats/xm.ts';
import { Foreign } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { ownerOf } from '../steps/domain-file.ts';
import { textOf } from '../steps/file-content.ts';
import { clash, clashWith, type Identity } from './clash.ts';

/** Where domain files are, and what else is there: xend's own configuration and its examples. */
const directory = '/etc/xen';
const notDomains = /\.(sxp|conf|rpmnew|rpmsave|before-lab|by-hand-\w+)$|^xmexample|^Default$/;

/**
 * A domain of somebody else with a name, uuid or MAC of this lab. xm lists only what runs, so the files in /etc/xen are read as
 * well: those of domains that are off.
 */
export async function foreignDomain(dom0: Reader, lab: Lab) {
  const [long, names = []] = await Promise.all([dom0.read(['xm', 'list', '--long']), dom0.list(directory)]);
  const paths = names.filter((name) => !notDomains.test(name)).map((name) => `${directory}/${name}`);
  const stats = await Promise.all(paths.map((path) => dom0.stat(path)));
  const files = paths.filter((_, n) => stats[n]?.kind === 'file' && stats[n].size < 65_536);
  const texts = (await Promise.all(files.map((path) => dom0.readFile(path)))).map((bytes) => textOf(bytes) ?? '');
  const own = new Set(lab.guests.map(({ uuid }) => uuid));
  const running = readXmLong(long.stdout).filter(
    // Running from our own file: it has the name and the uuid that the file says.
    ({ name, uuid = '' }) => !(own.has(uuid) && lab.guests.some((guest) => guest.name === name && guest.uuid === uuid)),
  );
  const adopted = running.find(
    ({ name }) => lab.adopt?.includes(name) && lab.guests.some((guest) => guest.name === name),
  );
  if (adopted)
    throw new Foreign(
      `the domain ${adopted.name}, which is to be adopted, runs`,
      `stop it first: xm shutdown ${adopted.name}`,
    );
  const written = texts.flatMap((text, n) =>
    ownerOf(text) === lab.name ? [] : identityIn(text, files[n] ?? '').map((one) => ({ ...one, owner: ownerOf(text) })),
  );
  for (const { where, owner, ...found } of [
    ...running.map((domain) => ({ ...domain, where: 'that runs', owner: undefined })),
    ...written,
  ]) {
    const what = clash(lab, found);
    if (what) throw clashWith(`${found.name} ${where}`, owner, what, found.name);
  }
  return undefined;
}

/** What a domain file says; nothing if it is none, or Python decides it. */
function identityIn(text: string, path: string): readonly (Identity & { where: string })[] {
  try {
    const { values } = readDomainFile(text, path);
    const [name, uuid, vif] = ['name', 'uuid', 'vif'].map((key) => values.get(key));
    if (typeof name !== 'string') return [];
    const cards = Array.isArray(vif) ? (vif as readonly string[]) : [];
    const macs = cards.flatMap((card) => readVif(card, { file: path }).mac ?? []);
    return [{ name, where: `in ${path}`, macs, ...(typeof uuid === 'string' ? { uuid } : {}) }];
  } catch {
    return [];
  }
}
