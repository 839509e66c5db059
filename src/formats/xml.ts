import { parseXml as parse, XmlElement, XmlError, type XmlNode } from '@rgrove/parse-xml';
import { BadInput, type Place } from '../model/errors.ts';

/** Its name and attributes as they are written: no prefix is resolved. */
export type Element = XmlElement;
export { XmlElement };

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
 * An element of a tree as text, on one line. White space between elements is left out.
 * @throws BadInput for characters that XML cannot hold
 */
export function onOneLine({ name, attributes, children: content, text }: Element): string {
  const inner = content.filter((node) => node instanceof XmlElement).map(onOneLine);
  const start = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escaped(value)}"`)].join(' ');
  const within = inner.length > 0 ? inner.join('') : escaped(text.trim());
  return within === '' ? `<${start}/>` : `<${start}>${within}</${name}>`;
}

/**
 * Parses XML 1.0 and gives the root element, which knows where each element begins (placeIn). Entities of a DTD are errors.
 * @param root the name the root must have; without it, any
 * @param file what is being parsed, for messages: "the XML of domain molly"
 * @throws BadInput with line and column, if it is not well-formed or has another root
 */
export function parseXml(text: string, root: string | undefined, file: string): Element {
  const fail = (place: Place, message: string) => new BadInput([{ place, message }]);
  let found: Element | null;
  try {
    found = parse(text, { includeOffsets: true }).root;
  } catch (error) {
    const place = error instanceof XmlError ? { file, line: error.line, column: error.column } : { file };
    throw fail(place, `not well-formed XML: ${whyOf(error)}`);
  }
  if (found && (root === undefined || found.name === root)) return found;
  const name = found ? found.name.slice(0, 40) : 'nothing';
  throw fail(found ? placeIn(text, found, file) : { file }, `<${root}> was expected, not <${name}>`);
}

/** Without the place, which the message also holds. */
function whyOf(error: unknown): string {
  // The parser recurses.
  if (error instanceof RangeError) return 'too many elements, one within another';
  return error instanceof Error ? error.message.replace(/ \(line \d+, column \d+\)[^]*$/, '') : String(error);
}

/** Where an element of a text begins. */
export function placeIn(text: string, { start }: Element, file: string): Place {
  const before = text.replace(/\r\n?/g, '\n').slice(0, start).split('\n');
  return { file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** The child elements, of one name or all. */
export function children(parent: Element | undefined, name?: string): readonly Element[] {
  const isWanted = (node: XmlNode): node is Element =>
    node instanceof XmlElement && (name === undefined || node.name === name);
  return parent?.children.filter(isWanted) ?? [];
}

/** The element reached from a parent by the first child of each name. */
export function descend(parent: Element, ...names: readonly string[]): Element | undefined {
  return names.reduce<Element | undefined>((at, name) => children(at, name)[0], parent);
}
