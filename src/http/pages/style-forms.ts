/** The part of the stylesheet for forms, their controls and buttons. */
export const formStyle = `/* Forms: controls 44 px high, one primary action in a view */
form { margin: 0; }
main > p + section, main > form + section { margin-top: 1.5rem; }
main > nav { margin: 0 0 1rem; }
.tabs { gap: .5rem; }
.tabs a { padding: .375rem .875rem; border: 1px solid var(--line); border-radius: 1.375rem; background: var(--sheet); line-height: 1.3; text-decoration: none; }
.tabs a[aria-current] { border-color: var(--edge); background: var(--raised); }
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
.app-mark { width: 1.5rem; height: 1.5rem; padding: 1px; border-radius: .25rem; background: #ffffff; object-fit: contain; }
/* Many of equal weight: as many columns as fit. */
.kinds { grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); }
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
.choice { display: flex; align-items: center; gap: .5rem; min-height: 2.75rem; margin: 0; padding: .25rem 0; font-weight: 400; }
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
.rows > li.marked:has(.ask[open]) { grid-template-columns: 1.5rem minmax(0, 1fr); }
.rows > li:has(.ask[open]) > .actions { grid-column: 1 / -1; }
summary { min-height: 2.75rem; padding: .625rem 0; color: var(--link); cursor: pointer; }
`
