import type { Machine } from './world.ts';
import { append, children, descendants, parse, removeFromTree, written, XmlElement } from './xml.ts';

const path = '/var/lib/pacemaker/cib/cib.xml';
const sections = ['configuration', 'crm_config', 'nodes', 'resources', 'constraints', 'status'] as const;

export const isSection = (text: string): boolean => (sections as readonly string[]).includes(text);

/** What was read before. Whoever changes a tree takes one of its own first. */
const read = new Map<string, XmlElement>();

function parsed(xml: string): XmlElement {
  const root = read.get(xml) ?? parse(xml);
  read.set(xml, root);
  return root;
}

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
  #root: XmlElement;

  constructor(members: readonly Machine[], cluster: string, nodes: readonly { id: number; name: string }[]) {
    const watchdog = members.some(({ state }) => state.services.sbd?.active === 'active');
    const copies = members.flatMap(({ tree }) => tree.text(path) ?? []).map(parsed);
    const epoch = (root: XmlElement) => Number(root.attributes.epoch);
    this.#root = copies.sort((a, b) => epoch(b) - epoch(a))[0] ?? parsed(freshCib(cluster, nodes, watchdog));
  }

  get root(): XmlElement {
    return this.#root;
  }

  get text(): string {
    return `${written(this.root)}\n`;
  }

  section(name: string): XmlElement | undefined {
    return [this.root, ...children(this.root, 'configuration')].flatMap((at) => children(at, name))[0];
  }

  all(name: string): readonly XmlElement[] {
    return descendants(this.root, name);
  }

  /** The value of a cluster property, e.g. stonith-enabled. */
  property(name: string): string | undefined {
    const section = this.section('crm_config');
    const pairs = section ? descendants(section, 'nvpair') : [];
    return pairs.find((pair) => pair.attributes.name === name)?.attributes.value;
  }

  /**
   * `cibadmin --modify`: merges by element name and id (pacemaker, lib/common/xml.c, update_xml_child). @returns whether
   * all was there, or could be made (`--allow-create`)
   * @throws Error for what is no XML
   */
  modify(section: string, xml: string, create: boolean): boolean {
    this.#takeOwn();
    const target = this.section(section);
    const wanted = parse(xml);
    if (!target || wanted.name !== section) return false;
    const done = merge(target, wanted, create);
    this.#grow();
    return done;
  }

  /**
   * `cibadmin --delete`: the first element of this name and these attributes goes; one that is not there is no error. @returns
   * whether the schema allows it: no constraint names a resource that is gone
   * @throws Error for what is no XML
   */
  remove(section: string, xml: string): boolean {
    this.#takeOwn();
    const wanted = parse(xml);
    const target = this.section(section);
    const found = (target ? descendants(target, wanted.name) : []).find((at) =>
      Object.entries(wanted.attributes).every(([name, value]) => at.attributes[name] === value),
    );
    const id = found?.attributes.id;
    const named = ['rsc', 'with-rsc', 'first', 'then'];
    const constraints = children(this.section('constraints'));
    if (section === 'resources' && constraints.some((at) => named.some((name) => id && at.attributes[name] === id)))
      return false;
    removeFromTree(found);
    this.#grow();
    return true;
  }

  /** A node goes. @returns whether it was there */
  forget(uname: string): boolean {
    this.#takeOwn();
    const node = this.all('node').find((at) => at.attributes.uname === uname);
    removeFromTree(node);
    this.#grow();
    return node !== undefined;
  }

  /** The controller writes into the configuration each node that joins. */
  know(nodes: readonly { id: number; name: string }[]): void {
    const known = children(this.section('nodes')).map((at) => at.attributes.uname);
    const joined = nodes.filter(({ name }) => !known.includes(name));
    if (joined.length === 0) return;
    this.#takeOwn();
    const section = this.section('nodes');
    for (const { id, name } of joined)
      if (section) append(section, new XmlElement('node', { id: String(id), uname: name }));
  }

  #takeOwn(): void {
    this.#root = parse(this.text);
  }

  #grow(): void {
    this.root.attributes.epoch = String(Number(this.root.attributes.epoch) + 1);
  }

  store(members: readonly Machine[]): void {
    for (const { tree } of members) tree.write(path, this.text, 0o600);
  }
}

function merge(target: XmlElement, wanted: XmlElement, create: boolean): boolean {
  Object.assign(target.attributes, wanted.attributes);
  return children(wanted).every((child) => {
    const found = children(target, child.name).find((at) => at.attributes.id === child.attributes.id);
    if (found) return merge(found, child, create);
    if (create) append(target, child);
    return create;
  });
}
