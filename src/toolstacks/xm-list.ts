import { readXmList, type XmState } from '../formats/xm.ts';
import { LabError } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';

/** The state of a domain in `xm list`; undefined for one that is not there: xm knows no domain that is off. */
export async function xmState(dom0: Reader, name: string): Promise<XmState | undefined> {
  const { code, stdout, stderr } = await dom0.read(['xm', 'list']);
  // 127: chapter 0 says that there is no xm.
  if (code === 127) return undefined;
  if (code !== 0) {
    throw new LabError(
      `on ${dom0.name}: xm list: ${stderr.trim() || `exit code ${code}`}`,
      'is xend running there? service xend status',
    );
  }
  return readXmList(stdout).get(name);
}
