import type { VNode } from 'preact'
import { paths } from '../../applications/metadata.ts'
import { hostOf, shownNameOf } from '../../applications/policy.ts'
import type { Application } from '../../applications/ports.ts'
import { ApplicationLogo } from './application-logo.tsx'
import { Form, Layout, type Reader } from './layout.tsx'
import { ScopeList } from './scope-list.tsx'

/** The pages of a sign-in to an application: whether it may see what it asks for, and signing out for it. */

type ConsentProps = Reader & {
  readonly application: Application
  readonly redirectUri: string | null
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly person: string
  readonly uid: string
  readonly csrf: string
}

export function ConsentPage({
  application,
  redirectUri,
  scopes,
  resources,
  person,
  uid,
  csrf,
  ...reader
}: ConsentProps): VNode {
  const { say } = reader
  const { consent } = say
  const host = hostOf(application, redirectUri)
  const name = shownNameOf(application, redirectUri)
  return (
    <Layout {...reader} title={consent.title(name)} signedIn={csrf} card>
      <ApplicationLogo of={application} />
      {application.source === 'administrator' ? null : <p class="caution">{consent.unchecked}</p>}
      {host === null ? null : <p>{consent.operator(host)}</p>}
      <p>{consent.intro(name, person)}</p>
      <ScopeList {...reader} scopes={scopes} resources={resources} audience="person" />
      <p class="fine">{consent.remembered}</p>
      <Form action={`${paths.interaction}/${uid}`} csrf={csrf}>
        {application.documentHash === null ? null : (
          <input type="hidden" name="document" value={application.documentHash} />
        )}
        <p class="actions">
          <button type="submit" class="primary" name="decision" value="allow">
            {consent.allow}
          </button>
          <button type="submit" name="decision" value="refuse">
            {consent.refuse}
          </button>
        </p>
      </Form>
    </Layout>
  )
}

type LogoutProps = Reader & {
  readonly application: Application | undefined
  /** The parameters of the request, which the form repeats. */
  readonly given: readonly (readonly [name: string, value: string])[]
  readonly csrf: string
}

export function LogoutPage({ application, given, csrf, ...reader }: LogoutProps): VNode {
  const { say } = reader
  return (
    <Layout {...reader} title={say.logout.title} signedIn={csrf} card>
      <p>{application ? say.logout.forApplication(shownNameOf(application)) : say.logout.text}</p>
      <Form action={`${paths.logout}/confirm`} csrf={csrf}>
        {given.map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <p class="actions">
          <button type="submit" class="primary">
            {say.signOut}
          </button>
          <a class="button" href="/account">
            {say.cancel}
          </a>
        </p>
      </Form>
    </Layout>
  )
}
