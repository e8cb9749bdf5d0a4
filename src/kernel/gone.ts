/** Thrown where a row was to refer to another one, an account most of all, that was deleted in the meantime. */
export class ReferenceGoneError extends Error {
  override name = 'ReferenceGoneError'
}
