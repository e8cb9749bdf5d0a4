/** The colors of every page, light and dark, as custom properties of CSS. */
export const palette = `:root {
  color-scheme: light dark;
  --paper: #fbfaf8;
  --sheet: #ffffff;
  --ink: #1c1d20;
  --soft: #54575e;
  --line: #d9d6d0;
  --edge: #77736c;
  --accent: #1f4f82;
  --on-accent: #ffffff;
  --danger: #9c2323;
  --note: #eaf1f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17181b;
    --sheet: #1f2124;
    --ink: #e9e7e3;
    --soft: #aeb2b9;
    --line: #393c42;
    --edge: #858a93;
    --accent: #9cc4ee;
    --on-accent: #10243a;
    --danger: #f3a19b;
    --note: #203044;
  }
}
`
