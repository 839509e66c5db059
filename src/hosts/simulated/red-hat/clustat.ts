import { fail, getopt, type Handler, ok } from '../call.ts';
import type { Machine } from '../world.ts';
import { readConf } from './cman-conf.ts';
import { clusterId, diskOf } from './cman-tools.ts';
import { cmanOf, diskVotes, membersOf, quorumOf } from './cman.ts';

/** clustat(8): members, and what rgmanager has, if it runs. */
export const clustat: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-x', '-Q', '-i'], []);
  const cman = cmanOf(machine);
  const { quorate } = quorumOf(world, machine);
  if (options.has('-Q')) return { code: quorate ? 0 : 1 };
  if (!cman) return fail(1, 'Could not connect to CMAN: Connection refused');
  const members = membersOf(world, machine);
  const manages = (at: Machine | undefined) => at?.state.services.rgmanager !== undefined;
  const conf = readConf(machine.tree);
  const services = typeof conf === 'object' && manages(machine) ? conf.services : [];
  if (options.has('-x')) {
    const nodes = cman.nodes.map(({ name, id }) => {
      const member = members.find((at) => cmanOf(at)?.node === name);
      return `    <node name="${name}" state="${member ? 1 : 0}" local="${name === cman.node ? 1 : 0}" estranged="0" rgmanager="${manages(member) ? 1 : 0}" rgmanager_master="0" qdisk="0" nodeid="0x${id.toString(16).padStart(8, '0')}"/>\n`;
    });
    const groups = services.map(
      (name) => `    <group name="service:${name}" state="119" state_str="disabled" owner="none" last_owner="none"/>\n`,
    );
    return ok(
      `<?xml version="1.0"?>\n<clustat version="4.1.1">\n  <cluster name="${cman.cluster}" id="${clusterId(cman.cluster)}" generation="${4 * members.length}"/>\n  <quorum quorate="${quorate ? 1 : 0}" groupmember="${manages(machine) ? 1 : 0}"/>\n  <nodes>\n${nodes.join('')}  </nodes>\n  <groups>\n${groups.join('')}  </groups>\n</clustat>\n`,
    );
  }
  const rows = cman.nodes.map(({ name, id }) => {
    const member = members.find((at) => cmanOf(at)?.node === name);
    const words = [
      member ? 'Online' : 'Offline',
      ...(name === cman.node ? ['Local'] : []),
      ...(manages(member) ? ['rgmanager'] : []),
    ];
    return ` ${name.padEnd(40)} ${String(id).padStart(4)} ${words.join(', ')}\n`;
  });
  const disk = diskVotes(world, machine) === undefined ? undefined : diskOf(world, machine, cman);
  if (disk !== undefined) rows.push(` ${disk.padEnd(40)} ${'0'.padStart(4)} Online, Quorum Disk\n`);
  const owned = services.map((name) => ` ${`service:${name}`.padEnd(30)} ${'(none)'.padEnd(30)} disabled\n`);
  const list =
    owned.length === 0
      ? ''
      : `\n Service Name                   Owner (Last)                   State\n ------- ----                   ----- ------                   -----\n${owned.join('')}`;
  const date = new Date(world.state.clock * 1000).toUTCString();
  return ok(
    `Cluster Status for ${cman.cluster} @ ${date}\nMember Status: ${quorate ? 'Quorate' : 'Inquorate'}\n\n Member Name                               ID   Status\n ------ ----                               ---- ------\n${rows.join('')}${list}\n`,
  );
};
