import type { VNode } from 'preact'
import { fail } from '../../errors/catalogue.ts'
import { route } from '../route.ts'
import { idParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Facts, Layout, readerOf, show, Time } from './layout.tsx'

/**
 * Messages that were not sent, because there is no mail server. They contain links that sign people in, so they are
 * shown outside production only, and only to requests from this machine.
 */
const common = { method: 'get', tag: 'Pages', surface: 'browser', auth: 'none', limit: 'browse' } as const

const list = route({
  ...common,
  path: '/mailbox',
  summary: 'Show the email messages that were not sent, outside production',
  fails: ['not_found'],
  handle({ direct, locale }, { mailbox }: Services) {
    if (!mailbox || !direct) return fail('not_found')
    const reader = readerOf(locale)
    const { mailbox: say } = reader.say.mail
    const letters = mailbox.messages()
    return show(
      locale,
      <Layout {...reader} title={say.title}>
        <p>{say.intro}</p>
        {letters.length === 0 ? (
          <p>{say.empty}</p>
        ) : (
          <ul class="plain log">
            {letters.map(({ id, to, subject, at }) => (
              <li key={id}>
                <a href={`/mailbox/${id}`}>{subject}</a>
                <span class="fine">
                  {say.to} {to}, <Time {...reader} at={at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Layout>,
    )
  },
})

const one = route({
  ...common,
  path: '/mailbox/:id',
  summary: 'Show an email message that was not sent, outside production',
  params: idParams,
  fails: ['not_found'],
  handle({ direct, params, locale }, { mailbox }: Services) {
    const letter = mailbox && direct ? mailbox.find(params.id) : undefined
    if (!letter) return fail('not_found')
    const reader = readerOf(locale)
    const { mailbox: say } = reader.say.mail
    return show(
      locale,
      <Layout {...reader} title={letter.subject}>
        <Facts of={[[say.to, letter.to]]} />
        <div lang={letter.locale}>{letter.text.trim().split('\n\n').map(paragraph)}</div>
        <p class="actions">
          <a class="button" href="/mailbox">
            {say.back}
          </a>
        </p>
      </Layout>,
    )
  },
})

/** A paragraph of plain text. A line that is a URL becomes a link. */
const paragraph = (text: string): VNode => (
  <p key={text}>
    {text
      .split('\n')
      .flatMap((line, index) => [
        index === 0 ? null : <br />,
        /^https?:\/\/\S+$/.test(line) ? <a href={line}>{line}</a> : line,
      ])}
  </p>
)

export const mailboxRoutes = [list, one]
