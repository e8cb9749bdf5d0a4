import { fail, message } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { ask, begin, confirm, regenerate, removeTotp, stop } from '../api/second-factor.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { seeOther, text } from '../reply.ts'
import { object, route } from '../route.ts'
import { typedCode } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { readerOf, show } from './layout.tsx'
import { CodesPage, secondFactorPath as here, SecondFactorPage } from './second-factor-view.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'recent', limit: 'account' } as const

const view = route({
  ...common,
  method: 'get',
  path: here,
  summary: 'Show my second factor: app, passkeys and recovery codes',
  auth: 'user',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { flows, clock, settings }: Services) {
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const [standing, passkeys, waiting] = await Promise.all([
      flows.secondFactor.show(who.accountId),
      flows.passkeys.list(who.accountId),
      // Someone who finds this browser open must not read the secret of an app that is being set up.
      recent ? flows.secondFactor.waiting(who.account) : undefined,
    ])
    const reader = readerOf(locale)
    return show(
      locale,
      <SecondFactorPage
        {...reader}
        {...standing}
        {...{ recent, waiting, passkeys: passkeys.length, strong: who.amr.includes('mfa') }}
        since={who.account.secondFactorAt}
        csrf={csrfToken()}
        status={doneMessageOf(query.done, locale)}
      />,
    )
  },
})

const qr = route({
  ...common,
  method: 'get',
  path: '/account/second-factor/qr.svg',
  summary: 'Show the QR code of an authenticator app that is being set up',
  contentType: 'image/svg+xml',
  fails: ['second_factor_missing'],
  async handle({ who }, { flows }: Services) {
    const waiting = await flows.secondFactor.waiting(who.account)
    if (!waiting) return fail('second_factor_missing')
    const { default: qrcode } = await import('qrcode')
    // Dark on light in both color schemes, with the margin that scanners need.
    const drawn = await qrcode.toString(waiting.uri, { type: 'svg', margin: 4, errorCorrectionLevel: 'M' })
    return ok(text('image/svg+xml', drawn))
  },
})

const beginForm = formOf(begin, {
  path: '/account/second-factor/totp',
  summary: 'Set up an authenticator app',
  done: () => seeOther(`${here}#app`),
})

const confirmForm = formOf(confirm, {
  path: '/account/second-factor/totp/confirm',
  summary: 'Confirm the app with its first code; recovery codes are shown once',
  // Any text is accepted, so that a mistyped code gets its error next to the field.
  fields: object({ code: typedCode }),
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} isOn />),
  async failed({ error }, { who, locale, csrfToken }, { flows }) {
    const waiting = await flows.secondFactor.waiting(who.account)
    if (error.code !== 'second_factor_invalid' || !waiting) return undefined
    const standing = await flows.secondFactor.show(who.accountId)
    const passkeys = await flows.passkeys.list(who.accountId)
    return show(
      locale,
      <SecondFactorPage
        {...readerOf(locale)}
        {...standing}
        {...{ recent: true, waiting, passkeys: passkeys.length, strong: who.amr.includes('mfa') }}
        since={who.account.secondFactorAt}
        csrf={csrfToken()}
        wrong={message(error, locale).detail}
      />,
      { status: 401 },
    )
  },
})

const removeTotpForm = formOf(removeTotp, {
  path: '/account/second-factor/totp/remove',
  summary: 'Remove the authenticator app',
  done: () => seeOther(doneAt(here, 'second_factor_changed')),
})

const askForm = formOf(ask, {
  path: '/account/second-factor/ask',
  summary: 'Require a passkey as the second factor; recovery codes are shown once',
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} isOn />),
})

const stopForm = formOf(stop, {
  path: '/account/second-factor/stop',
  summary: 'Turn off the second factor',
  done: () => seeOther(doneAt(here, 'second_factor_changed')),
})

const regenerateForm = formOf(regenerate, {
  path: '/account/second-factor/recovery-codes',
  summary: 'Create new recovery codes, shown once',
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} />),
})
export const secondFactorPageRoutes = [
  view,
  qr,
  beginForm,
  confirmForm,
  removeTotpForm,
  askForm,
  stopForm,
  regenerateForm,
]
