import { DOMParser } from '@xmldom/xmldom';
import { BadInput, type Complaint, type Place } from '../model/errors.ts';
import { children, type Element } from './xml.ts';

/** What is read of any cluster.conf. */
export interface ReadClusterConf {
  readonly name: string;
  /** config_version, which must grow with each change. */
  readonly version: number;
  readonly nodes: readonly { readonly name: string; readonly id: number }[];
}

/** Where an element begins; the line and column of a text that has been parsed. */
export function placeOf({ lineNumber, columnNumber }: Partial<Element>, file: string): Place {
  if (!lineNumber) return { file };
  return columnNumber ? { file, line: lineNumber, column: columnNumber } : { file, line: lineNumber };
}

/** A positive integer as atoi(3) and the schema read it; undefined for anything else, and for what is no C int. */
export function positive(text: string | null): number | undefined {
  const value = /^\s*\d{1,10}\s*$/.test(text ?? '') ? Number(text) : 0;
  return value > 0 && value < 2 ** 31 ? value : undefined;
}

/** A text out of a file, fit for a message. */
export function shown(text: string | null): string {
  if (text === null) return 'nothing';
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * The root element. Stricter than parseXml, which passes over warnings: what the parser of cman (libxml2) refuses is refused,
 * with line and column.
 * @throws BadInput if it is not XML, or another root
 */
export function parseClusterConf(text: string, file: string): Element {
  let told: Complaint | undefined;
  let root: Element | null;
  try {
    const onError = (_level: string, message: string, at?: { readonly locator?: Partial<Element> }) => {
      told ??= { place: placeOf(at?.locator ?? {}, file), message: `not well-formed XML: ${message}` };
      throw new Error(message);
    };
    // libxml2 takes a byte order mark.
    root = new DOMParser({ onError }).parseFromString(text.replace(/^\uFEFF/, ''), 'application/xml').documentElement;
  } catch (error) {
    throw new BadInput([told ?? { place: { file }, message: `not well-formed XML: ${String(error)}` }]);
  }
  if (root?.nodeName === 'cluster') return root;
  const message = `<cluster> was expected, not <${root?.nodeName.slice(0, 40) ?? 'nothing'}>`;
  throw new BadInput([{ place: placeOf(root ?? {}, file), message }]);
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
  const root = parseClusterConf(text, file);
  const complaints: Complaint[] = [];
  const said = <T>(element: Element, name: string, value: T | undefined): T => {
    const message = `<${element.nodeName}>: ${name} is ${shown(element.getAttribute(name))}`;
    if (value === undefined) complaints.push({ place: placeOf(element, file), message });
    // A stand-in for what has been complained about: nobody sees it.
    return value as T;
  };
  const nameOf = (element: Element) => said(element, 'name', element.getAttribute('name') || undefined);
  const numberOf = (element: Element, name: string) => said(element, name, positive(element.getAttribute(name)));
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
    const attributes = [...element.attributes]
      .filter(({ name }) => element !== root || name !== 'config_version')
      .map(({ name, value }) => [name, value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    // No element of cluster.conf holds text; one that has some is different.
    const text = children(element).length === 0 ? (element.textContent ?? '').trim() : '';
    words.push([element.nodeName, attributes, text]);
    rest.push('end', ...[...children(element)].reverse());
  }
  return JSON.stringify(words);
}

/** Whether two cluster.conf have the same content, whatever their config_version. False if one of them cannot be read. */
export function sameClusterConf(a: string, b: string): boolean {
  try {
    return content(parseClusterConf(a, 'a')) === content(parseClusterConf(b, 'b'));
  } catch (error) {
    if (error instanceof BadInput) return false;
    throw error;
  }
}
