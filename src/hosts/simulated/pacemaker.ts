import { fail, getopt, type Handler, ok } from './call.ts';
import { isSection } from './cib.ts';
import { clusterOf, deviceFor, tellFenced } from './cluster.ts';
import { monitorText, monitorXml } from './crm-mon.ts';
import { fence } from './libvirt.ts';

/** pacemaker 2.1.5 as its tools show it; while it is off, in the words measured on a real guest. */

const cibadmin: Handler = ({ world, machine, args, input, midway }) => {
  const options = getopt(
    args,
    ['-Q', '--query', '-M', '--modify', '-D', '--delete', '--allow-create', '-c', '-p', '--xml-pipe'],
    ['-o', '--scope', '-X', '--xml-text'],
  );
  const cluster = clusterOf(world, machine);
  if (!cluster)
    return fail(
      102,
      'Could not connect to the CIB: Transport endpoint is not connected\nInit failed, could not perform requested operations',
    );
  const scope = options.value('-o', '--scope');
  if (scope !== undefined && !isSection(scope)) return fail(64, `cibadmin: Invalid scope: ${scope}`);
  if (options.has('-Q', '--query')) return ok(cluster.cib.text);
  const deletes = options.has('-D', '--delete');
  if ((!options.has('-M', '--modify') && !deletes) || scope === undefined)
    return fail(64, 'cibadmin: only --query, and --modify and --delete with a scope, are simulated');
  if (!cluster.quorate)
    return fail(1, 'Call cib_modify failed (-1007): Update does not conform to the configured schema: no quorum');
  const xml = options.value('-X', '--xml-text') ?? (options.has('-p', '--xml-pipe') ? input.toString() : '');
  try {
    if (deletes) {
      if (!cluster.cib.remove(scope, xml))
        return fail(78, 'Call cib_delete failed (-203): Update does not conform to the configured schema');
    } else if (!cluster.cib.modify(scope, xml, options.has('--allow-create', '-c')))
      return fail(105, 'Call cib_modify failed (-6): No such device or address');
  } catch {
    return fail(65, "Couldn't parse input from STDIN.");
  }
  midway();
  cluster.cib.store(cluster.members);
  world.state.configured = Date.now();
  return ok();
};

const notConnected =
  'error: Could not connect to launcher: Connection refused\ncrm_mon: Connection to cluster failed: Connection refused';

const crmMon: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-1', '-r', '-f'], ['--output-as']);
  const xml = options.value('--output-as') === 'xml';
  if (!options.has('-1')) return fail(64, 'crm_mon: only -1 is simulated');
  if (options.has('--output-as') && !xml) return fail(64, 'crm_mon: only --output-as=xml is simulated');
  const cluster = clusterOf(world, machine);
  const request = `<pacemaker-result api-version="2.25" request="crm_mon ${args.join(' ')}">`;
  if (!cluster && !xml) return fail(102, notConnected);
  if (!cluster) {
    const errors = notConnected.split('\n').map((line) => `      <error>${line}</error>\n`);
    return {
      code: 102,
      stdout: `${request}\n  <status code="102" message="Not connected">\n    <errors>\n${errors.join('')}    </errors>\n  </status>\n</pacemaker-result>\n`,
    };
  }
  return ok(
    xml
      ? `${request}\n${monitorXml(cluster)}  <status code="0" message="OK"/>\n</pacemaker-result>\n`
      : monitorText(cluster),
  );
};

/** stonith_admin(8): -L lists the devices that this node may use; -H tells what was fenced. */
const stonithAdmin: Handler = ({ world, machine, args }) => {
  const options = getopt(
    args,
    ['-L', '--list-registered'],
    ['-H', '--history', '-t', '--timeout', '-B', '--reboot', '-F', '--fence'],
  );
  const cluster = clusterOf(world, machine);
  if (!cluster) return fail(102, 'Could not connect to fencer: Transport endpoint is not connected');
  if (options.has('-H', '--history')) {
    const target = options.value('-H', '--history') ?? '*';
    const found = world.state.journal.filter(
      ({ unit, text }) =>
        unit === 'pacemaker' && text.startsWith(`Operation 'reboot' targeting ${target === '*' ? '' : target}`),
    );
    return ok(found.map(({ text }) => `${text}\n`).join(''));
  }
  const operation = options.has('-B', '--reboot') ? 'reboot' : 'off';
  const target = options.value('-B', '--reboot', '-F', '--fence');
  if (target !== undefined) {
    const device = deviceFor(cluster, target);
    if (!device) return fail(234, `Fencing of ${target} failed: No fence device`);
    if (!fence(world, target, operation)) return fail(1, `Fencing of ${target} failed: Error occurred`);
    tellFenced(world, machine.name, operation, target, device);
    return ok();
  }
  if (!options.has('-L', '--list-registered'))
    return fail(64, 'stonith_admin: only -L, -H, --reboot and --fence are simulated');
  const here = cluster.nameOf(machine);
  const devices = cluster.cib
    .all('primitive')
    .filter((at) => at.attributes.class === 'stonith')
    .flatMap((at) => at.attributes.id ?? [])
    .filter((id) => !cluster.bans(id, here));
  const count = `${devices.length} fence device${devices.length === 1 ? '' : 's'} found\n`;
  return ok(devices.map((id) => `${id}\n`).join('') + count);
};

/** crm_node(8) --force --remove: a node that is gone from the membership is taken out of the configuration. */
const crmNode: Handler = ({ world, machine, args, midway }) => {
  const options = getopt(args, ['-f', '--force', '-l', '--list'], ['-R', '--remove']);
  const cluster = clusterOf(world, machine);
  const name = options.value('-R', '--remove');
  if (!cluster) return fail(102, 'error: Could not connect to controller: Connection refused');
  if (name === undefined) return fail(64, 'crm_node: only --remove is simulated');
  if (!options.has('-f', '--force'))
    return fail(
      64,
      'The supplied command is considered dangerous. To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.',
    );
  if (
    cluster.members.some((member) => cluster.nameOf(member) === name) ||
    cluster.nodes.some((node) => node.name === name)
  )
    return fail(64, `error: Could not remove node ${name}: it is still a node of the cluster`);
  if (!cluster.quorate) return fail(1, `error: Could not remove node ${name}: no quorum`);
  midway();
  if (!cluster.cib.forget(name)) return fail(6, `error: No such node ${name}`);
  cluster.cib.store(cluster.members);
  world.state.configured = Date.now();
  return ok();
};

/** crm_resource(8) --cleanup: what failed is tried again. */
const crmResource: Handler = ({ world, machine, args }) => {
  const options = getopt(args, ['-C', '--cleanup'], ['-r', '--resource']);
  const cluster = clusterOf(world, machine);
  if (!cluster) return fail(102, 'crm_resource: Could not connect to the CIB: Transport endpoint is not connected');
  if (!options.has('-C', '--cleanup')) return fail(64, 'crm_resource: only --cleanup is simulated');
  for (const { running } of cluster.members) if (running) delete running.mountFailed;
  return ok(
    cluster.members
      .map((node) => `Cleaned up ${options.value('-r', '--resource')} on ${cluster.nameOf(node)}\n`)
      .join(''),
  );
};

export const pacemaker: Readonly<Record<string, Handler>> = {
  crm_node: crmNode,
  crm_resource: crmResource,
  cibadmin,
  crm_mon: crmMon,
  stonith_admin: stonithAdmin,
};
