/**
 * Seconds to wait after this many failures in a row. The delay doubles from `first` up to `most`. `chance` (0 to 1)
 * decides about half of it, so that a thousand callers that failed together do not retry together.
 */
export const backOff = (
  failures: number,
  { first, most }: { readonly first: number; readonly most: number },
  chance: number,
): number => Math.min(first * 2 ** (failures - 1), most) * (0.5 + chance / 2)
