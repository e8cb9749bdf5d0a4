import { palette } from '../palette.ts'
import { staticFile } from '../static.ts'

/**
 * One stylesheet for every page, including the documentation. It is text in a module because the build only compiles
 * TypeScript: a CSS file would be missing in production.
 *
 * The wordmark has a line above it: in mathematics, a vinculum is the line over terms that belong together.
 */
const css = `
${palette}*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto;
  padding: 0 1.25rem 4rem;
  max-width: 46rem;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { margin: 2rem 0 1rem; font-size: 1.75rem; }
h2 { margin: 0 0 .5rem; font-size: 1.25rem; }
h3 { margin: 0 0 .5rem; font-size: 1.0625rem; }
p { margin: 0 0 1rem; }
p, dd, li { overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .15em; }
/* Under the line an underscore would be gone. */
a:has(> code) { text-underline-offset: .4em; }
code { font: .9em/1.4 ui-monospace, SFMono-Regular, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--sheet); white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }

header {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0 1.5rem;
  padding: .75rem 0;
  border-bottom: 1px solid var(--line);
}
.wordmark {
  display: inline-flex;
  align-items: center;
  min-height: 2.75rem;
  color: var(--ink);
  font-weight: 650;
  letter-spacing: .02em;
  text-decoration: overline 2px var(--accent);
  text-underline-offset: 0;
}
nav { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.25rem; }
nav a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
.skip { position: absolute; top: -6rem; left: .5rem; z-index: 1; padding: .75rem 1rem; background: var(--sheet); }
.skip:focus { top: .5rem; }
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

section { margin: 0 0 2.5rem; }
section > p { color: var(--soft); }
.entries { display: grid; gap: 1rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.entries > li { padding: 1.125rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--sheet); }
.entries > li > :last-child { margin-bottom: 0; }
.plain { margin: 0 0 1rem; padding: 0; list-style: none; }
.plain > li > a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.log > li { padding: .75rem 0; border-top: 1px solid var(--line); }
.log > li:last-child { border-bottom: 1px solid var(--line); }
.fine { color: var(--soft); font-size: .875rem; }
.log .fine { display: block; }

dl { margin: 0 0 1rem; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0 0 .5rem; }
.facts > div { margin: 0 0 .25rem; }
@media (min-width: 34rem) {
  .facts > div { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 0 1rem; }
  .facts dt { padding-top: .1em; }
  .facts dd { margin: 0; }
}
dd ul { margin: 0; padding: 0; list-style: none; }

.status { margin: 0 0 1.75rem; padding: .875rem 1rem; border-left: 4px solid var(--accent); border-radius: .25rem; background: var(--note); }
.caution { color: var(--danger); font-weight: 600; }
.mark { display: inline-block; margin-left: .5rem; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .8125rem; font-weight: 500; }

article { padding: 1rem 0 0; border-top: 1px solid var(--line); }
article > p { margin: 0; }

form { margin: 0; }
/* What is hidden stays so, whatever its kind is laid out as. */
[hidden] { display: none !important; }
main > p + section, main > form + section { margin-top: 2rem; }
main > nav { margin: 0 0 1rem; }
.actions + .fine, form + .fine { margin-top: 1.75rem; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin: 1rem 0 0; }
/* As high as what stands beside them, and as easy to hit. */
.actions a:not(.button), .plain:not(.log) a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-width: 2.75rem;
  min-height: 2.75rem;
  padding: .5rem 1.125rem;
  border: 1px solid var(--edge);
  border-radius: .375rem;
  background: transparent;
  color: var(--ink);
  font: inherit;
  font-weight: 500;
  line-height: 1.3;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { border-color: var(--accent); color: var(--accent); }
.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.primary:hover { color: var(--on-accent); text-decoration: underline; }
.danger { border-color: var(--danger); color: var(--danger); }
.danger:hover { border-color: var(--danger); color: var(--danger); text-decoration: underline; }
.quiet { justify-content: flex-start; padding: .5rem 0; border-color: transparent; color: var(--accent); font-weight: 400; text-decoration: underline; text-underline-offset: .15em; }
.quiet:hover { border-color: transparent; }
.providers { display: grid; gap: .75rem; max-width: 24rem; margin: 0 0 1.5rem; padding: 0; list-style: none; }
.providers .button, .providers button { width: 100%; background: var(--sheet); }
.providers .fine { display: block; margin: .25rem 0 0; text-align: center; }

label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input:is([type=text], [type=email], [type=password]), select {
  width: 100%;
  max-width: 24rem;
  min-height: 2.75rem;
  padding: .5rem .75rem;
  border: 1px solid var(--edge);
  border-radius: .375rem;
  background: var(--sheet);
  color: var(--ink);
  font: inherit;
}
.field { margin: 1.25rem 0 0; }
.field > .fine { margin: 0 0 .5rem; }
.field > div { display: flex; flex-wrap: wrap; gap: .75rem; }
.field input { flex: 1 1 14rem; }
fieldset { padding: 0; border: 0; }
legend { margin: 0 0 .25rem; padding: 0; font-weight: 600; }
.choice { display: flex; align-items: center; gap: .5rem; min-height: 2.75rem; font-weight: 400; }
.field .choice input { flex: none; width: 1.5rem; height: 1.5rem; }
details { margin: 0 0 1rem; }
summary { min-height: 2.75rem; padding: .5rem 0; cursor: pointer; }

@media (prefers-reduced-motion: no-preference) {
  button, .button { transition: color .12s, border-color .12s; }
}
@media (forced-colors: active) {
  .status { border: 1px solid; }
}
@media print {
  nav, .actions, .skip { display: none; }
}
`

export const stylesheet = staticFile('style.css', 'text/css; charset=utf-8', css.trimStart())
