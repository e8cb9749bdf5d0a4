/**
 * The colors of every page, light and dark, as custom properties of CSS. Text on each of its grounds has a contrast of
 * at least 4.5:1, and edges of controls 3:1, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11).
 */
export const palette = `:root {
  color-scheme: light dark;
  --paper: #f6f7f9;
  --sheet: #ffffff;
  --raised: #eff1f5;
  --ink: #14181f;
  --soft: #545e6d;
  --line: #dfe3e8;
  --edge: #828c9b;
  --accent: #3b5bdb;
  --on-accent: #ffffff;
  --link: #2f4ac2;
  --danger: #b3261e;
  --danger-ground: #fdecea;
  --good: #1b6e45;
  --good-ground: #e6f4ec;
  --warn: #805300;
  --warn-ground: #fdf3dd;
  --note: #e9eefc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0e1116;
    --sheet: #161b22;
    --raised: #1f2630;
    --ink: #e8ecf1;
    --soft: #a0abba;
    --line: #2b333d;
    --edge: #6f7a89;
    --link: #9bb0ff;
    --danger: #ff9a92;
    --danger-ground: #3a1d1c;
    --good: #56c28c;
    --good-ground: #14301f;
    --warn: #e5b567;
    --warn-ground: #33270f;
    --note: #1b2440;
  }
}
`
