import { type CibSections, missingFromCib } from '../formats/cib.ts';
import { readCrmMon } from '../formats/crm-mon.ts';
import { type Change, command } from '../model/change.ts';
import { NotYet } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

/**
 * How much longer pacemaker's own time-outs are than its defaults. They stay in the cluster's configuration, so they must not
 * follow today's speed of the machine; this much was needed on the slowest one (a dom0 without hardware virtualization).
 */
export const patience = 4;

export const cibSections = ['crm_config', 'resources', 'constraints'] as const;

/** The sections of the cluster's configuration that lack something wanted: cibadmin(8) -Q. */
export async function missingSections(host: Reader, wanted: CibSections): Promise<readonly (keyof CibSections)[]> {
  const { code, stdout, stderr } = await host.read(['cibadmin', '-Q']);
  if (code !== 0) throw new NotYet('9.online', `cibadmin -Q: ${stderr.trim()}`);
  return [...new Set(missingFromCib(stdout, wanted).map(({ section }) => section))];
}

/** Adds what is missing in a section; what others set there stays. */
export const cibChange = (name: keyof CibSections, wanted: CibSections): Change =>
  command(['cibadmin', '--modify', '--allow-create', '-o', name, '--xml-pipe'], { input: wanted[name] });

/** What crm_mon(8) tells; undefined while pacemaker does not run. */
export async function clusterState(host: Reader) {
  const { code, stdout } = await host.read(['crm_mon', '-1', '--output-as=xml']);
  return code === 0 ? readCrmMon(stdout) : undefined;
}
