/** Thrown if a row refers to another row, usually an account, that was deleted in the meantime. */
export class ReferenceGoneError extends Error {
  override name = 'ReferenceGoneError'
}
