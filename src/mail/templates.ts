import type { Brand } from '../branding/brand.ts'
import type { NoticeName } from '../events/catalogue.ts'
import { type DeviceNames, deviceName } from '../kernel/device.ts'
import type { Locale } from '../kernel/locale.ts'
import { renderHtml } from './html.tsx'
import { type Mail, type Message, type MessageTemplate, messageTemplates } from './ports.ts'
import { englishTemplates } from './templates.en.ts'
import { portugueseTemplates } from './templates.pt-br.ts'

/** A paragraph, a link on its own line, a short code to type, or a list of facts. */
export type Block =
  | string
  | { readonly link: string; readonly label: string }
  | { readonly code: string }
  | { readonly facts: readonly (readonly [string, string])[] }

/** The values for a message template. All are untrusted text and are escaped when inserted. */
export type MessageContext = {
  /** The name of the service; without one, its host name. */
  readonly service: string
  readonly to: string
  /** A link to the service that contains the message's ticket. */
  readonly link: (path: `/${string}`) => string
  /** A link without a ticket. */
  readonly page: (path: `/${string}`) => string
  readonly code: string
  /** When the ticket expires. */
  readonly until: string
  readonly param: (name: string) => string
}
/** The values for a notice, besides time and place. */
export type NoticeContext = {
  readonly service: string
  readonly provider: string
  readonly param: (name: string) => string
}

/** The texts of one language. A missing message or notice does not compile. */
export type Templates = {
  readonly messages: {
    readonly [L in MessageTemplate]: (about: MessageContext) => {
      readonly subject: string
      readonly body: readonly Block[]
    }
  }
  /**
   * `advice`: what to do, or what to do if it was not them. Links to the account page and the password reset follow, or
   * only `onward` if something else is to be done.
   */
  readonly notices: {
    readonly [N in NoticeName]: (about: NoticeContext) => {
      readonly subject: string
      readonly happened: string
      readonly advice?: string
      readonly onward?: { readonly path: `/${string}`; readonly label: string }
    }
  }
  readonly advice: string
  readonly toAccount: string
  readonly toReset: string
  readonly when: string
  readonly device: string
  readonly address: string
  readonly devices: DeviceNames
  readonly ways: Readonly<Record<'password' | 'passkey' | 'email', string>>
  readonly closing: (service: string) => string
  readonly support: (address: string) => string
}

const languages: { readonly [L in Locale]: Templates } = { en: englishTemplates, 'pt-BR': portugueseTemplates }

const isMessageTemplate = (template: Mail['template']): template is MessageTemplate =>
  (messageTemplates as readonly string[]).includes(template)

/** How a message presents the operator. */
export type MailBrand = Pick<Brand, 'name' | 'accent' | 'supportEmail' | 'mailSender' | 'mailHeader' | 'mailFooter'>

type RenderOptions = {
  readonly brand: MailBrand
  readonly publicUrl: URL
  /** The display name of a provider. */
  readonly providerName: (id: string) => string
}

/** Renders a queued message in the recipient's language, as plain text and HTML. */
export function render(
  { id, to, locale, template, params }: Pick<Mail, 'id' | 'to' | 'locale' | 'template' | 'params'>,
  secret: Readonly<Record<string, string>>,
  { publicUrl, providerName, brand }: RenderOptions,
): Message {
  const words = languages[locale]
  const service = brand.name ?? publicUrl.host
  const param = (name: string): string => oneLine(params[name] ?? '')
  const page = (path: `/${string}`): string => new URL(path, publicUrl).href
  const time = (name: string): string => {
    const at = new Date(params[name] ?? '')
    if (Number.isNaN(at.getTime())) return ''
    const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
    // Some locales use a narrow no-break space that plain text may not show.
    return `${format.format(at).replace(/\u202f/g, ' ')} UTC`
  }

  const compose = (): { subject: string; body: readonly Block[] } => {
    if (isMessageTemplate(template)) {
      const link = (path: `/${string}`): string => {
        const url = new URL(path, publicUrl)
        url.searchParams.set('ticket', secret.ticket ?? '')
        return url.href
      }
      const about = { service, to, link, page, code: secret.code ?? '', until: time('expires_at'), param }
      return words.messages[template](about)
    }
    const way = params.provider ?? ''
    const provider = Object.hasOwn(words.ways, way) ? words.ways[way as keyof Templates['ways']] : providerName(way)
    const { subject, happened, advice, onward } = words.notices[template]({
      service,
      provider: oneLine(provider),
      param,
    })
    const facts: (readonly [string, string])[] = [[words.when, time('at')]]
    if (params.user_agent !== undefined)
      facts.push([words.device, oneLine(deviceName(params.user_agent, words.devices))])
    if (params.ip !== undefined) facts.push([words.address, param('ip')])
    return {
      subject,
      body: [
        happened,
        { facts },
        advice ?? words.advice,
        ...(onward
          ? [{ link: page(onward.path), label: onward.label }]
          : [
              { link: page('/account'), label: words.toAccount },
              { link: page('/forgot-password'), label: words.toReset },
            ]),
      ],
    }
  }

  const { subject, body } = compose()
  const support = brand.supportEmail === null ? [] : [words.support(brand.supportEmail)]
  const header = brand.mailHeader[locale]
  const footer = [...support, words.closing(service), ...linesOf(brand.mailFooter[locale])]
  return {
    id,
    to,
    locale,
    sender: brand.mailSender,
    subject: oneLine(subject),
    text: `${[...(header === null ? [] : [header]), ...body, ...footer].map(asText).join('\n\n')}\n`,
    html: renderHtml({ locale, title: oneLine(subject), service, accent: brand.accent, header, body, footer }),
  }
}

/** The lines of a text of the operator. */
const linesOf = (text: string | null): readonly string[] =>
  text === null ? [] : text.split('\n').filter((line) => line.trim() !== '')

/** Removes line breaks: a value in a line or in a header must not start another one. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()

function asText(block: Block): string {
  if (typeof block === 'string') return block
  if ('code' in block) return `    ${block.code}`
  if ('facts' in block) return block.facts.map(([name, value]) => `${name}: ${value}`).join('\n')
  return `${block.label}:\n${block.link}`
}
