import { wcagContrast } from 'culori'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accentFor } from '../../src/branding/accent.ts'
import { eventCatalogue } from '../../src/events/catalogue.ts'
import { locales } from '../../src/kernel/locale.ts'
import { type Mail, messageTemplates } from '../../src/mail/ports.ts'
import { render } from '../../src/mail/templates.ts'
import { plainBrand } from '../support/plain-brand.ts'

const notices = Object.entries(eventCatalogue).flatMap(([name, entry]) => ('notice' in entry ? [name] : []))
const templates = [...messageTemplates, ...notices] as Mail['template'][]
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0'
const params = {
  at: '2026-03-01T12:34:00.000Z',
  expires_at: '2026-03-01T13:00:00.000Z',
  ip: '203.0.113.7',
  user_agent: firefox,
  provider: 'google',
  factor: 'totp',
  left: '7',
  role: 'auditor',
  by: 'usr_9',
  identity: 'idn_1',
  session: 'ses_1',
  new_address: 'new@example.com',
  old_address: 'old@example.com',
  how: 'on_purpose',
  team: 'Mathematics',
  inviter: 'bob@example.com',
}
const secret = { ticket: 'T1cket_-', code: '01234567' }
const about = {
  publicUrl: new URL('https://id.example.com'),
  brand: plainBrand,
  providerName: (id: string) => id.replace(/^./, (first) => first.toUpperCase()),
}
const rendered = (template: Mail['template'], locale: Mail['locale'], given: Record<string, string> = params) =>
  render({ id: 'eml_1', to: 'ada@example.com', locale, template, params: given }, secret, about)

describe.each(templates.flatMap((template) => locales.map((locale) => ({ template, locale }))))(
  '$template in $locale',
  ({ template, locale }) => {
    const message = rendered(template, locale)

    test('has the same complete content in plain text and HTML', () => {
      expect(message.subject).toMatch(/^\S.{8,60}$/)
      for (const text of [message.text, message.html]) {
        expect(text).not.toMatch(/undefined|null|NaN|\[object|\{\w+\}/)
        expect(text).toContain('id.example.com')
      }
      expect(message.html).toContain(`<html lang="${locale}">`)
      for (const line of message.text.split('\n').filter((one) => /^https:/.test(one)))
        expect(message.html).toContain(`href="${line.replaceAll('&', '&amp;')}"`)
    })

    test('links to our own pages only, and loads nothing external', () => {
      const links = [...message.html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, to]) => new URL(to ?? ''))
      for (const { origin } of links) expect(origin).toBe('https://id.example.com')
      expect(message.html).not.toMatch(/<(img|script|link|iframe|form)|src=/)
    })
  },
)

describe.each([
  ['the built-in colors', null],
  ['a pale color', '#ffe680'],
  ['a dark color', '#1a0033'],
])('a message in %s', (_, color) => {
  const message = async (template: Mail['template'] = 'reset_password') => {
    const accent = color === null ? null : await accentFor(color)
    const brand = { ...plainBrand, name: 'Acme', accent, supportEmail: 'help@example.com' }
    const mail = { id: 'eml_1', to: 'ada@example.com', locale: 'en', template, params } as const
    return render(mail, secret, { ...about, brand }).html
  }
  /** The properties that inline styles give an element with this class. */
  const inline = (html: string, name: string): string =>
    new RegExp(`class="${name}"[^>]*style="([^"]*)"`).exec(html)?.[1] ?? ''
  const inDark = (html: string, name: string): string =>
    new RegExp(`\\.${name}[^{]*\\{([^}]*)\\}`).exec(html.slice(html.indexOf('@media')))?.[1] ?? ''
  const colorIn = (style: string, property: string): string =>
    new RegExp(`(?:^|[;\\s])${property}: ?(#[0-9a-f]{6})`).exec(style)?.[1] ?? ''

  test('is readable in the light and in the dark scheme (WCAG 2.2, 1.4.3)', async () => {
    const html = `${await message()}${await message('identity.linked')}`
    for (const of of [inline, inDark]) {
      const sheet = colorIn(of(html, 'sheet'), 'background')
      const onSheet = ['sheet', 'soft', 'name', 'link'].map((name) => colorIn(of(html, name), 'color'))
      for (const text of onSheet) expect([text, wcagContrast(text, sheet) >= 4.5]).toEqual([text, true])
      const button = of(html, 'button')
      expect(wcagContrast(colorIn(button, 'color'), colorIn(button, 'background'))).toBeGreaterThanOrEqual(4.5)
    }
  })

  test('has the header and the footer of the operator in both parts, as text, and their sender name', () => {
    const brand = {
      ...plainBrand,
      mailSender: 'Acme Accounts',
      mailHeader: { en: 'Acme <Inc>', 'pt-BR': 'Acme <S.A.>' },
      mailFooter: { en: 'Line one\nLine two', 'pt-BR': 'Linha' },
    }
    const params = { expires_at: '2026-01-01T00:00:00Z' }
    const mail = { id: 'eml_1', to: 'ada@example.com', locale: 'en', template: messageTemplates[0], params } as const
    const { html, text, sender } = render(mail, {}, { ...about, brand })
    expect(sender).toBe('Acme Accounts')
    expect(text).toMatch(/^Acme <Inc>\n\n[\s\S]*Line one\n\nLine two\n$/)
    expect(html).toContain('Acme &lt;Inc>')
    expect(html).toMatch(/Line one<\/p>[\s\S]*Line two<\/p>/)
    expect(render({ ...mail, locale: 'pt-BR' }, {}, { ...about, brand }).text).toMatch(/^Acme <S\.A\.>/)
  })

  test('starts with the name of the service, and ends with whom to ask', async () => {
    const html = await message()
    expect(html).toMatch(/<p class="name"[^>]*>Acme<\/p>/)
    expect(html.slice(html.lastIndexOf('class="button"'))).toContain('help@example.com')
  })
})

test('each language has a text of its own', () => {
  for (const template of templates) {
    const [english, portuguese] = [rendered(template, 'en'), rendered(template, 'pt-BR')]
    expect(english.subject).not.toBe(portuguese.subject)
    const words = (text: string) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu))
    const shared = [...words(english.text)].filter((word) => words(portuguese.text).has(word))
    expect(shared.length, `${template}: ${shared.join(' ')}`).toBeLessThan(12)
  }
})

test('each message with a ticket links to the page that accepts it', () => {
  const linkOf = (template: Mail['template']) => /^https:\S+ticket=\S+$/m.exec(rendered(template, 'en').text)?.[0]
  expect(linkOf('verify_email')).toBe('https://id.example.com/verify-email?ticket=T1cket_-')
  expect(linkOf('change_email')).toBe('https://id.example.com/change-email?ticket=T1cket_-')
  expect(linkOf('reset_password')).toBe('https://id.example.com/reset-password?ticket=T1cket_-')
  expect(linkOf('sign_in')).toBe('https://id.example.com/login/email/link?ticket=T1cket_-')
  expect(rendered('sign_in', 'en').text).toContain('    01234567\n')
  for (const template of templates.filter((one) => linkOf(one) === undefined)) {
    expect(rendered(template, 'en').text).not.toMatch(/T1cket|01234567/)
  }
})

test('a second factor removed by an administrator has a message of its own, which names no one', () => {
  const { by: _, ...mine } = params
  for (const locale of locales) {
    const [theirs, own] = [params, mine].map((given) => rendered('second_factor.removed', locale, given).text)
    expect(theirs).toMatch(/An administrator removed|Quem administra o serviço removeu/)
    expect(theirs).not.toContain(params.by)
    expect(own).toMatch(/was removed: an authenticator app|foi removido: um aplicativo autenticador/)
  }
})

test('a notice includes the time, IP address and device, and a link to the next step', () => {
  const { subject, text } = rendered('identity.linked', 'en')
  expect(subject).toBe('Google was linked to your account')
  expect(text).toContain('When: March 1, 2026 at 12:34 PM UTC')
  expect(text).toContain('Device: Firefox on Linux')
  expect(text).toContain('IP address: 203.0.113.7')
  expect(text).toContain('https://id.example.com/account\n')
  expect(text).toContain('https://id.example.com/forgot-password\n')
  expect(rendered('device.new', 'pt-BR').text).toContain('Quando: 1 de março de 2026 às 12:34 UTC')
  expect(rendered('device.new', 'en', { ...params, provider: 'password' }).text).toContain('with a password')
})

test('text chosen by another person starts no line, header or element', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      'a\r\nBcc: eve@evil.example',
      '<img src=x onerror=alert(1)>',
      '"&\'><a href="https://evil.example">',
      '\u2028x',
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...templates), hostile, (template, value) => {
      const given = {
        ...params,
        user_agent: value,
        ip: value,
        role: value,
        factor: value,
        new_address: value,
        left: value,
      }
      const there = { ...about, providerName: () => value }
      const message = render(
        { id: 'eml_1', to: 'ada@example.com', locale: 'en', template, params: given },
        secret,
        there,
      )
      expect(message.subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      const before = rendered(template, 'en')
      const elements = (html: string) => [...html.matchAll(/<[a-z!/][^>]*>/gi)].map(([tag]) => tag.split(/[\s>]/)[0])
      expect(elements(message.html).filter((tag) => tag !== '<br')).toEqual(
        elements(before.html).filter((tag) => tag !== '<br'),
      )
      expect(message.html).not.toContain('href="https://evil')
      expect(message.text.split('\n').some((line) => /^bcc:/i.test(line))).toBe(false)
    }),
  )
})

test('a notice of a team’s Jira contains the reason it stopped', () => {
  for (const locale of locales) {
    const reasons = ['invalid_grant', 'connector_left', 'connector_disabled']
    const texts = reasons.map(
      (reason) => rendered('jira.needs_reauthorization', locale, { ...params, team: 'team_1', reason }).text,
    )
    expect(new Set(texts).size).toBe(reasons.length)
    expect(texts.join()).not.toContain('undefined')
  }
})

test('a notice of a team’s Jira links to its settings, and does not suggest a password change', () => {
  const given = { ...params, team: 'team_1', reason: 'invalid_grant' }
  for (const locale of locales) {
    const { text } = rendered('jira.needs_reauthorization', locale, given)
    expect(text).toContain('https://id.example.com/account/teams/team_1/integrations')
    expect(text).not.toContain('/forgot-password')
  }
})
