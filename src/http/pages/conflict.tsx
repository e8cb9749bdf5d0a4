import type { VNode } from 'preact'
import type { OpenQuestion } from '../../flows/resolve-conflict.ts'
import { Form, Layout, type Reader, Time } from './layout.tsx'

type ConflictProps = Reader & {
  readonly ticket: string
  readonly question: OpenQuestion
  /** Signed in, but not so that it would prove anything here. */
  readonly signedInElsewhere: boolean
  readonly csrf: string
}

/** The question a sign-in left open, and every answer to it as a button of its own. */
export function conflictPage({ ticket, question, signedInElsewhere, csrf, ...reader }: ConflictProps): VNode {
  const { say } = reader
  const { conflict } = say
  const { provider, email, methods, proven, canCreate, expiresAt } = question
  const answer = (action: 'link' | 'create', label: string, kind: string | undefined, by?: string): VNode => (
    <Form action={`/auth/conflicts/${ticket}`} csrf={csrf}>
      <input type="hidden" name="action" value={action} />
      {by === undefined ? null : <input type="hidden" name="provider" value={by} />}
      <button type="submit" class={kind}>
        {label}
      </button>
    </Form>
  )
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
        ) : (
          <>
            {signedInElsewhere ? <p class="status">{conflict.signedInElsewhere}</p> : null}
            <p>{conflict.prove(provider.name)}</p>
            {methods.length === 0 ? <p class="caution">{conflict.noMethod}</p> : null}
            <ul class="providers">
              {methods.map((method) =>
                method.type === 'provider' ? (
                  <li key={method.provider}>
                    {answer('link', conflict.signInWith(method.name), undefined, method.provider)}
                  </li>
                ) : (
                  <li key="password">
                    <a class="button" href={`/login?return_to=${encodeURIComponent(`/auth/conflicts/${ticket}`)}`}>
                      {conflict.signInWithPassword}
                    </a>
                  </li>
                ),
              )}
            </ul>
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
