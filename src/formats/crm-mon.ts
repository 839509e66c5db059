import { onceOfText } from '../model/once.ts';
import { children, descend, type Element, parseXml } from './xml.ts';

/** What `crm_mon -1 --output-as=xml` tells (pacemaker 2.1, crm_mon-2.*.rng). */
export interface ClusterState {
  readonly quorate: boolean;
  /** Nodes that are members, and not pending, standby or unclean. */
  readonly online: readonly string[];
  /** Nodes that are lost, and not known to be fenced. */
  readonly unclean: readonly string[];
  /** Resources that run: where. */
  readonly started: ReadonlyMap<string, string>;
  /** Clones by the id of what is cloned: the nodes on which it runs. */
  readonly clones: ReadonlyMap<string, readonly string[]>;
  /** Resources that failed: the reason, as far as it is told. */
  readonly failed: readonly string[];
}

/** @throws BadInput for anything but crm_mon's XML */
export const readCrmMon = onceOfText((xml: string): ClusterState => {
  const root = parseXml(xml, 'pacemaker-result', 'crm_mon');
  const dc = descend(root, 'summary', 'current_dc');
  const nodes = children(descend(root, 'nodes'), 'node');
  const resources = children(descend(root, 'resources'), 'resource');
  const yes = (element: Element, name: string) => element.attributes[name] === 'true';
  return {
    quorate: dc?.attributes.with_quorum === 'true',
    online: nodes
      .filter((node) => yes(node, 'online') && !yes(node, 'pending') && !yes(node, 'unclean') && !yes(node, 'standby'))
      .map((node) => node.attributes.name ?? ''),
    unclean: nodes.filter((node) => yes(node, 'unclean')).map((node) => node.attributes.name ?? ''),
    started: new Map(
      resources
        .filter((resource) => resource.attributes.role === 'Started' && !yes(resource, 'failed'))
        .map((resource) => [resource.attributes.id ?? '', children(resource, 'node')[0]?.attributes.name ?? '']),
    ),
    clones: clonesIn(descend(root, 'resources')),
    failed: children(descend(root, 'failures'), 'failure').map(
      (failure) =>
        `${failure.attributes.op_key ?? failure.attributes.id} on ${failure.attributes.node}: ${failure.attributes.exitreason || failure.attributes.exitstatus}`,
    ),
  };
});

function clonesIn(resources: Element | undefined): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const resource of children(resources, 'clone').flatMap((clone) => children(clone, 'resource'))) {
    const runs = resource.attributes.role === 'Started' && resource.attributes.failed !== 'true';
    const nodes = runs ? children(resource, 'node').map((node) => node.attributes.name ?? '') : [];
    const id = (resource.attributes.id ?? '').replace(/:\d+$/, '');
    found.set(id, [...(found.get(id) ?? []), ...nodes]);
  }
  return found;
}
