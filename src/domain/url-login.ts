// URLs that may hold a user and a password: how they are shown.

/** `text` without the user and password of any URL in it. */
export function withoutLogins(text: string): string {
  return text.replace(/\/\/[^/\s@]*@/g, '//***@');
}
