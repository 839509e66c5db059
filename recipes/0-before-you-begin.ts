import { fencingHostOf } from '../src/fencing/index.ts';
import { markLine } from '../src/formats/seal.ts';
import { command, file } from '../src/model/change.ts';
import type { Chapter, Look, Node, Step } from '../src/model/step.ts';
import type { Lab } from '../src/spec/lab.ts';
import { stackOf } from '../src/stacks/index.ts';
import { dom0Paths } from '../src/spec/paths.ts';
import { directory } from '../src/steps/directory.ts';
import { claimed } from '../src/steps/claims.ts';
import { textOf } from '../src/steps/file-content.ts';
import { ownFile } from '../src/steps/own-file.ts';
import { requirement } from '../src/steps/requirement.ts';
import { toolstackOf } from '../src/toolstacks/index.ts';

const section = 'Before you Begin';

/** Packages that a dom0 needs for this lab. */
export function dom0Tools(lab: Lab): readonly string[] {
  return [...toolstackOf(lab).packages(lab), ...fencingHostOf(lab).packages];
}

/** Is this a dom0 on which the lab can live? The document's warnings, as rules. */
export function beforeYouBegin(lab: Lab, after: readonly Node[]): Chapter {
  const { bridge } = lab.network;
  const isDom0 = requirement({ id: '0.dom0', title: 'Be on a dom0', section, on: 'dom0', after }, async ({ host }) => {
    const capabilities = textOf(await host.readFile('/proc/xen/capabilities')) ?? '';
    if (capabilities.includes('control_d')) return undefined;
    return {
      says: `${host.name} is not a Xen dom0: /proc/xen/capabilities does not say control_d`,
      hint: 'try it in a box: lab up --host sandbox',
    };
  });
  const state = directory(
    { id: '0.state', title: 'Make a private directory for the lab', section, on: 'dom0', after: [isDom0] },
    { path: dom0Paths(lab).state, mode: 0o700 },
  );
  const alone = claimed(
    { id: '0.claims', title: 'Take nothing of this dom0 that another lab has', section, on: 'dom0', after: [state] },
    lab,
  );
  const kept = keptLab(lab, [state]);
  const toolstack = toolstackOf(lab);
  const members = guestsChange(lab)
    ? [
        requirement(
          { id: '0.members', title: 'Let guests come and go', section, on: 'dom0', after: [isDom0] },
          (look) => stackOf(lab).changeable(look, lab, toolstack),
        ),
      ]
    : [];
  const installed = toolstack.tools(
    { id: '0.packages', title: 'Install the tools of dom0', section, on: 'dom0', after: [alone, ...members] },
    dom0Tools(lab),
  );
  const bridged = requirement(
    { id: '0.bridge', title: `Have the bridge ${bridge}`, section, on: 'dom0', after: [isDom0] },
    (look) => brokenBridge(look, lab),
  );
  const snooping = multicastHeard(lab, [bridged, alone]);
  const separate = requirement(
    { id: '0.separate', title: 'Keep dom0 out of the guests’ cluster', section, on: 'dom0', after: [isDom0] },
    async (look) => {
      if ((await stackOf(lab).clusterOf(look.host)) !== lab.name) return undefined;
      return {
        says: `dom0 is a node of a cluster ${lab.name} itself. "Never mix domU and dom0 nodes in the same cluster. Doing so leads to ugly quorum problems."`,
        hint: 'give the lab another name in lab.yaml, or take dom0 out of that cluster',
      };
    },
  );
  const budget = requirement(
    {
      id: '0.budget',
      title: 'Have memory and disk space for the guests',
      section: 'Creating virtual machines 1',
      on: 'dom0',
      after: [isDom0, installed],
    },
    (look) => overBudget(look, lab),
  );
  return {
    id: '0',
    title: 'Before you begin',
    nodes: [isDom0, state, alone, kept, ...members, installed, bridged, snooping, separate, budget],
  };
}

/** Whether lab.yaml has guests that dom0 does not have, beside some that it has, or the other way round. */
function guestsChange({ guests, onDom0 }: Lab): boolean {
  return onDom0 !== undefined && (onDom0.leaving.length > 0 || onDom0.kept.length < guests.length);
}

/** lab.yaml in the lab's own directory on dom0: by it `lab destroy` knows where to look when the file is gone. */
function keptLab(lab: Lab, after: readonly Node[]): Step {
  const text = `${markLine(lab.name)}\n${lab.source.replace(/^\uFEFF/, '')}`;
  return ownFile({ id: '0.lab', title: 'Keep lab.yaml on dom0, for lab destroy', section, on: 'dom0', after }, lab, {
    path: dom0Paths(lab).lab,
    mode: 0o600,
    text: text.endsWith('\n') ? text : `${text}\n`,
  });
}

/** "fence_xvmd was designed with Xen Bridged networking in mind." */
async function brokenBridge({ host }: Look, lab: Lab) {
  const { bridge, subnet, dom0Address, prefix } = lab.network;
  const on = toolstackOf(lab).addressOnBridge ? ['dev', bridge] : [];
  const [there, address] = await Promise.all([
    host.stat(`/sys/class/net/${bridge}/bridge`),
    host.read(['ip', '-o', '-4', 'address', 'show', ...on]),
  ]);
  const quote = '"If you can\'t reach domU guests from outside the dom0, chances are, fence_xvm won\'t work."';
  if (there?.kind !== 'directory') {
    return {
      says: `there is no bridge ${bridge} on ${host.name}. ${quote}`,
      hint: `make it (ifupdown: "iface ${bridge} inet static", "bridge_ports …", "address ${dom0Address}/${prefix}"), or name yours in lab.yaml: network.bridge`,
    };
  }
  if (address.stdout.includes(` ${dom0Address}/`)) return undefined;
  return {
    says: `${on.length > 0 ? bridge : host.name} does not have the address ${dom0Address}, the first of ${subnet}: dom0 could not reach the guests. ${quote}`,
    hint: `ip address add ${dom0Address}/${prefix} dev ${bridge}, or set network.subnet in lab.yaml`,
  };
}

/**
 * A bridge that snoops multicast and has no querier forgets who listens after some minutes: fence_virtd goes deaf.
 * This lasts until the next boot of dom0; lab up does it again.
 */
function multicastHeard(lab: Lab, after: readonly Node[]): Step {
  const { bridge } = lab.network;
  const note = dom0Paths(lab).querier(bridge);
  const directory = `/sys/class/net/${bridge}/bridge`;
  return {
    kind: 'step',
    id: '0.multicast',
    title: `Keep multicast alive on ${bridge}`,
    section,
    on: 'dom0',
    after,
    async check({ host }) {
      const [snooping, querier] = await Promise.all([
        host.readFile(`${directory}/multicast_snooping`),
        host.readFile(`${directory}/multicast_querier`),
      ]);
      // No such file: a kernel whose bridges do not snoop, before 2.6.34.
      if ((textOf(snooping) ?? '0').trim() === '0' || textOf(querier)?.trim() === '1') return [];
      return [
        file(note, 0o644, `${markLine(lab.name)}\n`),
        command(['ip', 'link', 'set', 'dev', bridge, 'type', 'bridge', 'mcast_querier', '1']),
      ];
    },
  };
}

const mib = 1024 ** 2;
/** What an installed default image takes, while there is none to measure (bytes). */
const usualImage = 1200 * mib;

/** Memory of the guests that do not run yet against what Xen has free; bytes that will really be allocated against the file system. */
async function overBudget(look: Look, lab: Lab) {
  const { host } = look;
  const directory = lab.image.path.slice(0, lab.image.path.lastIndexOf('/')) || '/';
  const toolstack = toolstackOf(lab);
  const [free, space, image, clones, running] = await Promise.all([
    toolstack.freeMemory(look),
    host.read(['df', '-P', '-T', '-B1', directory]),
    host.stat(lab.image.path),
    Promise.all(lab.guests.map(({ disk }) => host.stat(disk))),
    Promise.all(lab.guests.map((guest) => toolstack.isRunning(look, guest))),
  ]);
  const memory = lab.guests.reduce((sum, { memoryMiB }, n) => sum + (running[n] ? 0 : memoryMiB), 0);
  if (memory > free)
    return {
      says: `the guests need ${memory} MiB of memory, and Xen has ${free} MiB free`,
      hint: 'give them less in lab.yaml, or dom0 (dom0_mem= on the boot line of Xen)',
    };
  // A directory that is not there yet is not measured; df then says so.
  const [, type = '', , , available = Number.POSITIVE_INFINITY] = space.stdout.split('\n')[1]?.split(/\s+/) ?? [];
  const perClone = /xfs|btrfs/.test(type) ? 64 * mib : image?.allocated || usualImage;
  const needed = (image?.allocated ? 0 : usualImage) + clones.filter((clone) => clone === undefined).length * perClone;
  if (Number.isNaN(Number(available))) {
    return {
      says: `df does not tell how many bytes are free in ${directory}: ${JSON.stringify(space.stdout.slice(0, 200))}`,
      hint: `try it by hand: df -P -T -B1 ${directory}`,
    };
  }
  if (needed <= Number(available)) return undefined;
  return {
    says: `the images will take ${Math.ceil(needed / mib)} MiB in ${directory}, and ${Math.floor(Number(available) / mib)} MiB are free`,
    hint: 'make room, or set image.path in lab.yaml',
  };
}
