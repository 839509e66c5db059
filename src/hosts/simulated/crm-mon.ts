import type { Cluster, Resource } from './cluster.ts';
import { ringOf } from './corosync.ts';
import type { Machine } from './world.ts';

/** `crm_mon -1 --output-as=xml`, what is inside of pacemaker-result. */
export function monitorXml(cluster: Cluster): string {
  const online = cluster.online().map((node) => cluster.nameOf(node));
  const pending = cluster.members.map((node) => cluster.nameOf(node)).filter((name) => !online.includes(name));
  const resources = cluster.resources();
  const [dc] = cluster.online();
  const nodes = [...cluster.nodes]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ id, name }) => {
      const running = resources.filter(({ on }) => on === name).length;
      const up = online.includes(name) || pending.includes(name);
      return `    <node name="${name}" id="${id}" online="${up}" standby="false" standby_onfail="false" maintenance="false" pending="${pending.includes(name)}" unclean="false" health="green" feature_set="3.16.2" shutdown="false" expected_up="${up}" is_dc="${dc !== undefined && cluster.nameOf(dc) === name}" resources_running="${running}" type="member"/>\n`;
    });
  const show = ({ id, agent, on, failed }: Resource) => {
    const head = `    <resource id="${id}" resource_agent="${agent}" role="${on ? 'Started' : 'Stopped'}" active="${on !== undefined}" orphaned="false" blocked="false" maintenance="false" managed="true" failed="${failed}" failure_ignored="false" nodes_running_on="${on ? 1 : 0}"`;
    const node = cluster.nodes.find(({ name }) => name === on);
    return node
      ? `${head}>\n      <node name="${node.name}" id="${node.id}" cached="true"/>\n    </resource>\n`
      : `${head}/>\n`;
  };
  const clones = [...new Set(resources.flatMap(({ clone }) => clone ?? []))].map((clone) => {
    const instances = resources.filter((resource) => resource.clone === clone).map(show);
    return `    <clone id="${clone}" multi_state="false" unique="false" maintenance="false" managed="true" disabled="false" failed="false" failure_ignored="false">\n${instances.join('')}    </clone>\n`;
  });
  const shown = [...resources.filter(({ clone }) => clone === undefined).map(show), ...clones];
  const failures = resources
    .filter(({ failed }) => failed)
    .map(
      ({ id }) =>
        `    <failure op_key="${id}_start_0" node="${dc ? cluster.nameOf(dc) : ''}" exitstatus="error" exitreason="" exitcode="1" call="12" status="Timed Out"/>\n`,
    );
  const current = dc
    ? `<current_dc present="true" version="2.1.5-a3f44794f94" name="${cluster.nameOf(dc)}" id="${ringOf(dc)?.id}" with_quorum="${cluster.quorate}" mixed_version="false"/>`
    : '<current_dc present="false"/>';
  return `  <summary>
    <stack type="corosync" pacemakerd-state="running"/>
    ${current}
    <nodes_configured number="${cluster.nodes.length}"/>
    <resources_configured number="${resources.length}" disabled="0" blocked="0"/>
    <cluster_options stonith-enabled="${cluster.cib.property('stonith-enabled') ?? 'true'}" symmetric-cluster="true" no-quorum-policy="${cluster.cib.property('no-quorum-policy') ?? 'stop'}" maintenance-mode="false"/>
  </summary>
  <nodes>
${nodes.join('')}  </nodes>
${shown.length > 0 ? `  <resources>\n${shown.join('')}  </resources>\n` : ''}${failures.length > 0 ? `  <failures>\n${failures.join('')}  </failures>\n` : ''}`;
}

/** `crm_mon -1` */
export function monitorText(cluster: Cluster): string {
  const [dc] = cluster.online();
  const names = (machines: readonly Machine[]) => machines.map((machine) => cluster.nameOf(machine)).sort();
  const online = names(cluster.online());
  const offline = cluster.nodes.map(({ name }) => name).filter((name) => !names(cluster.members).includes(name));
  const resources = cluster
    .resources()
    .map(({ id, agent, on }) => `  * ${id}\t(${agent}):\t ${on ? `Started ${on}` : 'Stopped'}\n`);
  return `Cluster Summary:
  * Stack: corosync
  * Current DC: ${dc ? `${cluster.nameOf(dc)} (version 2.1.5-a3f44794f94) - partition ${cluster.quorate ? 'with' : 'WITHOUT'} quorum` : 'NONE'}
  * ${cluster.nodes.length} nodes configured
  * ${resources.length} resource instances configured

Node List:
${online.length > 0 ? `  * Online: [ ${online.join(' ')} ]\n` : ''}${offline.length > 0 ? `  * OFFLINE: [ ${offline.join(' ')} ]\n` : ''}
Active Resources:
${resources.length > 0 ? resources.join('') : '  * No active resources\n'}`;
}
