// What the place of copies could not do.

export class CopyFault extends Error {
  override readonly name = 'CopyFault';
  readonly reason: 'copy_not_kept' | 'copy_not_read';

  constructor(reason: 'copy_not_kept' | 'copy_not_read', message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
