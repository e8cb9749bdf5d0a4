import { renderToString } from 'preact-render-to-string'
import { describe, expect, test } from 'vitest'
import { renderPage, usePageFrame } from '../../../src/http/page-frame.ts'
import { readerOf } from '../../../src/http/pages/layout.tsx'
import { SettingFields } from '../../../src/http/pages/provider-fields.tsx'
import { locales } from '../../../src/kernel/locale.ts'
import { type KindDescription, kindDescription, kindDescriptions } from '../../../src/providers/kinds.ts'

const decoded = (html: string): string =>
  html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

/** The hint of each setting on the form that adds a provider. */
function hintsOf(kind: KindDescription, locale: (typeof locales)[number]): Record<string, string> {
  const html = renderToString(<SettingFields {...readerOf(locale)} kind={kind} values={{}} refused={[]} />)
  return Object.fromEntries(
    [...html.matchAll(/<p class="fine" id="settings\.(\w+)-hint">([^<]*)<\/p>/g)].map(([, name = '', hint = '']) => [
      name,
      decoded(hint),
    ]),
  )
}

const hintOf = (kind: string, setting: string): string | undefined => {
  const description = kindDescription(kind)
  return description && hintsOf(description, 'pt-BR')[setting]
}

describe.each(kindDescriptions.map((kind) => ({ name: kind.kind, kind })))('the form of $name', ({ kind }) => {
  test.each(locales)('describes each setting with the text of its definition in %s', (locale) => {
    const { required, example } = readerOf(locale).say.providers.words
    const expected = kind.settings.map(([name, { description, isRequired, choices, ...setting }]) => {
      const parts = [
        isRequired && required,
        description[locale],
        setting.example && !choices && example(setting.example),
      ]
      return [name, parts.filter(Boolean).join(' ')]
    })
    expect(hintsOf(kind, locale)).toEqual(Object.fromEntries(expected))
  })

  test('never shows a secret that was typed again, when it is refused', () => {
    const typed = Object.fromEntries(kind.settings.map(([name]) => [`settings.${name}`, `typed ${name}`]))
    const action = '/admin/providers/staff/edit'
    const faults = [{ path: 'secret_expires_at', code: 'invalid_format', detail: '' }] as const
    const refusedForm = { action, typed, faults, detail: '' }
    const frame = { ...usePageFrame(), formAction: action, refusedForm, refusals: [], scripts: new Set<never>() }
    const fields = <SettingFields {...readerOf('en')} kind={kind} values={{}} refused={[]} />
    const html = renderPage(fields, frame)
    for (const [name, { isSecret, choices }] of kind.settings) {
      const field = new RegExp(`<(input|textarea|select)[^>]*name="settings\\.${name}"`)
      expect(html, name).toMatch(field)
      if (isSecret && !choices) expect(html, name).not.toContain(`typed ${name}`)
    }
  })

  test('does not describe a setting in another language', () => {
    for (const [name, { description }] of kind.settings) {
      for (const locale of locales) expect(description[locale], name).toMatch(/\S\.$/)
      expect(description['pt-BR'], name).not.toBe(description.en)
    }
  })
})

test('a hint belongs to the kind of provider, and not to the name of the setting', () => {
  expect(hintOf('linkedin', 'PKCE')).toContain('`off`, de que aplicativos comuns precisam')
  expect(hintOf('oauth2', 'PKCE')).toContain('`without_secret`')
  expect(hintOf('oauth2', 'PKCE')).not.toContain('off')
  expect(hintOf('facebook', 'TOKEN_AUTH')).toContain('`post`')
  expect(hintOf('facebook', 'TOKEN_AUTH')).not.toContain('basic')
  expect(hintOf('microsoft', 'TENANTS')).toContain('`organizations`')
  expect(hintOf('oidc', 'TENANTS')).toContain('{tenantid}')
  expect(hintOf('okta', 'DOMAIN')).toContain('servidor de autorização')
  expect(hintOf('auth0', 'DOMAIN')).not.toContain('servidor de autorização')
  expect(hintOf('atlassian', 'API_URL')).not.toContain('GitHub')
})
