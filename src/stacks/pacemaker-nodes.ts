import { cmapNodes, type CorosyncNode } from '../formats/corosync-conf.ts';
import { formerIn } from '../formats/cib-former.ts';
import { command } from '../model/change.ts';
import { NotYet, Unreachable } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Look, Node, Step } from '../model/step.ts';
import { firstGuest, type Lab } from '../spec/lab.ts';

const section = 'Setting up the cluster 6';

/** The nodes that a running corosync knows, in one order; undefined while it does not run. */
async function ringOf(guest: Reader): Promise<string | undefined> {
  const { code, stdout } = await guest.read(['corosync-cmapctl', 'nodelist.node.']);
  return code === 0 ? inOrder(cmapNodes(stdout)) : undefined;
}

/** The same of another guest, which perhaps cannot be asked. */
async function ringIfThere(guest: Reader): Promise<string | undefined> {
  try {
    return await ringOf(guest);
  } catch (error) {
    if (error instanceof NotYet || error instanceof Unreachable) return undefined;
    throw error;
  }
}

const inOrder = (nodes: readonly CorosyncNode[]) =>
  nodes
    .map(({ nodeId, name, address }) => `${nodeId} ${name} ${address}`)
    .sort()
    .join('\n');

/**
 * A corosync that runs is told of a nodelist that changed, and of two_node with it: corosync-cfgtool(8) -R reloads the file on all
 * nodes of the membership (corosync 3.1; two_node and what it implies follow: its pull requests 521 and 542). The first guest that is behind does it
 * for all. Chained: nobody reloads while another does.
 */
export function nodesTold(lab: Lab, after: readonly Node[]): readonly Step[] {
  const wanted = inOrder(lab.guests);
  const steps: Step[] = [];
  for (const [n, { name }] of lab.guests.entries()) {
    steps.push({
      kind: 'step',
      id: `9.nodes-${name}`,
      title: `Have ${name}’s corosync know all nodes`,
      section,
      on: name,
      after: [after, ...steps.slice(-1)],
      settle: { within: 30_000, hint: `look at: lab ssh ${name} -- journalctl -u corosync` },
      async check(look) {
        const isBehind = (ring: string | undefined) => ring !== undefined && ring !== wanted;
        if (!isBehind(await ringOf(look.host))) return [];
        // One after the other: the first of them that is behind is enough, and is mostly the first.
        for (const guest of lab.guests.slice(0, n)) if (isBehind(await ringIfThere(look.on(guest.name)))) return [];
        return [command(['corosync-cfgtool', '-R'])];
      },
    });
  }
  return steps;
}

/**
 * What a guest that left has left in the cluster's configuration: its fencing resource, that one's constraint, and the node itself,
 * which pacemaker remembers until crm_node(8) -R. Only what lab itself made for a guest goes.
 */
export function formerForgotten(lab: Lab, after: readonly Node[]): Step {
  const { name } = firstGuest(lab);
  return {
    kind: 'step',
    id: '9.former',
    title: 'Forget nodes that are guests no longer',
    section,
    on: name,
    after,
    settle: { within: 30_000, hint: `look at: lab ssh ${name} -- cibadmin -Q` },
    async check({ host }: Look) {
      const { code, stdout, stderr } = await host.read(['cibadmin', '-Q']);
      if (code !== 0) throw new NotYet('9.online', `cibadmin -Q: ${stderr.trim()}`);
      const { constraints, resources, nodes } = formerIn(
        stdout,
        lab.guests.map((guest) => guest.name),
      );
      const removed = (scope: string, xml: string) =>
        command(['cibadmin', '--delete', '-o', scope, '--xml-pipe'], { input: xml });
      return [
        // First what refers to the others.
        ...constraints.map((xml) => removed('constraints', xml)),
        ...resources.map((xml) => removed('resources', xml)),
        ...nodes.map((node) => command(['crm_node', '--force', '--remove', node])),
      ];
    },
  };
}
