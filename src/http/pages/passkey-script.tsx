import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { VNode } from 'preact'
import { staticFile } from '../static.ts'

/**
 * The only script of our pages: browsers offer passkeys to scripts only. It fetches the options, asks the passkey, and
 * submits the form with its answer. It is text in a module because the build only compiles TypeScript.
 */
const script = `'use strict'
const { browserSupportsWebAuthn, startAuthentication, startRegistration } = SimpleWebAuthnBrowser

async function answer(form) {
  const asked = await fetch(form.dataset.passkeyOptions, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      // For a browser or proxy that does not send the source of a request.
      'x-csrf-token': form.elements.csrf.value,
    },
    body: '{}',
  })
  if (!asked.ok) throw new Error('asked in vain')
  const { options, flow_token: flowToken } = await asked.json()
  const start = form.dataset.passkey === 'create' ? startRegistration : startAuthentication
  form.elements.response.value = JSON.stringify(await start({ optionsJSON: options }))
  form.elements.flow_token.value = flowToken
  form.submit()
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
      failed.textContent = ''
      answer(form).catch(() => {
        button.disabled = false
        failed.textContent = failed.dataset.text
        button.focus()
      })
    })
  }
}
`
const require = createRequire(import.meta.url)
// The package exports modules for bundlers. The file that browsers can load directly is next to them.
const bundle = readFileSync(
  require.resolve('@simplewebauthn/browser').replace(/(@simplewebauthn.browser).*$/, '$1/dist/bundle/index.umd.min.js'),
)

const type = 'text/javascript; charset=utf-8'
export const passkeyScripts = [
  staticFile('webauthn.js', type, bundle),
  staticFile('passkeys.js', type, script),
] as const

/** In the order in which they run, once the page is parsed. */
export const PasskeyScripts = (): VNode => (
  <>
    {passkeyScripts.map(({ path }) => (
      <script key={path} src={path} defer />
    ))}
  </>
)
