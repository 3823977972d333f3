// Builds elements of the page: texts become text nodes and never markup, and handlers are properties, so that morph.ts can hand them on.

/** What is false or missing is left out. */
export type Child = Node | string | number | false | null | undefined | readonly Child[];

export const HANDLERS = ['onclick', 'oninput', 'onchange', 'onsubmit', 'onkeydown'] as const;

type Handler = (typeof HANDLERS)[number];
type Attribute = string | number | boolean | undefined;
type Attributes = { readonly [name: string]: unknown } & {
  readonly [name in Handler]?: (event: Event) => void;
};

const SVG = 'http://www.w3.org/2000/svg';

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** To a place in the page itself: no text of others ever becomes an address. */
export function link(route: string, attributes: Attributes, ...children: readonly Child[]): HTMLElement {
  return h('a', { ...attributes, href: `#${route}` }, ...children);
}

function fill<Made extends HTMLElement | SVGElement>(
  element: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') Object.assign(element, { [name]: value });
    else setAttribute(element, name, value as Attribute);
  }
  append(element, children);
  return element;
}

function setAttribute(element: Element, name: string, value: Attribute): void {
  if (value === undefined || value === false) return;
  element.setAttribute(name, value === true ? '' : String(value));
}

function append(parent: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === false || child === null || child === undefined) continue;
    if (isList(child)) append(parent, child);
    else parent.append(child instanceof Node ? child : String(child));
  }
}

function isList(child: Child): child is readonly Child[] {
  return Array.isArray(child);
}
