import type { VNode } from 'preact'
import type { OpenConflictView, ProvingMethod } from '../../flows/resolve-conflict.ts'
import { Form, Layout, type Reader, Time } from './layout.tsx'
import { PasskeyForm } from './passkey-form.tsx'

type ConflictProps = Reader & {
  readonly ticket: string
  readonly question: OpenConflictView
  /** Signed in, but not in a way that proves ownership of the email address. */
  readonly signedInElsewhere: boolean
  readonly csrf: string
}

/** Asks whose email address it is, with one button for each answer. */
export function conflictPage({ ticket, question, signedInElsewhere, csrf, ...reader }: ConflictProps): VNode {
  const { say } = reader
  const { conflict } = say
  const { provider, email, methods, proven, canCreate, expiresAt } = question
  const here = `/auth/conflicts/${ticket}`
  const answer = (
    action: 'link' | 'create',
    label: string,
    kind: string | undefined,
    by: Readonly<Record<string, string>> = {},
  ): VNode => (
    <Form action={here} csrf={csrf}>
      <input type="hidden" name="action" value={action} />
      {Object.entries(by).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button type="submit" class={kind}>
        {label}
      </button>
    </Form>
  )
  /** `null`: only a script can ask for a passkey, so its form is below the list. */
  const proofOf = (method: ProvingMethod): VNode | null => {
    switch (method.type) {
      case 'provider':
        return answer('link', conflict.signInWith(method.name), undefined, { provider: method.provider })
      case 'password':
        return (
          <a class="button" href={`/login?return_to=${encodeURIComponent(here)}`}>
            {conflict.signInWithPassword}
          </a>
        )
      case 'email':
        return answer('link', conflict.signInByMail, undefined, { method: 'email' })
      case 'passkey':
        return null
    }
  }
  const links = methods.flatMap((method) => {
    const way = proofOf(method)
    return way === null ? [] : [<li key={method.type === 'provider' ? method.provider : method.type}>{way}</li>]
  })
  return (
    <Layout {...reader} title={conflict.title}>
      <p>
        {conflict.happened(provider.name)} <strong>{email}</strong>. {conflict.already}
      </p>
      <section aria-labelledby="mine">
        <h2 id="mine">{conflict.mine}</h2>
        {proven ? (
          <>
            <p>
              {conflict.proven} {conflict.proveDone(provider.name)}
            </p>
            <div class="actions">{answer('link', conflict.link(provider.name), 'primary')}</div>
          </>
        ) : methods.length === 0 ? (
          <>
            <p class="caution">{conflict.noMethod(provider.name)}</p>
            <p>{conflict.otherAccountThere(provider.name)}</p>
            <p>{canCreate ? conflict.elseSeparate : conflict.elseAsk}</p>
          </>
        ) : (
          <>
            {signedInElsewhere ? <p class="status">{conflict.signedInElsewhere}</p> : null}
            <p>{conflict.prove(provider.name)}</p>
            {links.length === 0 ? null : <ul class="providers">{links}</ul>}
            {methods.some(({ type }) => type === 'passkey') ? (
              <PasskeyForm
                {...reader}
                {...{ action: '/login/passkey', csrf, does: 'get', options: '/auth/passkey/options' }}
                target={{ return_to: here }}
                button={conflict.signInWithPasskey}
              />
            ) : null}
          </>
        )}
      </section>
      <section aria-labelledby="separate">
        <h2 id="separate">{conflict.notMine}</h2>
        {canCreate ? (
          <>
            <p>{conflict.separate(provider.name)}</p>
            <div class="actions">{answer('create', conflict.create, undefined)}</div>
          </>
        ) : (
          <p>{conflict.closed}</p>
        )}
      </section>
      <p class="fine">
        {conflict.until} <Time {...reader} at={expiresAt} />.
      </p>
    </Layout>
  )
}
