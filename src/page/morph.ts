// Makes what is shown equal to what was built anew, and leaves the rest as it is: focus, selection, scrolling, what was typed or unfolded.
import { HANDLERS } from './element.js';

/** Children with this attribute are the same as long as its value is, wherever they stand. */
const KEY = 'data-key';

export function morph(shown: Element, wanted: Element): void {
  morphAttributes(shown, wanted);
  morphChildren(shown, wanted);
}

function morphAttributes(shown: Element, wanted: Element): void {
  for (const { name } of [...shown.attributes])
    if (!wanted.hasAttribute(name) && !isOfTheReader(shown, name)) shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes)
    if (shown.getAttribute(name) !== value && !isOfTheReader(shown, name)) shown.setAttribute(name, value);
  for (const handler of HANDLERS)
    Object.assign(shown, { [handler]: Reflect.get(wanted, handler) as unknown });
}

function isOfTheReader(element: Element, attribute: string): boolean {
  return element.tagName === 'DETAILS' && attribute === 'open';
}

function morphChildren(shown: Element, wanted: Element): void {
  const byKey = keepOnly(shown, new Set([...wanted.childNodes].map(keyOf)));
  let next = shown.firstChild;
  for (const child of [...wanted.childNodes]) {
    const key = keyOf(child);
    const same = key === undefined ? next : (byKey.get(key) ?? null);
    if (same === null || !isAlike(same, child)) {
      shown.insertBefore(child, next);
      continue;
    }
    if (same === next) next = next.nextSibling;
    else shown.insertBefore(same, next);
    morphNode(same, child);
  }
  while (next !== null) {
    const after: ChildNode | null = next.nextSibling;
    next.remove();
    next = after;
  }
}

/** Those children with a key that stay, by it. The others leave first: an element that moves up to their place loses the focus. */
function keepOnly(shown: Element, keys: ReadonlySet<string | undefined>): ReadonlyMap<string, ChildNode> {
  const byKey = new Map<string, ChildNode>();
  for (const child of [...shown.childNodes]) {
    const key = keyOf(child);
    if (key === undefined) continue;
    if (keys.has(key)) byKey.set(key, child);
    else child.remove();
  }
  return byKey;
}

function morphNode(shown: Node, wanted: Node): void {
  if (shown instanceof Element && wanted instanceof Element) morph(shown, wanted);
  else if (shown.nodeValue !== wanted.nodeValue) shown.nodeValue = wanted.nodeValue;
}

function keyOf(node: Node): string | undefined {
  return node instanceof Element ? (node.getAttribute(KEY) ?? undefined) : undefined;
}

function isAlike(shown: Node, wanted: Node): boolean {
  return shown.nodeName === wanted.nodeName && keyOf(shown) === keyOf(wanted);
}
