import type { VNode } from 'preact'
import { type FormRefusal, usePageFrame } from '../page-frame.ts'
import type { Texts } from './texts.ts'

/** Of several errors of one field, the first is shown. `undefined`: there is no error. */
export const refusalOf = (field: string | null, text: string | undefined, atField?: true): readonly FormRefusal[] =>
  text === undefined ? [] : [{ field, text, ...(atField && { atField }) }]

/** The element ID of a refused field. There is one refused form on a page, so it is unique. */
const invalidId = (name: string): string => `invalid-${name}`

/** Faults that no field of a form can cause: someone changed the form. */
const notInField: ReadonlySet<string> = new Set(['unknown_field', 'repeated'])

/** Why the form of this page was refused, from the response itself; `undefined` if none was. */
export function useRefusedForm(): readonly FormRefusal[] | undefined {
  const { refusedForm } = usePageFrame()
  if (refusedForm === null) return undefined
  const { faults, detail } = refusedForm
  if (faults.length === 0) return [{ field: null, text: detail }]
  return faults.map(({ path, code, detail: text }) =>
    notInField.has(code) || !/^\w+$/.test(path)
      ? { field: null, text }
      : { field: invalidId(path), text, atField: true },
  )
}

/** Whether the form that is sent to this path, or to one below it, was refused: then it is shown. */
export function useIsRefused(action: string): boolean {
  const sent = usePageFrame().refusedForm?.action
  return sent !== undefined && (sent === action || sent.startsWith(`${action}/`))
}

/** A field of a form: its element ID, and what it contains, where the form was refused. */
export function useTyped(name: string, id: string): { readonly id: string; readonly typed: string | undefined } {
  const { refusedForm, formAction } = usePageFrame()
  if (refusedForm === null || formAction !== refusedForm.action) return { id, typed: undefined }
  const { typed, faults } = refusedForm
  const { [name]: value } = typed
  return {
    id: faults.some(({ path }) => path === name) ? invalidId(name) : id,
    typed: typeof value === 'string' ? value : undefined,
  }
}

/** Whether a choice of a form is ticked: where the form was refused, as it was sent. */
export function useTicked(name: string, value: string, otherwise: boolean): boolean {
  const { refusedForm, formAction } = usePageFrame()
  if (refusedForm === null || formAction !== refusedForm.action) return otherwise
  const { [name]: sent } = refusedForm.typed
  return Array.isArray(sent) ? sent.includes(value) : sent === value
}

/** The refusal of a field, the ID of the text that explains it, and whether it is the first invalid field. */
export function useRefusal(field: string) {
  const { refusals: all } = usePageFrame()
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
      {of.map(({ field, label, text }) => (
        <p key={field} id={field === null ? undefined : `refused-${field}`}>
          {field === null ? text : <a href={`#${field}`}>{label === undefined ? text : `${label}: ${text}`}</a>}
        </p>
      ))}
    </div>
  )
}
