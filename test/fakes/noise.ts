// Text that hardly gets smaller when it is compressed, the same for the same name.
import { createHash } from 'node:crypto';

export function noise(name: string, length: number): string {
  let text = '';
  for (let turn = 0; text.length < length; turn += 1) {
    text += createHash('sha512').update(`${turn} ${name}`).digest('base64');
  }
  return text.slice(0, length);
}
