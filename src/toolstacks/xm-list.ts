import { readXmList, type XmState } from '../formats/xm.ts';
import { LabError } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

/** The states of the domains in `xm list`, by name: xm knows no domain that is off. */
export async function xmStates(dom0: Reader): Promise<ReadonlyMap<string, XmState>> {
  const { code, stdout, stderr } = await dom0.read(['xm', 'list']);
  // 127: chapter 0 says that there is no xm.
  if (code === 127) return new Map();
  if (code !== 0) {
    throw new LabError(
      `on ${dom0.name}: xm list: ${stderr.trim() || `exit code ${code}`}`,
      'is xend running there? service xend status',
    );
  }
  return readXmList(stdout);
}

/** The state of one domain; undefined for one that is not there. */
export async function xmState(dom0: Reader, name: string): Promise<XmState | undefined> {
  return (await xmStates(dom0)).get(name);
}
