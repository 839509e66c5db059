import type { Lab } from '../spec/lab.ts';
import { fenceVirtd } from './fence-virtd.ts';
import { fenceXvmd } from './fence-xvmd.ts';
import type { FencingHost } from './fencing-host.ts';

export type { FencingHost } from './fencing-host.ts';

/** fence_virtd asks libvirt, fence_xvmd asks xend: so it follows from the toolstack. */
export function fencingHostOf(lab: Lab): FencingHost {
  return lab.toolstack === 'xm' ? fenceXvmd : fenceVirtd;
}
