import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { staticFile } from '../static.ts'

/**
 * Browsers offer passkeys to scripts only. It fetches the options, asks the passkey, and submits the form with its
 * answer. It is text in a module because the build only compiles TypeScript.
 */
const script = `'use strict'
const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } =
  SimpleWebAuthnBrowser

async function optionsOf(form) {
  const response = await fetch(form.dataset.passkeyOptions, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      // For a browser or proxy that does not send the source of a request.
      'x-csrf-token': form.elements.csrf.value,
    },
    body: '{}',
  })
  if (!response.ok) throw new Error('no options')
  return response.json()
}

async function answer(form, { options, flow_token: flowToken }, useBrowserAutofill) {
  const start = form.dataset.passkey === 'create' ? startRegistration : startAuthentication
  form.elements.response.value = JSON.stringify(await start({ optionsJSON: options, useBrowserAutofill }))
  form.elements.flow_token.value = flowToken
  form.submit()
}

/**
 * Offers the passkeys of this device among the suggestions for the email address. Options expire, so new ones are
 * fetched when the reader returns to the field. The button of the form ends this request.
 */
async function offer(form) {
  const field = document.querySelector('input[autocomplete~=webauthn]')
  if (!field || !(await browserSupportsWebAuthnAutofill())) return
  let isOffered = false
  const begin = async () => {
    if (document.activeElement !== field || isOffered) return
    isOffered = true
    try {
      const fetched = await optionsOf(form)
      setTimeout(() => { isOffered = false }, (fetched.expires_in - 15) * 1000)
      await answer(form, fetched, true)
    } catch {
      // The reader chose nothing, or used the button: the field and the button still work.
    }
  }
  field.addEventListener('focus', begin)
  addEventListener('focus', begin)
  begin()
}

if (browserSupportsWebAuthn()) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const button = form.querySelector('button')
    const failed = form.querySelector('[role=alert]')
    form.hidden = false
    document.getElementById(form.dataset.passkeyNeeds).hidden = true
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      button.disabled = true
      failed.hidden = true
      failed.textContent = ''
      optionsOf(form).then((fetched) => answer(form, fetched, false)).catch(() => {
        button.disabled = false
        failed.hidden = false
        failed.textContent = failed.dataset.text
        button.focus()
      })
    })
    if ('passkeyAutofill' in form.dataset) offer(form)
  }
}
`
const require = createRequire(import.meta.url)
// The package exports modules for bundlers. The file that browsers can load directly is next to them.
const bundle = readFileSync(
  require.resolve('@simplewebauthn/browser').replace(/(@simplewebauthn.browser).*$/, '$1/dist/bundle/index.umd.min.js'),
)

const type = 'text/javascript; charset=utf-8'
/** In the order in which they run. */
export const passkeyScripts = [
  staticFile('webauthn.js', type, bundle),
  staticFile('passkeys.js', type, script),
] as const
