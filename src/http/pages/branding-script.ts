import { staticFile } from '../static.ts'

/**
 * Shows the preview of the branding page while a person types. The service answers what the brand would be, so the
 * colors are those that pages would have. It is text in a module because the build only compiles TypeScript.
 */
const script = `'use strict'
const form = document.querySelector('form[data-preview]')
const preview = document.querySelector('[data-brand=preview]')
const isPortuguese = document.documentElement.lang === 'pt-BR'

const show = (element, text) => {
  element.textContent = text ?? ''
  element.hidden = !text
}

function draw(brand) {
  const name = brand.name ?? preview.dataset.name
  const letters = [...name]
  for (const sample of preview.querySelectorAll('svg')) {
    const { scheme, label, accent, on } = sample.dataset
    const pair = brand.accent?.[scheme] ?? { accent, on_accent: on }
    sample.setAttribute('aria-label', label + ': ' + name + ', ' + pair.accent)
    for (const part of sample.querySelectorAll('[data-fill=accent]')) part.setAttribute('fill', pair.accent)
    for (const part of sample.querySelectorAll('[data-fill=on]')) part.setAttribute('fill', pair.on_accent)
    sample.querySelector('[data-text=initial]').textContent = letters[0].toUpperCase()
    sample.querySelector('[data-text=name]').textContent =
      letters.length > 24 ? letters.slice(0, 23).join('') + '…' : name
    const note = preview.querySelector('[data-contrast=' + scheme + ']')
    const isOther = brand.accent !== null && brand.color !== pair.accent
    show(note, isOther ? note.dataset.words.replace('{color}', pair.accent) : null)
  }
  const [own, other] = isPortuguese ? [brand.form_text_pt, brand.form_text] : [brand.form_text, brand.form_text_pt]
  show(preview.querySelector('[data-text=form]'), own ?? other)
  document.getElementById('not-saved').hidden = false
}

/** What is typed, without fields that are not complete yet. */
async function brandOf(fields, isSecond) {
  const response = await fetch(form.dataset.preview, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      // For a browser or proxy that does not send the source of a request.
      'x-csrf-token': form.elements.csrf.value,
    },
    body: JSON.stringify(fields),
  })
  if (response.ok) return response.json()
  const { errors = [] } = await response.json()
  if (isSecond || errors.length === 0) return null
  for (const { path } of errors) delete fields[path]
  return brandOf(fields, true)
}

let timer
let latest = 0
form.addEventListener('input', () => {
  clearTimeout(timer)
  timer = setTimeout(async () => {
    latest += 1
    const own = latest
    const { csrf, ...fields } = Object.fromEntries(new FormData(form))
    // The button still shows a preview where this fails.
    const brand = await brandOf(fields, false).catch(() => null)
    if (brand !== null && own === latest) draw(brand)
  }, 300)
})
`

export const brandingScript = staticFile('branding.js', 'text/javascript; charset=utf-8', script)
