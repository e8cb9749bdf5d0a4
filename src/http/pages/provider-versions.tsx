import type { VNode } from 'preact'
import type { SettingsVersion, Trial } from '../../providers/managed.ts'
import { userPage } from './admin-frame.tsx'
import { Facts, type Reader, Time } from './layout.tsx'

/** The versions of a provider: who changed what, and what a trial returned. */

/** What to call the accounts of a page, by ID. */
export type AccountNames = ReadonlyMap<string, string>

type ByProps = Reader & { readonly at: Date; readonly who: string | null; readonly names: AccountNames }

/** When a change was made, and by whom: an administrator, whose account may be deleted by now, or a command. */
export const By = ({ at, who, names, ...reader }: ByProps): VNode => (
  <>
    <Time {...reader} at={at} />{' '}
    {who === null ? (
      reader.say.providers.words.byCommand
    ) : names.has(who) ? (
      <a href={userPage(who)}>{names.get(who)}</a>
    ) : (
      reader.say.auditLog.deleted
    )}
  </>
)

export function Settings({ version, say }: Reader & { version: SettingsVersion }): VNode {
  const { words } = say.providers
  return (
    <Facts
      of={[
        ...Object.entries(version.settings)
          .sort()
          .map(([name, text]) => [name, <code key={name}>{text}</code>] as const),
        ...version.secrets.map((name) => [name, words.secretSet] as const),
      ]}
    />
  )
}

/** What differs between two versions: a line for each setting. The value of a secret is not shown. */
function differences(
  before: Pick<SettingsVersion, 'settings' | 'secrets'> | null,
  after: Pick<SettingsVersion, 'settings' | 'secrets'>,
): readonly { name: string; before: string | null; after: string | null }[] {
  const names = [...new Set([...Object.keys(before?.settings ?? {}), ...Object.keys(after.settings)])].sort()
  return names.flatMap((name) => {
    const [old, now] = [before?.settings[name] ?? null, after.settings[name] ?? null]
    return old === now ? [] : [{ name, before: old, after: now }]
  })
}

export function Changes({
  before,
  after,
  say,
}: Reader & { before: SettingsVersion | null; after: SettingsVersion }): VNode {
  const { words } = say.providers
  const changed = differences(before, after)
  return changed.length === 0 ? (
    <p>{words.noVisibleChange}</p>
  ) : (
    <Facts
      of={changed.map(({ name, before: old, after: now }) => [
        name,
        <>
          {old === null ? null : (
            <>
              <del>
                <code>{old}</code>
              </del>{' '}
            </>
          )}
          {now === null ? words.removed : <code>{now}</code>}
        </>,
      ])}
    />
  )
}

/** What the provider returned to the administrator, and what a sign-in would have done. */
export function TrialResult({ trial, ...reader }: Reader & { trial: Trial }): VNode {
  const { words, decisions } = reader.say.providers
  const { say } = reader
  const tried = <Time {...reader} at={new Date(trial.at)} />
  if (trial.outcome === 'failed')
    return (
      <>
        <h3>{words.trial}</h3>
        <p class="caution">{words.trialFailed}</p>
        <Facts
          of={[
            [words.tried, tried],
            [words.errorCode, <code key="code">{trial.code}</code>],
          ]}
        />
      </>
    )
  const { claims, decision, scopes, missingScopes, restriction, isTrusted, issuer } = trial
  const list = (all: readonly string[]): string => (all.length === 0 ? '—' : all.join(', '))
  return (
    <>
      <h3>{words.trial}</h3>
      <p>{words.trialText}</p>
      <Facts
        of={[
          [words.tried, tried],
          [words.issuer, <code key="issuer">{issuer}</code>],
          [words.subject, <code key="subject">{claims.subject}</code>],
          [
            words.email,
            claims.email === null
              ? '—'
              : `${claims.email} (${claims.emailVerified ? words.emailVerified : words.emailUnverified})`,
          ],
          [words.emailTrusted, isTrusted ? say.yes : say.no],
          [words.personName, claims.name ?? '—'],
          [words.picture, claims.picture ?? '—'],
          [words.scopes, list(scopes)],
          missingScopes.length > 0 ? [words.missingScopes, list(missingScopes)] : null,
          restriction === null ? null : [words.restriction, <code key="restriction">{restriction}</code>],
          [words.signInWould, decisions[decision.action]],
          decision.accountId === null
            ? null
            : [
                words.account,
                <a key="account" href={userPage(decision.accountId)}>
                  {decision.accountId}
                </a>,
              ],
        ]}
      />
    </>
  )
}
