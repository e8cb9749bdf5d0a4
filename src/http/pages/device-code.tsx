import type { VNode } from 'preact'
import { z } from 'zod'
import { paths } from '../../applications/metadata.ts'
import { hostOf } from '../../applications/policy.ts'
import type { Application } from '../../applications/ports.ts'
import type { DeviceRequest } from '../../openid/device-requests.ts'
import { object, route } from '../route.ts'
import { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { deviceWords } from './device-words.ts'
import { Field, Submit } from './field.tsx'
import { BackToAccount, Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { ScopeList } from './scope-list.tsx'

/**
 * Where a person types the code that a device shows (RFC 8628 §3.3). The page never takes the code from a link: a link
 * from a stranger could otherwise make people sign in the stranger's device (§5.4).
 */

const common = { tag: 'Pages', surface: 'browser', auth: 'user', path: paths.deviceCode } as const

const enter = route({
  ...common,
  method: 'get',
  limit: 'browse',
  summary: 'Show the form for the code of a device',
  fails: [],
  handle({ locale, csrfToken }, _services: Services) {
    return show(locale, <CodePage {...readerOf(locale)} csrf={csrfToken()} />)
  },
})

const decide = route({
  ...common,
  method: 'post',
  // Each request may be a guess. The counters are shared by all nodes, and refuse if they are unavailable.
  limit: 'sign_in',
  summary: 'Show what a device asks for, and allow or refuse it',
  body: object({
    user_code: storable(40).describe('The code that the device shows'),
    decision: z.enum(['allow', 'refuse']).optional().describe('What the person decided'),
  }),
  also: ['page'],
  fails: [],
  async handle({ body, who, origin, locale, csrfToken }, { openid, devices }: Services) {
    const reader = readerOf(locale)
    const csrf = csrfToken()
    const { user_code: code, decision } = body
    const request = await openid.deviceRequest(code)
    const session = await devices.find(who.sessionId)
    const again = () => show(locale, <CodePage {...reader} csrf={csrf} isUnknown />, { status: 400 })
    if (!request || !session) return again()
    if (decision === undefined) {
      const person = who.account.name ?? who.account.email ?? who.accountId
      return show(locale, <RequestPage {...reader} {...request} code={code} person={person} csrf={csrf} />)
    }
    const isDone =
      decision === 'allow' ? await openid.allowDevice(code, session, origin) : await openid.refuseDevice(code)
    if (!isDone) return again()
    return show(locale, <DonePage {...reader} application={request.application} decision={decision} csrf={csrf} />)
  },
})

export const deviceCodeRoutes = [enter, decide]

function CodePage({
  csrf,
  isUnknown = false,
  ...reader
}: Reader & { readonly csrf: string; isUnknown?: boolean }): VNode {
  const { device } = reader.say
  const refused = isUnknown ? [{ field: 'user_code', text: device.unknown, atField: true as const }] : undefined
  return (
    <Layout {...reader} title={device.title} signedIn={csrf} card {...(refused ? { refused } : {})}>
      <p>{device.intro}</p>
      <Form action={paths.deviceCode} csrf={csrf}>
        <Field
          name="user_code"
          label={device.code}
          hint={device.hint}
          autocomplete="off"
          code="text"
          maxlength={20}
          autofocus
        />
        <Submit>{device.next}</Submit>
      </Form>
    </Layout>
  )
}

type RequestProps = Reader & DeviceRequest & { readonly code: string; readonly person: string; readonly csrf: string }

function RequestPage({ application, scopes, resources, from, code, person, csrf, ...reader }: RequestProps): VNode {
  const { device, consent } = reader.say
  const host = hostOf(application)
  const at = device.from(deviceWords(from.userAgent, reader.say), from.ip)
  return (
    <Layout {...reader} title={device.allowTitle(application.name)} signedIn={csrf} card>
      <p class="caution">{device.warning}</p>
      <p>
        {device.shown} <code>{code.toUpperCase()}</code>
      </p>
      <p>{at}</p>
      <p>{consent.intro(application.name, person)}</p>
      {host === null ? null : <p>{consent.operator(host)}</p>}
      <ScopeList {...reader} scopes={scopes} resources={resources} audience="person" />
      <Form action={paths.deviceCode} csrf={csrf}>
        <input type="hidden" name="user_code" value={code} />
        <p class="actions">
          <button type="submit" class="primary" name="decision" value="allow">
            {device.allow}
          </button>
          <button type="submit" name="decision" value="refuse">
            {device.refuse}
          </button>
        </p>
      </Form>
    </Layout>
  )
}

type DoneProps = Reader & {
  readonly application: Application
  readonly decision: 'allow' | 'refuse'
  readonly csrf: string
}

const DonePage = ({ application, decision, csrf, ...reader }: DoneProps): VNode => (
  <Layout {...reader} title={reader.say.device.doneTitle[decision]} signedIn={csrf} card>
    <p>{reader.say.device.done[decision](application.name)}</p>
    <BackToAccount {...reader} />
  </Layout>
)
