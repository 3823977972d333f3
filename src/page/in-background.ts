// Work that nobody awaits: what goes wrong in it is a fault of the page, and goes to the browser's console.

export function inBackground(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    reportError(error);
  });
}
