import { staticFile } from '../static.ts'

/**
 * Small improvements of pages that work without them: show a password, submit a complete code, copy a text, print, save
 * a text as a file, and show times in the zone of the reader. It is text in a module because the build only compiles.
 */
const script = `'use strict'
for (const button of document.querySelectorAll('[data-reveals]')) {
  const field = document.getElementById(button.dataset.reveals)
  button.hidden = false
  button.addEventListener('click', () => {
    const shown = field.type === 'text'
    field.type = shown ? 'password' : 'text'
    button.setAttribute('aria-pressed', String(!shown))
  })
  // A password that is shown would be remembered by the browser as a text of the form.
  field.form.addEventListener('submit', () => { field.type = 'password' })
}

for (const field of document.querySelectorAll('input[data-digits]')) {
  // A code is valid once. Enter after the last digit must not send it a second time.
  let isSent = false
  field.form.addEventListener('submit', (event) => {
    if (isSent) event.preventDefault()
    isSent = true
    setTimeout(() => { isSent = false }, 3000)
  })
  field.addEventListener('input', () => {
    if (field.value.replace(/\\D/g, '').length === Number(field.dataset.digits)) field.form.requestSubmit()
  })
}

const textOf = (button) =>
  [...document.querySelectorAll(button.dataset.of)].map((element) => element.textContent.trim()).join('\\n')
const acts = {
  copy: (button) => navigator.clipboard.writeText(textOf(button)),
  print: () => window.print(),
  save: (button) => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([textOf(button) + '\\n'], { type: 'text/plain' }))
    link.download = button.dataset.file
    link.click()
    URL.revokeObjectURL(link.href)
  },
}
for (const button of document.querySelectorAll('[data-act]')) {
  const act = button.dataset.act
  if (act === 'copy' && !navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', () => {
    Promise.resolve(acts[act](button)).then(() => {
      if (button.dataset.done) button.textContent = button.dataset.done
    }, () => {})
  })
}

for (const time of document.querySelectorAll('time[data-zone]')) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
  const words = format.format(new Date(time.dateTime))
  if (time.dataset.zone === 'title') time.title = words
  else time.textContent = words
}

document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
`

export const pageScript = staticFile('page.js', 'text/javascript; charset=utf-8', script)
