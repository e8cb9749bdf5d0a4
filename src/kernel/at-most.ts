/**
 * The result of `work`, or `late` if it takes longer than `ms` milliseconds. The work itself continues, so the caller of
 * this function decides what happens to its failure after that.
 */
export async function atMost<T, L>(ms: number, work: Promise<T>, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<L>((resolve) => {
    timer = setTimeout(resolve, ms, late)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
