import type { ComponentChildren, VNode } from 'preact'
import type { mayNow } from './admin-frame.tsx'
import { type FactList, Facts, type Reader, SignInAgain } from './layout.tsx'
import { Panel } from './panel.tsx'

/** What the pages of service credentials and of initial access tokens share: a list, and the form for another one. */

type RowsProps = {
  readonly title: string
  readonly intro?: string
  /** What is shown while there are none. */
  readonly none: string
  readonly rows: readonly {
    readonly id: string
    readonly name: string
    readonly facts: FactList
    /** What can be done with it. */
    readonly acts: ComponentChildren
  }[]
}

export const SecretRows = ({ title, intro, none, rows }: RowsProps): VNode => (
  <Panel id="all" title={title}>
    {intro === undefined ? null : <p>{intro}</p>}
    {rows.length === 0 ? <p>{none}</p> : null}
    <ul class="rows">
      {rows.map(({ id, name, facts, acts }) => (
        <li key={id} class="above">
          <div>
            <h3>{name}</h3>
            <Facts of={facts} />
          </div>
          {acts === null ? null : <div class="actions">{acts}</div>}
        </li>
      ))}
    </ul>
  </Panel>
)

type CreationProps = Reader & {
  readonly title: string
  readonly may: ReturnType<typeof mayNow>
  /** The page itself, for a sign-in that comes back. */
  readonly path: string
  /** The form. */
  readonly children: VNode
}

/** The form, for those who may use it and signed in recently. */
export function Creation({ title, may, path, children, ...reader }: CreationProps): VNode | null {
  if (!may.allowed) return null
  return (
    <Panel id="new" title={title}>
      {may.recent ? children : <SignInAgain {...reader} returnTo={path} />}
    </Panel>
  )
}
