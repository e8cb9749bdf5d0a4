import { palette } from '../palette.ts'
import { staticFile } from '../static.ts'

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
.area main > h1 { margin: 0 0 .75rem; }
.columns-2 { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 2.5rem; padding-top: 1.75rem; }
.side { display: grid; align-content: start; gap: 2px; }
.side a { padding: 0 .75rem; border-radius: .5rem; color: var(--soft); font-weight: 550; text-decoration: none; }
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
.lead { color: var(--soft); }
.fine { color: var(--soft); font-size: .875rem; }
.plain { margin: 0 0 1rem; padding: 0; list-style: none; }
.plain > li > a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.log > li { padding: .625rem 0; border-top: 1px solid var(--line); }
.log > li:last-child { border-bottom: 1px solid var(--line); }
.log .fine { display: block; }
.codes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .25rem 1rem; margin: 0 0 1rem; padding: .75rem 1rem; border-radius: .5rem; background: var(--raised); list-style: none; }
.codes code { font-size: 1rem; }
.entries { display: grid; gap: .75rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.entries > li { padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.entries > li > :last-child { margin-bottom: 0; }
/* Numbers of the overview, and their charts */
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 0 0 1.25rem; }
.tiles > div { padding: .875rem 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.tiles dt { color: var(--soft); font-size: .875rem; }
.tiles dd { margin: 0; }
.tiles b { display: block; font-size: 1.625rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.chart { margin: 0; padding: .75rem 1.25rem; }
.chart > svg { display: block; width: 100%; height: auto; }
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
.numbers a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; margin: -.5rem 0; }
.numbers summary { min-width: 5.5rem; min-height: 2.75rem; align-content: center; white-space: nowrap; }
.numbers td > details { margin: 0; }
.filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); gap: 0 1rem; align-items: end; }
.filters > details, .filters > .actions { grid-column: 1 / -1; }
.panel.filters { padding: .75rem 1.25rem; }
/* On phones a row is a card: the header of its column stands before each cell. */
@media (max-width: 45rem) {
  .cards, .cards tbody, .cards tr, .cards tbody th, .cards td { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { padding: .625rem 1rem; border-top: 1px solid var(--line); }
  .cards tbody th, .cards td { padding: .125rem 0; border: 0; }
  .cards tbody th { font-weight: 600; }
  .cards td::before { color: var(--soft); content: attr(data-label) ": "; font-size: .875rem; }
}
/* One row per thing: its mark, what it is and how it is, one action. */
.actions + .panel { margin-top: 1rem; }
.panel { margin: 0 0 1.25rem; border: 1px solid var(--line); border-radius: .625rem; background: var(--sheet); }
.panel > h2, .panel > header { margin: 0; padding: .75rem 1.25rem; border-bottom: 1px solid var(--line); }
.panel > header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem; }
.panel > header > h2 { margin: 0; }
.panel > p, .panel > form, .panel > details, .panel > summary, .panel > div, .panel > .facts, .panel > .actions { margin: 0; padding: .75rem 1.25rem; }
.panel > .actions { padding-top: 0; }
/* Its rows are as wide as those above it. */
.panel > .more { padding: 0; border-top: 1px solid var(--line); }
.more > summary { padding: .625rem 1.25rem; }
.more > .rows, details.panel > .rows { border-top: 1px solid var(--line); }
.panel > summary > h2 { display: inline; margin: 0; }
/* A part of a panel, with a heading of its own. */
.panel > .part { margin: 0; padding: .75rem 1.25rem; }
.panel > .part + .part { border-top: 1px solid var(--line); }
.part > :last-child { margin-bottom: 0; }
details.panel > summary { padding: .625rem 1.25rem; }
.panel > form > [type=hidden] + .field { margin-top: 0; }
.panel > .steps { display: flex; flex-wrap: wrap; align-items: center; gap: 0 2rem; padding: .75rem 1.25rem 0; }
.steps ol { margin: 0 0 .75rem; padding-left: 1.25rem; }
.rows { margin: 0; padding: 0; list-style: none; }
.rows > li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .25rem 1rem; align-items: center; padding: .75rem 1.25rem; }
.rows > li.marked { grid-template-columns: 1.5rem minmax(0, 1fr) auto; }
.rows > li + li { border-top: 1px solid var(--line); }
.rows h3, .rows p { margin: 0; }
.rows > li > .actions { margin: 0; }
.rows > li > details { grid-column: 1 / -1; margin: 0; }
@media (max-width: 34rem) {
  .rows > li:not(.tight) > .actions { grid-column: 1 / -1; }
  .rows > li.marked > .actions { grid-column: 2 / -1; }
  .panel > h2, .panel > header, .rows > li, .more > summary, .panel > p, .panel > form, .panel > details, .panel > summary, .panel > div, .panel > .part, .panel > .facts, .panel > .actions { padding-right: 1rem; padding-left: 1rem; }
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
.mark, .badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--raised); color: var(--soft); font-size: .8125rem; font-weight: 550; line-height: 1.5; white-space: nowrap; }
.mark { margin-left: .5rem; }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.bad { background: var(--danger-ground); color: var(--danger); }

article { padding: 1rem 0 0; border-top: 1px solid var(--line); }
article > p { margin: 0; }

/* Forms: controls 44 px high, one primary action in a view */
form { margin: 0; }
main > p + section, main > form + section { margin-top: 1.5rem; }
main > nav { margin: 0 0 1rem; }
.actions + .fine, .actions + .caution, form + .fine, section + .fine { margin-top: 1rem; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin: 1rem 0 0; }
/* As high as what stands beside them, and as easy to hit. */
.actions a:not(.button), .plain:not(.log) a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.gate .actions a:not(.button) { justify-content: center; gap: .5rem; text-align: center; }
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  gap: .625rem;
  min-width: 2.75rem;
  min-height: 2.75rem;
  padding: .375rem 1rem;
  border: 1px solid var(--edge);
  border-radius: .5rem;
  background: var(--sheet);
  color: var(--ink);
  font: inherit;
  font-weight: 550;
  line-height: 1.25;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { background: var(--raised); }
button[disabled] { opacity: .6; cursor: progress; }
.primary, .primary:hover { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.primary:hover { text-decoration: underline; }
.danger { border-color: currentColor; color: var(--danger); }
.quiet { padding: .375rem 0; border-color: transparent; background: none; color: var(--link); font-weight: 400; text-decoration: underline; text-underline-offset: .15em; }
.quiet:hover { background: none; }
.providers { display: grid; gap: .5rem; margin: 0; padding: 0; list-style: none; }
.providers .button, .providers button { width: 100%; justify-content: flex-start; text-align: start; }
.providers .actions { margin: 0; }
.providers .badge { margin-inline-start: auto; }
.providers svg, .rows svg, .mono { flex: none; width: 1.25rem; height: 1.25rem; }
.mono { display: grid; place-items: center; border-radius: .25rem; background: var(--raised); color: var(--soft); font-size: .75rem; font-weight: 700; line-height: 1; }
.providers .needs { display: flex; align-items: center; min-height: 2.75rem; margin: 0; }
.providers + details, .providers details { margin: .5rem 0 0; }
.or { display: grid; grid-template-columns: 1fr auto 1fr; align-items: center; gap: .75rem; margin: .75rem 0; color: var(--soft); font-size: .875rem; }
.or::before, .or::after { height: 1px; background: var(--line); content: ""; }

label, legend { display: block; margin: 0 0 .25rem; font-size: .9375rem; font-weight: 600; }
input:is([type=text], [type=email], [type=password], [type=search], [type=url], [type=date], [type=number], [type=file]), select, textarea {
  width: 100%;
  max-width: 26rem;
  min-height: 2.75rem;
  padding: .375rem .75rem;
  border: 1px solid var(--edge);
  border-radius: .5rem;
  background: var(--sheet);
  color: var(--ink);
  font: inherit;
}
textarea.code { max-width: none; font-family: ui-monospace, SFMono-Regular, Consolas, "Liberation Mono", monospace; font-size: .875rem; }
[aria-invalid=true] { border-color: var(--danger) !important; box-shadow: 0 0 0 1px var(--danger); }
.digits { font-size: 1.25rem !important; font-variant-numeric: tabular-nums; letter-spacing: .2em; }
.field { margin: 1rem 0 0; }
.gate form > .field:first-of-type { margin-top: 0; }
.field > .fine { margin: 0 0 .375rem; }
.field > .caution { margin: .25rem 0 .375rem; font-size: .9375rem; }
.field > div { display: flex; flex-wrap: wrap; gap: .75rem; }
.field input { flex: 1 1 12rem; min-width: 0; }
.secret { position: relative; flex: 1 1 12rem; max-width: 26rem; }
.secret input { padding-right: 5.5rem; }
.secret input:not(:has(+ button:not([hidden]))) { padding-right: .75rem; }
.secret button { position: absolute; top: 0; right: 0; border-color: transparent; background: none; color: var(--link); font-size: .875rem; }
/* The link stands beside the label, and follows the field for the keyboard. */
.field:has(> .aside) { display: grid; grid-template-columns: 1fr auto; gap: 0 .75rem; align-items: baseline; }
.field:has(> .aside) > * { grid-column: 1 / -1; }
.field:has(> .aside) > label { grid-column: 1; grid-row: 1; }
.field > .aside { grid-column: 2 !important; grid-row: 1; margin: 0; font-size: .875rem; }
fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }
fieldset.field { margin-top: 1rem; }
legend { padding: 0; }
.choice { display: flex; align-items: center; gap: .5rem; min-height: 2.75rem; margin: 0; font-weight: 400; }
.choices { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1rem; }
.choices a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
.choice input { flex: none !important; width: 1.5rem; height: 1.5rem; }
legend + .fine { margin: 0 0 .375rem; }
details { margin: 0 0 1rem; }
/* A button that asks first: what will happen is shown below it. */
.ask { margin: 0; }
.ask > summary { display: inline-flex; align-items: center; justify-content: center; min-width: 2.75rem; padding: .375rem 1rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--sheet); color: var(--ink); font-weight: 550; line-height: 1.25; list-style: none; }
.ask > summary::-webkit-details-marker { display: none; }
.ask > summary:hover { background: var(--raised); }
.ask[open] { flex-basis: 100%; }
.ask > div { padding: .75rem 0 0; }
.ask > div > p { margin: 0 0 .75rem; }
.rows > li:has(.ask[open]) { grid-template-columns: minmax(0, 1fr); }
summary { min-height: 2.75rem; padding: .625rem 0; color: var(--link); cursor: pointer; }

@media (forced-colors: active) {
  .status, .refused, .badge, .mark { border: 1px solid; }
}
@media print {
  nav, .actions, .skip, .foot, .side { display: none !important; }
}
`

export const stylesheet = staticFile('style.css', 'text/css; charset=utf-8', css.trimStart())
