import type { ComponentChildren, VNode } from 'preact'
import type { OpenConflictView, ProvingMethod } from '../../flows/resolve-conflict.ts'
import type { Providers } from '../../providers/providers.ts'
import { usePageFrame } from '../page-frame.ts'
import { Form, Layout, type Reader, Time } from './layout.tsx'
import { KeyMark, MailMark, PasswordMark } from './marks.tsx'
import { PasskeyForm } from './passkey-form.tsx'
import { ProviderMark } from './provider-mark.tsx'

type ConflictProps = Reader & {
  readonly ticket: string
  readonly question: OpenConflictView
  /** Signed in, but not in a way that proves ownership of the email address. */
  readonly signedInElsewhere: boolean
  readonly providers: Pick<Providers, 'get'>
  readonly csrf: string
}

/** Asks whose email address it is: what happened, and two choices with what each of them does. */
function ConflictPage(props: ConflictProps): VNode {
  const { ticket, question, signedInElsewhere, providers, csrf, ...reader } = props
  const { conflict, login } = reader.say
  const { viewer } = usePageFrame()
  const { provider, email, methods, proven, canCreate, expiresAt } = question
  const here = `/auth/conflicts/${ticket}`
  const answer = (
    action: 'link' | 'create',
    label: ComponentChildren,
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
  const proofOf = (method: ProvingMethod): VNode => {
    switch (method.type) {
      case 'provider': {
        const provider = providers.get(method.provider)
        const label = (
          <>
            {provider && <ProviderMark provider={provider} />}
            {login.with(method.name)}
          </>
        )
        return answer('link', label, undefined, { provider: method.provider })
      }
      case 'password':
        return (
          <a class="button" href={`/login?return_to=${encodeURIComponent(here)}`}>
            <PasswordMark />
            {conflict.signInWithPassword}
          </a>
        )
      case 'email': {
        const label = (
          <>
            <MailMark />
            {conflict.signInByMail}
          </>
        )
        return answer('link', label, undefined, { method: 'email' })
      }
      case 'passkey':
        return (
          <PasskeyForm
            {...reader}
            {...{ action: '/login/passkey', csrf, does: 'get', options: '/auth/passkey/options' }}
            target={{ return_to: here }}
            mark={<KeyMark />}
            button={conflict.signInWithPasskey}
          />
        )
    }
  }
  const who = viewer?.account.email ?? viewer?.account.name ?? viewer?.account.id
  return (
    <Layout {...reader} title={conflict.title}>
      <p class="lead">
        {conflict.happened(provider.name)} <strong>{email}</strong>. {conflict.already(provider.name)}
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
            {signedInElsewhere && who !== undefined ? <p class="status">{conflict.signedInElsewhere(who)}</p> : null}
            <p>{conflict.prove(provider.name)}</p>
            <ul class="providers">
              {methods.map((method) => (
                <li key={method.type === 'provider' ? method.provider : method.type}>{proofOf(method)}</li>
              ))}
            </ul>
          </>
        )}
      </section>
      <p class="or">{login.or}</p>
      <section class="second" aria-labelledby="separate">
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
        {conflict.until} <Time {...reader} at={expiresAt} />. <a href="/login">{conflict.startOver}</a>
      </p>
    </Layout>
  )
}

export const conflictPage = (props: ConflictProps): VNode => <ConflictPage {...props} />
