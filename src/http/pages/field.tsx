import type { VNode } from 'preact'
import type { Reader } from './layout.tsx'

type FieldProps = {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'email' | 'password'
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly numeric?: boolean
}
/** A labelled field; what is wrong with it is said with it, to those who do not see the page as well. */
export function Field({ name, label, type, autocomplete, value, hint, error, numeric }: FieldProps): VNode {
  const described = [hint === undefined ? [] : `${name}-hint`, error === undefined ? [] : `${name}-error`].flat()
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p class="caution" id={`${name}-error`}>
          {error}
        </p>
      )}
      <input
        type={type}
        id={name}
        name={name}
        value={value}
        autocomplete={autocomplete}
        required
        inputmode={numeric ? 'numeric' : undefined}
        aria-invalid={error === undefined ? undefined : true}
        aria-describedby={described.length === 0 ? undefined : described.join(' ')}
      />
    </div>
  )
}
export const Submit = ({ children }: { children: string }): VNode => (
  <p class="actions">
    <button type="submit" class="primary">
      {children}
    </button>
  </p>
)
export const hidden = (name: string, value: string | undefined): VNode | null =>
  value === undefined ? null : <input type="hidden" name={name} value={value} />

/** A form that asks for one thing, perhaps again because of what was wrong with it. */
export type AskProps = Reader & { readonly csrf: string; readonly email?: string; readonly error?: string }
