import type { VNode } from 'preact'
import type { Locale } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { Redirect } from '../reply.ts'
import { Layout, type Reader, readerOf, show } from './layout.tsx'

/**
 * Where a form goes on to that ended a sign-in. It may end at another origin only where its page named that origin
 * beforehand. Where it could not (the way back to an app is known only to the sign-in itself), a page of ours ends the
 * submission, and the browser goes on from it.
 */
export const goOn = (to: Redirect, locale: Locale) =>
  to.location.startsWith('/')
    ? ok(to)
    : show(locale, <OnwardPage {...readerOf(locale)} to={new URL(to.location)} />, { cookies: to.cookies ?? [] })

function OnwardPage({ to, ...reader }: Reader & { to: URL }): VNode {
  const { onward } = reader.say
  return (
    <Layout {...reader} title={onward.title} onward={to.href}>
      <p>{onward.text(to.host)}</p>
      <p class="actions">
        <a class="button primary" href={to.href}>
          {onward.go(to.host)}
        </a>
      </p>
    </Layout>
  )
}
