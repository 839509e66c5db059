import { fail, getopt, type Handler, ok } from './call.ts';
import { confPath, membersOf, readConf, ringOf, wasSeen } from './corosync.ts';

/** corosync-cmapctl(8) with a prefix: the nodes that the running corosync knows. */
export const cmapctl: Handler = ({ machine, args }) => {
  const ring = ringOf(machine);
  const [prefix = ''] = getopt(args, []).rest;
  if (!ring) return fail(1, 'Failed to initialize the cmap API. Error CS_ERR_LIBRARY');
  const rows = ring.nodes.flatMap(({ id, name, address }, n) => [
    `nodelist.node.${n}.name (str) = ${name}`,
    `nodelist.node.${n}.nodeid (u32) = ${id}`,
    `nodelist.node.${n}.ring0_addr (str) = ${address}`,
  ]);
  const found = rows.filter((row) => row.startsWith(prefix));
  return found.length > 0 ? ok(`${found.join('\n')}\n`) : { code: 1 };
};

/**
 * corosync-cfgtool(8) -R: all members read their own file again. Nodes and two_node change, and with two_node wait_for_all, whose
 * status stays what it was (corosync's pull requests 521 and 542). A member that is left out of the list, or whose id would
 * change, is refused here: it would be cut off alive.
 */
export const cfgtool: Handler = ({ world, machine, args, midway }) => {
  if (!getopt(args, ['-R']).has('-R')) return fail(1, 'corosync-cfgtool: only -R is simulated');
  if (!ringOf(machine)) return fail(1, 'Could not initialize corosync configuration API error CS_ERR_LIBRARY');
  const members = membersOf(world, machine);
  const files = members.map(({ tree }) => readConf(tree.text(confPath) ?? ''));
  const refused = files.some(({ nodes, cluster }, n) =>
    members.some((member) => {
      const ring = ringOf(member);
      return cluster !== ringOf(members[n] ?? machine)?.cluster || !nodes.some(({ id }) => id === ring?.id);
    }),
  );
  if (refused)
    return fail(1, 'Could not reload configuration. Error CS_ERR_INVALID_PARAM', 'Reloading corosync.conf...\n');
  // Told one after the other: who dies midway leaves a cluster that is of two minds.
  for (const [n, member] of members.entries()) {
    const service = member.state.services.corosync;
    const { nodes = [], twoNode = false } = files[n] ?? {};
    if (service?.ring) service.ring = { ...service.ring, nodes, twoNode };
    if (n === 0 && members.length > 1) {
      world.save();
      midway();
    }
  }
  wasSeen(world);
  return ok('Reloading corosync.conf...\nDone\n');
};
