import { type CibSections, missingFromCib } from '../formats/cib.ts';
import { readCrmMon } from '../formats/crm-mon.ts';
import { element } from '../formats/xml.ts';
import { type Change, command } from '../model/change.ts';
import { NotYet } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

/**
 * How much longer pacemaker's own time-outs are than its defaults. They stay in the cluster's configuration, so they must not
 * follow today's speed of the machine; this much was needed on the slowest one (a dom0 without hardware virtualization).
 */
export const patience = 4;

const sections = ['crm_config', 'resources', 'constraints'] as const;

/** What is missing in the cluster's configuration (cibadmin(8) -Q), as one change of it: [] if nothing is. */
export async function missingConfiguration(host: Reader, wanted: CibSections): Promise<readonly Change[]> {
  const { code, stdout, stderr } = await host.read(['cibadmin', '-Q']);
  if (code !== 0) throw new NotYet('9.online', `cibadmin -Q: ${stderr.trim()}`);
  const missing = missingFromCib(stdout, wanted).map(({ section }) => section);
  return missing.length === 0 ? [] : [cibChange(wanted, missing)];
}

/**
 * Adds what is missing; what others set there stays. All of it at once: a file system without the constraint that it comes after
 * its lock manager would be mounted too early, and not tried again.
 */
export function cibChange(wanted: CibSections, which: readonly (keyof CibSections)[] = sections): Change {
  const said = sections.filter((name) => which.includes(name)).map((name) => wanted[name]);
  return command(['cibadmin', '--modify', '--allow-create', '-o', 'configuration', '--xml-pipe'], {
    input: element('configuration', {}, said),
  });
}

/** What crm_mon(8) tells; undefined while pacemaker does not run. */
export async function clusterState(host: Reader) {
  const { code, stdout } = await host.read(['crm_mon', '-1', '--output-as=xml']);
  return code === 0 ? readCrmMon(stdout) : undefined;
}
