import { readDomainXml } from '../formats/domain-xml.ts';
import { BadInput } from '../model/errors.ts';
import type { Hosts, Reader } from '../model/host.ts';
import type { Lab } from '../spec/lab.ts';
import { dom0Paths } from '../spec/paths.ts';
import { labReader } from '../spec/read.ts';
import { directoryOf } from '../steps/marks.ts';
import { domainDefinitions } from '../toolstacks/virsh.ts';
import { contextOf, type WhichLab } from './context.ts';
import type { ReadLab } from './lab-file.ts';

/*
 * `lab destroy --name LAB`: lab.yaml is gone. dom0 has a copy of it; without that, the marks on the domains and the usual places
 * have to do. What is removed is decided by the marks either way: this only says where to look.
 */

/** The lab of that name, as far as dom0 can tell. @throws BadInput for a name that is none */
export async function labOnDom0(name: string, which: WhichLab): Promise<ReadLab> {
  const usual = usualLab(name, []);
  const { lab, hosts } = await contextOf(usual, which);
  const dom0 = hosts.host('dom0');
  const bytes = await dom0.readFile(dom0Paths(lab).lab);
  const kept = bytes && readKept(new TextDecoder().decode(bytes), name);
  return kept ?? (await fromDomains(dom0, name));
}

/** The labs that have something on a dom0, by their directories and by the marks on its domains. */
export async function labsOn(hosts: Hosts, lab: Lab): Promise<readonly string[]> {
  const dom0 = hosts.host('dom0');
  const [directories = [], domains] = await Promise.all([
    dom0.list(directoryOf(dom0Paths(lab).state)),
    lab.toolstack === 'libvirt' ? domainDefinitions(dom0) : new Map<string, string>(),
  ]);
  const marked = [...domains.values()].flatMap((xml) => readDomainXml(xml).mark?.lab ?? []);
  return [...new Set([...directories, ...marked])].sort();
}

/** The copy; one that is damaged, or of another lab, is none. */
function readKept(text: string, name: string): ReadLab | undefined {
  try {
    const { lab } = labReader(text, 'lab.yaml on dom0');
    return lab().name === name ? async (kept) => lab(kept) : undefined;
  } catch (error) {
    if (error instanceof BadInput) return undefined;
    throw error;
  }
}

async function fromDomains(dom0: Reader, name: string): Promise<ReadLab> {
  if ((await dom0.read(['which', 'xm'])).code === 0)
    return asked(
      `name: ${name}\ntoolstack: xm\ncluster: {stack: cman}\nguests: {molly: {}, frederick: {}}\nimage: {install: none}\n`,
    );
  const facts = [...(await domainDefinitions(dom0)).values()]
    .map(readDomainXml)
    .filter(({ mark }) => mark?.lab === name);
  const disk = facts.flatMap(({ disks }) => disks.map(({ path }) => path)).find((path) => path !== '');
  return usualLab(
    name,
    facts.map((one) => one.name),
    disk && directoryOf(disk),
  );
}

/** @throws BadInput for a name that is none */
function usualLab(name: string, guests: readonly string[], directory = '/guests'): ReadLab {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(name))
    throw new BadInput([
      {
        place: { file: '--name' },
        message: `found "${name}", expected the name of a lab: at most 16 of [A-Za-z0-9_-]`,
      },
    ]);
  const names = guests.length > 0 ? guests : ['molly', 'frederick'];
  const text = {
    name,
    guests: Object.fromEntries(names.map((guest) => [guest, {}])),
    image: { path: `${directory}/default.img` },
  };
  return asked(JSON.stringify(text));
}

/** @throws BadInput */
function asked(text: string): ReadLab {
  const { lab } = labReader(text, '--name');
  return async (kept) => lab(kept);
}
