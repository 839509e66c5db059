import { DOMParser, type Element, XMLSerializer } from '@xmldom/xmldom';
import type { Machine } from './world.ts';

const path = '/var/lib/pacemaker/cib/cib.xml';
const sections = ['configuration', 'crm_config', 'nodes', 'resources', 'constraints', 'status'] as const;

export const isSection = (text: string): boolean => (sections as readonly string[]).includes(text);

/** What was read before. Only `modify` changes a tree, and takes one of its own. */
const read = new Map<string, Element>();

function parsed(xml: string): Element {
  const root = read.get(xml) ?? parse(xml);
  read.set(xml, root);
  return root;
}

function parse(xml: string): Element {
  const root = new DOMParser({
    onError: (level, message) => {
      if (level !== 'warning') throw new Error(message);
    },
  }).parseFromString(xml, 'text/xml').documentElement;
  if (!root) throw new Error('no root element');
  return root;
}

export const elementsOf = (parent: Element) =>
  [...parent.childNodes].filter((node): node is Element => node.nodeType === 1);

/** A CIB as pacemaker 2.1.5 makes it when there is none, with what the cluster writes into it of itself. */
function freshCib(cluster: string, nodes: readonly { id: number; name: string }[], watchdog: boolean): string {
  const own = {
    'have-watchdog': String(watchdog),
    'dc-version': '2.1.5-a3f44794f94',
    'cluster-infrastructure': 'corosync',
    'cluster-name': cluster,
  };
  const pairs = Object.entries(own).map(
    ([name, value]) => `<nvpair id="cib-bootstrap-options-${name}" name="${name}" value="${value}"/>`,
  );
  const list = nodes.map(({ id, name }) => `<node id="${id}" uname="${name}"/>`);
  return `<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.9" epoch="5" num_updates="0" admin_epoch="0"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">${pairs.join('')}</cluster_property_set></crm_config><nodes>${list.join('')}</nodes><resources/><constraints/></configuration><status/></cib>`;
}

/** The cluster's configuration: each node keeps a copy on its disk, and the newest counts. */
export class Cib {
  #root: Element;

  constructor(members: readonly Machine[], cluster: string, nodes: readonly { id: number; name: string }[]) {
    const watchdog = members.some(({ state }) => state.services.sbd?.active === 'active');
    const copies = members.flatMap(({ tree }) => tree.text(path) ?? []).map(parsed);
    const epoch = (root: Element) => Number(root.getAttribute('epoch'));
    this.#root = copies.sort((a, b) => epoch(b) - epoch(a))[0] ?? parsed(freshCib(cluster, nodes, watchdog));
  }

  get root(): Element {
    return this.#root;
  }

  get text(): string {
    return `${new XMLSerializer().serializeToString(this.root)}\n`;
  }

  section(name: string): Element | undefined {
    const configuration = elementsOf(this.root).find(({ nodeName }) => nodeName === 'configuration');
    return [this.root, ...(configuration ? [configuration] : [])]
      .flatMap(elementsOf)
      .find(({ nodeName }) => nodeName === name);
  }

  all(name: string): readonly Element[] {
    return [...this.root.getElementsByTagName(name)];
  }

  /** The value of a cluster property, e.g. stonith-enabled. */
  property(name: string): string | undefined {
    const section = this.section('crm_config');
    const pairs = section ? [...section.getElementsByTagName('nvpair')] : [];
    return pairs.find((pair) => pair.getAttribute('name') === name)?.getAttribute('value') ?? undefined;
  }

  /**
   * `cibadmin --modify`: merges by element name and id (pacemaker, lib/common/xml.c, update_xml_child). @returns whether
   * all was there, or could be made (`--allow-create`)
   * @throws Error for what is no XML
   */
  modify(section: string, xml: string, create: boolean): boolean {
    this.#root = parse(this.text);
    const target = this.section(section);
    const wanted = parse(xml);
    if (!target || wanted.nodeName !== section) return false;
    const done = merge(target, wanted, create);
    this.root.setAttribute('epoch', String(Number(this.root.getAttribute('epoch')) + 1));
    return done;
  }

  /**
   * `cibadmin --delete`: the first element of this name and these attributes goes; one that is not there is no error. @returns
   * whether the schema allows it: no constraint names a resource that is gone
   * @throws Error for what is no XML
   */
  remove(section: string, xml: string): boolean {
    const wanted = parse(xml);
    const target = this.section(section);
    const found = [...(target?.getElementsByTagName(wanted.nodeName) ?? [])].find((at) =>
      [...wanted.attributes].every(({ name, value }) => at.getAttribute(name) === value),
    );
    const id = found?.getAttribute('id');
    const named = ['rsc', 'with-rsc', 'first', 'then'];
    const constraints = elementsOf(this.section('constraints') ?? wanted);
    if (section === 'resources' && constraints.some((at) => named.some((name) => id && at.getAttribute(name) === id)))
      return false;
    found?.parentNode?.removeChild(found);
    this.#grow();
    return true;
  }

  /** A node goes. @returns whether it was there */
  forget(uname: string): boolean {
    const node = this.all('node').find((at) => at.getAttribute('uname') === uname);
    node?.parentNode?.removeChild(node);
    this.#grow();
    return node !== undefined;
  }

  /** The controller writes into the configuration each node that joins. */
  know(nodes: readonly { id: number; name: string }[]): void {
    const section = this.section('nodes');
    for (const { id, name } of nodes) {
      if (!section || elementsOf(section).some((at) => at.getAttribute('uname') === name)) continue;
      const node = section.ownerDocument?.createElement('node');
      node?.setAttribute('id', String(id));
      node?.setAttribute('uname', name);
      if (node) section.appendChild(node);
    }
  }

  #grow(): void {
    this.root.setAttribute('epoch', String(Number(this.root.getAttribute('epoch')) + 1));
  }

  store(members: readonly Machine[]): void {
    for (const { tree } of members) tree.write(path, this.text, 0o600);
  }
}

function merge(target: Element, wanted: Element, create: boolean): boolean {
  for (const { name, value } of wanted.attributes) target.setAttribute(name, value);
  return elementsOf(wanted).every((child) => {
    const found = elementsOf(target).find(
      (at) => at.nodeName === child.nodeName && at.getAttribute('id') === child.getAttribute('id'),
    );
    if (found) return merge(found, child, create);
    if (create) target.appendChild((target.ownerDocument ?? wanted.ownerDocument)?.importNode(child, true) ?? child);
    return create;
  });
}
