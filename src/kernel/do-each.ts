/**
 * Does `work` for one item after another. One that fails does not stop the others. Returns the errors.
 */
export async function doEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  for (const item of items) await work(item).catch((error: unknown) => failures.push(error))
  return failures
}
