import { BadInput, type Complaint } from '../model/errors.ts';
import { children, type Element, parseXml, placeIn } from './xml.ts';

/** What is read of any cluster.conf. */
export interface ReadClusterConf {
  readonly name: string;
  /** config_version, which must grow with each change. */
  readonly version: number;
  readonly nodes: readonly { readonly name: string; readonly id: number }[];
}

/** A positive integer as atoi(3) and the schema read it; undefined for anything else, and for what is no C int. */
export function positive(text: string | undefined): number | undefined {
  const value = /^\s*\d{1,10}\s*$/.test(text ?? '') ? Number(text) : 0;
  return value > 0 && value < 2 ** 31 ? value : undefined;
}

/** A text out of a file, fit for a message. */
export function shown(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * The root element, and where an element of it begins.
 * @throws BadInput if it is not XML, or another root
 */
export function parseClusterConf(text: string, file: string) {
  // libxml2, the parser of cman, takes a byte order mark.
  const written = text.replace(/^\uFEFF/, '');
  const root = parseXml(written, 'cluster', file);
  return { root, placeOf: (element: Element) => placeIn(written, element, file) };
}

/** All clusternodes, in order. */
export function clusterNodes(root: Element): readonly Element[] {
  return children(root, 'clusternodes').flatMap((list) => children(list, 'clusternode'));
}

/**
 * The name, the version and the nodes of a cluster.conf(5).
 * @throws BadInput if it is none, or these are not told
 */
export function readClusterConf(text: string, file: string): ReadClusterConf {
  const { root, placeOf } = parseClusterConf(text, file);
  const complaints: Complaint[] = [];
  const said = <T>(element: Element, name: string, value: T | undefined): T => {
    const message = `<${element.name}>: ${name} is ${shown(element.attributes[name])}`;
    if (value === undefined) complaints.push({ place: placeOf(element), message });
    // A stand-in for what has been complained about: nobody sees it.
    return value as T;
  };
  const nameOf = (element: Element) => said(element, 'name', element.attributes.name || undefined);
  const numberOf = (element: Element, name: string) => said(element, name, positive(element.attributes[name]));
  const name = nameOf(root);
  const version = numberOf(root, 'config_version');
  const nodes = clusterNodes(root).map((node) => ({ name: nameOf(node), id: numberOf(node, 'nodeid') }));
  if (complaints.length > 0) throw new BadInput(complaints);
  return { name, version, nodes };
}

/** A text that is the same for files of the same content: config_version, white space, comments and attribute order aside. */
function content(root: Element): string {
  const words: unknown[] = [];
  // Without recursion: nobody knows how deep a file of somebody else is.
  const rest: (Element | 'end')[] = [root];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next === 'end') {
      words.push('end');
      continue;
    }
    const element = next;
    const attributes = Object.entries(element.attributes)
      .filter(([name]) => element !== root || name !== 'config_version')
      .sort(([a], [b]) => (a < b ? -1 : 1));
    // No element of cluster.conf holds text; one that has some is different.
    const text = children(element).length === 0 ? element.text.trim() : '';
    words.push([element.name, attributes, text]);
    rest.push('end', ...[...children(element)].reverse());
  }
  return JSON.stringify(words);
}

/** Whether two cluster.conf have the same content, whatever their config_version. False if one of them cannot be read. */
export function sameClusterConf(a: string, b: string): boolean {
  try {
    return content(parseClusterConf(a, 'a').root) === content(parseClusterConf(b, 'b').root);
  } catch (error) {
    if (error instanceof BadInput) return false;
    throw error;
  }
}
