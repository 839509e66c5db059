import { onceOfText } from '../model/once.ts';
import { children, type Element, element, parseXml } from './xml.ts';

export interface FencingWish {
  /** Guests, which are nodes of the cluster and domains on dom0 under one name. */
  readonly guests: readonly string[];
  /** Path of the key file in the guests. */
  readonly key: string;
  /** Multicast address on which dom0 listens. */
  readonly address: string;
  readonly port: number;
  /** The guest that survives a race of both: whoever wants to fence it waits so many seconds first. */
  readonly delayed?: { readonly guest: string; readonly seconds: number };
  /** How much slower than the reference machine this one is: time-outs grow by it. Default 1. */
  readonly scale?: number;
}

/** Sections of the CIB's configuration as XML: what cibadmin(8) --modify adds to it. */
export interface CibSections {
  readonly crm_config: string;
  readonly resources: string;
  readonly constraints: string;
}

/** An element with name-value pairs, the ids derived from its own as Pacemaker's tools do. */
export function pairs(name: string, id: string, values: Readonly<Record<string, string | number | undefined>>): string {
  const said = Object.entries(values).filter(([, value]) => value !== undefined);
  return element(
    name,
    { id },
    said.map(([key, value]) => element('nvpair', { id: `${id}-${key}`, name: key, value })),
  );
}

/**
 * What Pacemaker has to know for fencing with fence_xvm: it is on; a partition without quorum freezes (GFS2 needs that);
 * a resource `fence-GUEST` for each guest, kept off that guest. The agent's parameters are those of `fence_xvm -o metadata`
 * (fence-agents agents/virt/client/options.c); the guest to fence comes from pcmk_host_map.
 */
export function fencingResources({ guests, key, address, port, delayed, scale = 1 }: FencingWish): CibSections {
  const seconds = (reference: number) => Math.ceil(reference * scale);
  const properties = {
    'stonith-enabled': 'true',
    'no-quorum-policy': 'freeze',
    // Must outlast the delay and the agent's own 30 s.
    'stonith-timeout': `${seconds(120) + (delayed?.seconds ?? 0)}s`,
  };
  const primitives = guests.map((guest) => {
    const id = `fence-${guest}`;
    const attributes = pairs('instance_attributes', `${id}-instance_attributes`, {
      pcmk_host_map: `${guest}:${guest}`,
      // Said of the others too, lest an old delay stay there: two delays are none.
      pcmk_delay_base: delayed && (delayed.guest === guest ? `${delayed.seconds}s` : '0s'),
      key_file: key,
      multicast_address: address,
      ipport: port,
      timeout: seconds(30),
    });
    const monitor = { id: `${id}-monitor`, name: 'monitor', interval: '60s', timeout: `${seconds(40)}s` };
    const operations = element('operations', {}, [element('op', monitor)]);
    return element('primitive', { id, class: 'stonith', type: 'fence_xvm' }, [attributes, operations]);
  });
  const locations = guests.map((guest) =>
    element('rsc_location', {
      id: `fence-${guest}-not-on-${guest}`,
      rsc: `fence-${guest}`,
      node: guest,
      score: '-INFINITY',
    }),
  );
  return {
    crm_config: element('crm_config', {}, [pairs('cluster_property_set', 'cib-bootstrap-options', properties)]),
    resources: element('resources', {}, primitives),
    constraints: element('constraints', {}, locations),
  };
}

/** Something wanted that a CIB does not have. */
export interface Missing {
  readonly section: keyof CibSections;
  /** In words: `nvpair fence-molly-…-key_file: value is "/a", not "/b"`. */
  readonly says: string;
}

const label = (wanted: Element) => [wanted.name, wanted.attributes.id].filter(Boolean).join(' ');

/** How an element of the CIB falls short of a wanted one, children included. What others set besides does not count. */
function shortcomings(wanted: Element, found: Element | undefined): readonly string[] {
  if (!found) return [`${label(wanted)}: absent`];
  const attributes = Object.entries(wanted.attributes).filter(([name, value]) => found.attributes[name] !== value);
  const own = attributes.map(([name, value]) => {
    const other = found.attributes[name];
    return `${label(wanted)}: ${name} is ${other === undefined ? 'not set' : `"${other}"`}, not "${value}"`;
  });
  const below = children(wanted).flatMap((child) => {
    const same = (at: Element) => at.attributes.id === child.attributes.id;
    return shortcomings(child, children(found, child.name).find(same));
  });
  return [...own, ...below];
}

/** The configuration in the output of `cibadmin -Q`. @throws BadInput if it is no CIB */
export const configurationOf = onceOfText(
  (cibXml): Element | undefined => children(parseXml(cibXml, 'cib', 'cibadmin -Q'), 'configuration')[0],
);

/** The cluster's nodes all want the same. */
const wantedPart = onceOfText((xml) => parseXml(xml, undefined, 'wanted'), 8);

/**
 * Which wanted elements are absent from a CIB, or different in what we set. Elements match by name and id.
 * @param currentXml output of `cibadmin -Q`
 * @throws BadInput if it is no CIB
 */
export function missingFromCib(currentXml: string, wanted: CibSections): readonly Missing[] {
  const configuration = configurationOf(currentXml);
  return (['crm_config', 'resources', 'constraints'] as const).flatMap((section) => {
    const says = shortcomings(wantedPart(wanted[section]), children(configuration, section)[0]);
    return says.map((one) => ({ section, says: one }));
  });
}
