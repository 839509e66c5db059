import { configurationOf } from './cib.ts';
import { children, element } from './xml.ts';

/** What a CIB still holds of guests that are none any more. */
export interface Former {
  /** Elements as `cibadmin --delete` takes them: name and id. */
  readonly constraints: readonly string[];
  readonly resources: readonly string[];
  /** Names of nodes. */
  readonly nodes: readonly string[];
}

/**
 * Cluster nodes that are none of the guests, and the fencing resources and constraints that fencingResources() makes for a guest,
 * told by their ids and by what they say. What others made stays, whatever it is called; so do remote nodes.
 * @param cibXml output of `cibadmin -Q`
 * @throws BadInput if it is no CIB
 */
export function formerIn(cibXml: string, guests: readonly string[]): Former {
  const configuration = configurationOf(cibXml);
  const part = (name: string) => children(configuration, name)[0];
  const gone = (guest: string | undefined): guest is string => guest !== undefined && !guests.includes(guest);
  const nodes = children(part('nodes'), 'node')
    .filter((node) => (node.attributes.type ?? 'member') === 'member')
    .map((node) => node.attributes.uname ?? '');
  const resources = children(part('resources'), 'primitive').flatMap((primitive) => {
    const id = primitive.attributes.id ?? '';
    const guest = /^fence-(.+)$/.exec(id)?.[1];
    const hosts = children(children(primitive, 'instance_attributes')[0], 'nvpair').find(
      (pair) => pair.attributes.name === 'pcmk_host_map',
    );
    const own = primitive.attributes.type === 'fence_xvm' && hosts?.attributes.value === `${guest}:${guest}`;
    return own && gone(guest) ? [element('primitive', { id })] : [];
  });
  const constraints = children(part('constraints'), 'rsc_location').flatMap((location) => {
    const [id, guest] = ['id', 'node'].map((name) => location.attributes[name] ?? '');
    const own = id === `fence-${guest}-not-on-${guest}` && location.attributes.rsc === `fence-${guest}`;
    return own && gone(guest) ? [element('rsc_location', { id })] : [];
  });
  return { constraints, resources, nodes: nodes.filter((name) => name !== '' && gone(name)) };
}
