import { palette } from '../palette.ts'
import { staticFile } from '../static.ts'
import { formStyle } from './style-forms.ts'

/**
 * One stylesheet for every page, including the documentation. It is text in a module because the build only compiles
 * TypeScript: a CSS file would be missing in production.
 *
 * Two frames share it: `body.gate` is one card in the middle, for everything before a sign-in and for single questions;
 * `body.area` has a bar, sections at the side and content. A body without a class is a document.
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
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { margin: 2rem 0 1rem; font-size: 1.5rem; letter-spacing: -.01em; }
h2 { margin: 0 0 .5rem; font-size: 1.125rem; }
h3 { margin: 0 0 .375rem; font-size: 1rem; }
p { margin: 0 0 1rem; }
p, dd, li { overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; }
/* Under the line an underscore would be gone. */
a:has(> code) { text-underline-offset: .4em; }
code { font: .9em/1.4 ui-monospace, SFMono-Regular, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--sheet); white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
img, svg { max-width: 100%; }
/* What is hidden stays so, whatever its kind is laid out as. */
[hidden] { display: none !important; }

/* The frame: operator, navigation, languages */
body:not([class]) > header {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0 1.5rem;
  padding: .5rem 0;
  border-bottom: 1px solid var(--line);
}
.wordmark { display: inline-flex; align-items: center; gap: .625rem; min-width: 0; min-height: 2.75rem; color: var(--ink); font-weight: 700; text-decoration: none; overflow-wrap: anywhere; }
/* In mathematics, a vinculum is the line over terms that belong together. */
.logo { flex: none; width: auto; height: 1.75rem; max-width: 10rem; object-fit: contain; }
.monogram { display: grid; flex: none; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font-size: .9375rem; line-height: 1; text-decoration: overline 2px; }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.25rem; }
nav a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
.skip { position: absolute; top: -6rem; left: .5rem; z-index: 1; padding: .75rem 1rem; background: var(--sheet); }
.skip:focus { top: .5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.foot { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 0 1.25rem; color: var(--soft); font-size: .875rem; }
.foot a { display: inline-flex; align-items: center; min-height: 2.75rem; color: inherit; }
.foot .quiet { font-size: .875rem; }

.gate { display: grid; align-content: start; justify-items: center; max-width: none; min-height: 100vh; padding: clamp(.5rem, 5vh, 4rem) 1rem 1rem; }
.gate > header { max-width: 100%; padding: 0 0 .75rem; }
.gate > main { width: 100%; max-width: 26rem; padding: 1.5rem; border: 1px solid var(--line); border-radius: .875rem; background: var(--sheet); box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 8px 24px rgb(0 0 0 / .05); }
.gate > main > h1 { margin: 0 0 .75rem; }
.gate > main > :last-child { margin-bottom: 0; }
.gate > main section { margin: 1.5rem 0 0; }
.gate .actions > *, .gate .actions form button, .gate .primary { width: 100%; }
.gate .actions > button[data-act] { flex: 1 1 6rem; width: auto; }
.gate .foot { margin-top: .75rem; }
.gate .below { max-width: 26rem; margin: .75rem 0 0; text-align: center; }
.prose { white-space: pre-line; }
.previews { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); gap: 1rem; margin-bottom: 1rem; }
/* A picture of any colors: its background is the same in both schemes. */
.app-logo { display: block; width: auto; max-width: 10rem; height: 2.5rem; margin: 0 0 .5rem; padding: .25rem; border-radius: .375rem; background: #ffffff; object-fit: contain; }
.shown { width: auto; max-width: 100%; height: 2.75rem; padding: .375rem; border: 1px solid var(--line); border-radius: .375rem; background: #ffffff; object-fit: contain; }
.shown.dark { background: #161b22; }
.previews svg { width: 100%; border: 1px solid var(--line); border-radius: .5rem; }
@media (max-width: 22.5rem) {
  .gate { padding: .25rem .625rem 1rem; }
  .gate > header { padding-bottom: .25rem; }
  .gate > main { padding: 1rem 1rem 1.25rem; }
}

.area { max-width: none; padding: 0 0 2rem; }
.area > header { border-bottom: 1px solid var(--line); background: var(--sheet); }
.area > header > div, .columns-2 { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
.area > header > div { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0 1.5rem; min-height: 3.75rem; }
.area main { min-width: 0; max-width: 48rem; }
.area .foot { margin-top: 1rem; }
.area main > h1 { margin: 0 0 .75rem; }
.columns-2 { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 2.5rem; padding-top: 1.75rem; }
.side { display: grid; align-content: start; gap: 2px; }
.side a { padding: .375rem .75rem; line-height: 1.3; border-radius: .5rem; color: var(--soft); font-weight: 550; text-decoration: none; }
.side a:hover { background: var(--raised); }
.side a[aria-current] { background: var(--raised); color: var(--ink); }
@media (max-width: 45rem) {
  .columns-2 { grid-template-columns: minmax(0, 1fr); gap: .75rem; padding-top: .5rem; }
  .area > header > div { min-height: 3rem; }
  .side { position: relative; display: flex; flex-wrap: nowrap; margin: 0 -1.25rem; padding: .25rem 1.25rem; overflow-x: auto; }
  .side a { flex: none; white-space: nowrap; }
}

/* Content */
section { margin: 0 0 2rem; }
section > p { color: var(--soft); }
.lead, .area main > p:not([class]) { color: var(--soft); }
.fine { color: var(--soft); font-size: .875rem; }
.plain { margin: 0 0 1rem; padding: 0; list-style: none; }
.plain > li > a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.log > li { padding: .625rem 0; border-top: 1px solid var(--line); }
.log .fine { display: block; }
.codes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .25rem 1rem; margin: 0 0 1rem; padding: .75rem 1rem; border-radius: .5rem; background: var(--raised); list-style: none; }
.codes code { font-size: 1rem; }
.entries { display: grid; gap: .75rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.entries > li { padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.entries > li > p { margin-bottom: .25rem; }
.entries > li > :last-child { margin-bottom: 0; }
/* Numbers of the overview, and their charts */
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(10.5rem, 45%), 1fr)); gap: .75rem; margin: 0 0 1.25rem; }
/* The numbers of a row stand on one line, however long their names are. */
.tiles > div { display: grid; grid-row: span 2; grid-template-rows: subgrid; gap: 0; padding: .875rem 1rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.tiles dt { color: var(--soft); font-size: .875rem; }
.tiles dd { margin: 0; }
.tiles b { display: block; font-size: 1.625rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.chart { margin: 0; padding: .75rem 1.25rem; }
.chart > svg { display: block; width: 100%; height: auto; }
.chart text { font-size: 13px; }
@media (max-width: 45rem) { .chart text { font-size: 26px; } }
.chart figcaption { margin: .5rem 0; }
.key { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.numbers { width: 100%; border-collapse: collapse; }
.numbers th, .numbers td { padding: .5rem .625rem; border-top: 1px solid var(--line); text-align: left; font-weight: inherit; overflow-wrap: break-word; }
.numbers :is(th, td):first-child { padding-left: 1.25rem; }
.numbers :is(th, td):last-child { padding-right: 1.25rem; }
/* Only names, addresses and codes break within a word: otherwise a narrow column would break every word. */
.numbers a, .numbers .long { overflow-wrap: anywhere; }
.numbers thead th { color: var(--soft); font-size: .875rem; }
.numbers thead tr:first-child > * { border-top: 0; }
.numbers td { font-variant-numeric: tabular-nums; }
.numbers .fine { display: block; }
.badges { display: flex; flex-wrap: wrap; gap: .25rem; }
@media (min-width: 45.01rem) { .numbers a { max-width: 15rem; } }
.numbers a { display: inline-flex; align-items: center; gap: .5rem; min-width: 2.75rem; min-height: 2.75rem; margin: -.5rem 0; }
.numbers a:has(+ :is(.fine, .badge, .badges)) { margin-bottom: 0; }
.numbers summary { min-width: 5.5rem; min-height: 2.75rem; align-content: center; white-space: nowrap; }
.numbers :is(th, td) > details { margin: 0; }
.numbers svg { flex: none; width: 1.125rem; height: 1.125rem; }
.filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); gap: 0 1rem; align-items: end; }
.filters > details, .filters > .actions { grid-column: 1 / -1; }
.panel.filters { padding: .75rem 1.25rem; }
/* On phones a row is a card: the header of its column stands before each cell. */
@media (max-width: 45rem) {
  .cards, .cards tbody, .cards tr, .cards tbody th, .cards td { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { padding: .625rem 1rem; border-top: 1px solid var(--line); }
  .cards tr > * { padding: .125rem 0 !important; border: 0 !important; }
  .cards tbody th { font-weight: 600; }
  .cards th .fine { font-weight: 400; }
  .cards .none { display: none !important; }
  .cards td:not(:has(> details))::before { color: var(--soft); content: attr(data-label) ": "; font-size: .875rem; }
}
/* One row per thing: its mark, what it is and how it is, one action. */
.actions + .panel { margin-top: 1rem; }
.panel { margin: 0 0 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.panel > h2, .panel > header { margin: 0; padding: .75rem 1.25rem; border-bottom: 1px solid var(--line); }
.panel > header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem; }
.panel > header > h2 { margin: 0; }
.panel > p, .panel > form, .panel > details, .panel > summary, .panel > div, .panel > .facts, .panel > .actions { margin: 0; padding: .75rem 1.25rem; }
.panel > :is(p, form, details, .facts, .field) + :is(p, form, .facts, .field), .panel > .actions { padding-top: 0; }
.panel > :is(h2, header, table, ul) + .actions { padding-top: .75rem; }
.panel > details:not(.more) { padding-top: 0; padding-bottom: 0; }
.panel > details[open]:not(.more) { padding-bottom: .75rem; }
.panel.filters > :is(.actions, .field), .panel.filters > details:not(.more) { padding: 0; }
.panel > .facts { padding-bottom: .5rem; }
.panel > .facts:has(+ :is(.actions, details)) { padding-bottom: .25rem; }
/* Its rows are as wide as those above it. */
.panel > .more { padding: 0; border-top: 1px solid var(--line); }
.more > summary { padding: .625rem 1.25rem; }
.more > .rows, details.panel > .rows { border-top: 1px solid var(--line); }
.panel > summary > h2 { display: inline; margin: 0; }
/* A part of a panel, with a heading of its own. */
.panel > .part { margin: 0; padding: .75rem 1.25rem; }
.panel > .part + .part { border-top: 1px solid var(--line); }
.part > :last-child { margin-bottom: 0; }
/* Removing a picture stands below replacing it. */
.part > form + .ask { margin-top: .75rem; }
.panel > h3 { margin: 0; padding: .25rem 1.25rem .5rem; }
/* Values that are shown once, to be copied. */
.once dt { margin: 0 0 .25rem; }
.once dd { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: 0; }
.once code { flex: 1 1 16rem; padding: .625rem .75rem; border-radius: .5rem; background: var(--raised); }
.panel > ol, .panel > ul:not(.rows) { margin: 0; padding: .75rem 1.25rem .75rem 2.5rem; }
.panel > pre { margin: .75rem 1.25rem; }
details.panel > summary { padding: .625rem 1.25rem; }
section.panel > .field { margin: 0; padding: .75rem 1.25rem; }
/* A form with fields is a panel of its own, unless it consists of panels. */
.area main > form { margin-bottom: 1.25rem; }
.area main > form:not(.panel):has(> .field) { padding: 1rem 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.area main > form > .field:first-of-type, .panel > form > .field:first-of-type { margin-top: 0; }
.panel > .steps { display: flex; flex-wrap: wrap; align-items: center; gap: 0 2rem; padding: .75rem 1.25rem 0; }
.steps ol { margin: 0 0 .75rem; padding-left: 1.25rem; }
.rows { margin: 0; padding: 0; list-style: none; }
.rows > li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .25rem 1rem; align-items: center; padding: .75rem 1.25rem; }
.rows > li.marked { grid-template-columns: 1.5rem minmax(0, 1fr) auto; }
/* What is done about a long entry stands below it. */
.rows > li.above { grid-template-columns: minmax(0, 1fr); gap: .5rem; }
.rows .facts { margin: .25rem 0 0; }
.rows > li + li { border-top: 1px solid var(--line); }
.rows h3, .rows p { margin: 0; }
.rows h3 a { display: inline-block; min-width: 2.75rem; margin: -.75rem 0; padding: .75rem 0; }
.rows > li > .actions { margin: 0; }
.rows > li > details { grid-column: 1 / -1; margin: 0; }
@media (max-width: 34rem) {
  .rows > li:not(.tight) > .actions { grid-column: 1 / -1; }
  .rows > li.marked:not(.tight) > .actions { grid-column: 2 / -1; }
  .rows > li { row-gap: .5rem; }
  .rows > li.marked > :first-child { align-self: start; margin-top: .125rem; }
  .panel > :is(h2, h3), .panel > header, .rows > li, .more > summary, .panel > p, .panel > form, .panel > details, .panel > summary, .panel > div, .panel > .part, .panel > .facts, section.panel > .field, .panel > .actions, .area main > form:not(.panel):has(> .field) { padding-right: 1rem; padding-left: 1rem; }
}

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
/* In the card the name of a fact stands above it. */
.gate .facts > div { display: block; }

.status { margin: 0 0 1.25rem; padding: .75rem 1rem; border-left: 4px solid var(--accent); border-radius: .375rem; background: var(--note); }
.status.good { border-color: var(--good); background: var(--good-ground); }
.refused { margin: 0 0 1.25rem; padding: .75rem 1rem; border-left: 4px solid var(--danger); border-radius: .375rem; background: var(--danger-ground); }
.refused p { margin: 0; }
.refused a { color: inherit; }
.refused strong { color: var(--danger); }
.caution { color: var(--danger); font-weight: 600; }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--raised); color: var(--soft); font-size: .8125rem; font-weight: 550; line-height: 1.5; white-space: nowrap; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.bad { background: var(--danger-ground); color: var(--danger); }

article { padding: 1rem 0 0; border-top: 1px solid var(--line); }
article > p { margin: 0; }

${formStyle}
@media (forced-colors: active) {
  .status, .refused, .badge { border: 1px solid; }
}
@media print {
  nav, .actions, .skip, .foot, .side { display: none !important; }
}
`

export const stylesheet = staticFile('style.css', 'text/css; charset=utf-8', css.trimStart())
