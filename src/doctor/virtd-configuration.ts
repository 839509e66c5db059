import { virtdOf } from '../fencing/virtd.ts';
import type { Lab } from '../spec/lab.ts';
import { textOf } from '../steps/file-content.ts';
import { unitState } from '../steps/service.ts';
import { broken, holds, type Probe, probe } from './probe.ts';
import { asLabWritesIt, difference } from './virtd-difference.ts';
import { again } from './virtd.ts';

/** What fence_virtd is told, against lab.yaml; and whether it was told before it started. */
export const virtdConfigured = (lab: Lab): Probe =>
  probe('configuration', async (look) => {
    const dom0 = look.on('dom0');
    const { unit, conf: path } = virtdOf(lab);
    const [conf, { started, active }, written] = await Promise.all([
      dom0.readFile(path).then(textOf),
      unitState(dom0, unit),
      dom0.stat(path),
    ]);
    if (conf === undefined) {
      const says = `dom0 has no ${path}`;
      return broken(says, { name: 'not-configured', says, cure: asLabWritesIt });
    }
    const wrong = difference(lab, conf);
    if (wrong) return broken(wrong.says, wrong);
    if (active === 'active' && (written?.modified ?? 0) > started) {
      const says = `${path} was written after fence_virtd was started`;
      return broken(says, { name: 'daemon-stale', says: `${says}: it has not read it`, cure: again(lab) });
    }
    const { bridge } = lab.network;
    return holds(
      `multicast ${lab.fencing.address}:${lab.fencing.port} on ${bridge}, libvirt at xen:///system`,
      'as the guests ask, and read by the daemon that runs',
    );
  });
