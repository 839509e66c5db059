import { parseXml, XmlElement, type XmlNode, XmlText } from '@rgrove/parse-xml';

/*
 * XML as the simulated programs read and write it: a reading of its own, so that a fault of lab's (formats/xml.ts) is not made twice
 * and overlooked.
 */

export { XmlElement, XmlText };

/** The root element. @throws Error for what is no XML; its message begins with what is wrong, and where */
export function parse(xml: string): XmlElement {
  const { root } = parseXml(xml);
  if (!root) throw new Error('no root element');
  return root;
}

/** The child elements, of one name or all. */
export function children(parent: XmlElement | undefined, name?: string): readonly XmlElement[] {
  const isWanted = (node: XmlNode): node is XmlElement =>
    node instanceof XmlElement && (name === undefined || node.name === name);
  return parent?.children.filter(isWanted) ?? [];
}

/** All elements of a name below another, in their order. */
export function descendants(parent: XmlElement, name: string): readonly XmlElement[] {
  return children(parent).flatMap((child) => [...(child.name === name ? [child] : []), ...descendants(child, name)]);
}

export function append(parent: XmlElement, child: XmlElement): void {
  child.parent = parent;
  parent.children.push(child);
}

export function removeFromTree(element: XmlElement | undefined): void {
  const parent = element?.parent;
  if (parent instanceof XmlElement) parent.children = parent.children.filter((child) => child !== element);
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"\n\t\r]/g, (char) => escapes[char] ?? `&#${char.charCodeAt(0)};`);

/** An element as text; text between elements is left out. */
export function written(element: XmlElement): string {
  const said = Object.entries(element.attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`);
  const below = children(element);
  const within = below.length > 0 ? below.map(written).join('') : escaped(element.text.trim());
  return `<${element.name}${said.join('')}${within === '' ? '/>' : `>${within}</${element.name}>`}`;
}
