import type { VNode } from 'preact'
import type { Locale } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { Redirect } from '../reply.ts'
import { Layout, type Reader, readerOf, show } from './layout.tsx'

/**
 * Answers a form that finished a sign-in. The CSP allows a form to end at another origin only if its page named that
 * origin. Most pages cannot, because only the sign-in itself knows which app it returns to. Then a page of ours ends
 * the submission and redirects the browser.
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
