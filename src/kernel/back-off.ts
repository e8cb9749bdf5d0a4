/**
 * Seconds to leave in peace what has failed so many times in a row: doubling from `first` up to `most`, and up to half of
 * it `chance` (from 0 to 1), so that a thousand that failed together do not return together.
 */
export const backOff = (
  failures: number,
  { first, most }: { readonly first: number; readonly most: number },
  chance: number,
): number => Math.min(first * 2 ** (failures - 1), most) * (0.5 + chance / 2)
