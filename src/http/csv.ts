/** What a spreadsheet takes for a formula: a cell of a stranger's choosing must not run in it (CSV injection). */
const beginsFormula = /^[=+\-@\t\r]/

/** One record of a CSV file (RFC 4180). Each cell is quoted; one that would be a formula begins with an apostrophe. */
export const csvLine = (cells: readonly (string | null)[]): string =>
  `${cells
    .map((cell) => {
      const text = cell ?? ''
      return `"${(beginsFormula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
    })
    .join(',')}\r\n`
