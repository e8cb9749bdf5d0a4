import { createContext, type VNode } from 'preact'
import { useContext } from 'preact/hooks'
import type { Texts } from './texts.ts'

/**
 * Why a form was refused. The layout shows every refusal in one way: a summary at the top that links to the field, a
 * title that begins with "Error:", and the focus on the first invalid field, without a script.
 */
export type FormRefusal = {
  /** The element ID of the field; `null` if no field can correct it. */
  readonly field: string | null
  readonly text: string
  /** Also shown at the field: for forms that are longer than a screen. */
  readonly atField?: true
}

const Refusals = createContext<readonly FormRefusal[]>([])
export const RefusalsProvider = Refusals.Provider

/** Of several errors of one field, the first is shown. `undefined`: there is no error. */
export const refusalOf = (field: string | null, text: string | undefined, atField?: true): readonly FormRefusal[] =>
  text === undefined ? [] : [{ field, text, ...(atField && { atField }) }]

/** The refusal of a field, the ID of the text that explains it, and whether it is the first invalid field. */
export function useRefusal(field: string) {
  const all = useContext(Refusals)
  const refusal = all.find((one) => one.field === field)
  return {
    refusal,
    explainedBy: refusal && (refusal.atField ? `${field}-error` : `refused-${field}`),
    isFirst: refusal !== undefined && refusal === all.find((one) => one.field !== null),
    /** Whether any field was refused: then no other field takes the focus. */
    isRefused: all.length > 0,
  }
}

/** The summary at the top of the page. */
export function RefusalSummary({ of, say }: { of: readonly FormRefusal[]; say: Texts }): VNode | null {
  if (of.length === 0) return null
  return (
    <div class="refused" role="alert">
      <p>
        <strong>{say.refused.heading}</strong>
      </p>
      {of.map(({ field, text }) => (
        <p key={field} id={field === null ? undefined : `refused-${field}`}>
          {field === null ? text : <a href={`#${field}`}>{text}</a>}
        </p>
      ))}
    </div>
  )
}
