import { DOMParser, type Element } from '@xmldom/xmldom';
import { BadInput } from '../model/errors.ts';

export type { Element } from '@xmldom/xmldom';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** @throws BadInput for characters that XML 1.0 cannot hold; line breaks are among them here: no value of ours has any */
function escaped(text: string): string {
  if (/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u.test(text)) {
    throw new BadInput([
      { place: { file: 'XML' }, message: `${JSON.stringify(text)} has a character that XML cannot hold` },
    ]);
  }
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] as string);
}

/**
 * An element as text, its children below it and indented by two spaces. Attributes and children that are undefined are
 * left out; a string instead of a list of children is its text.
 * @throws BadInput for characters that XML cannot hold
 */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  content: string | readonly (string | undefined)[] = [],
): string {
  const said = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const start = [name, ...said.map(([key, value]) => `${key}="${escaped(String(value))}"`)].join(' ');
  if (typeof content === 'string') return `<${start}>${escaped(content)}</${name}>`;
  const children = content.filter((child) => child !== undefined);
  if (children.length === 0) return `<${start}/>`;
  const lines = children.join('\n').split('\n');
  const inner = lines.map((line) => `  ${line}`).join('\n');
  return `<${start}>\n${inner}\n</${name}>`;
}

/**
 * Parses XML and gives the root element.
 * @param root the name the root must have
 * @param what what is being parsed, for messages: "the XML of domain molly"
 * @throws BadInput if it is not well-formed or has another root
 */
export function parseXml(text: string, root: string, what: string): Element {
  const fail = (message: string) => new BadInput([{ place: { file: what }, message }]);
  let found: Element | null;
  try {
    const onError = (level: string, message: string) => {
      if (level !== 'warning') throw new Error(message);
    };
    found = new DOMParser({ onError }).parseFromString(text, 'application/xml').documentElement;
  } catch (error) {
    throw fail(`not well-formed XML: ${error instanceof Error ? error.message : error}`);
  }
  if (found?.nodeName !== root) throw fail(`<${root}> was expected, not <${found?.nodeName ?? 'nothing'}>`);
  return found;
}

/** The child elements, of one name or all. */
export function children(parent: Element | undefined, name?: string): readonly Element[] {
  const found: Element[] = [];
  for (let node = parent?.firstChild; node; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE && (name === undefined || node.nodeName === name))
      found.push(node as Element);
  }
  return found;
}

/** The element reached from a parent by the first child of each name. */
export function descend(parent: Element, ...names: readonly string[]): Element | undefined {
  return names.reduce<Element | undefined>((at, name) => children(at, name)[0], parent);
}
