import type { Chapter, Node } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

/** "Now you can make a GFS file system on /dev/xvdc and mount it from both nodes." */
export function theSharedDisk(lab: Lab, after: readonly Node[]): Chapter {
  const { storage } = lab;
  const shared = storage ? toolstackOf(lab).shared?.(lab, storage.disk, after) : undefined;
  const nodes = storage ? (stackOf(lab).storage?.(lab, storage, shared ? [...after, shared] : after) ?? []) : [];
  return { id: '10', title: 'The shared disk', nodes: [...(shared ? [shared] : []), ...nodes] };
}
