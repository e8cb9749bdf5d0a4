import type { ComponentChildren, VNode } from 'preact'
import { useScript } from '../page-frame.ts'
import type { Reader } from './layout.tsx'
import { pageScript } from './page-script.ts'
import { useRefusal, useTyped } from './refusal.tsx'
import type { Texts } from './texts.ts'

type FieldProps = {
  /** The name of the field in the form. */
  readonly name: string
  /** The element ID, if the page has several fields of this name. A refusal names the field by it. */
  readonly id?: string
  readonly label: ComponentChildren
  readonly type?: 'email' | 'password' | 'text' | 'date'
  /** Tells browsers and password managers what the field is for. */
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string
  readonly optional?: true
  /** The field that its page is for: it has the focus, unless another one was refused. */
  readonly autofocus?: boolean
  readonly maxlength?: number
  /** The value is a code: keyboards must not correct it. `digits` shows the numeric keyboard. */
  readonly code?: 'digits' | 'text'
  /** How many digits the code has: a script submits the form once they are typed. */
  readonly digits?: number
  /** What is shown next to the label, and comes after the field for the keyboard. */
  readonly aside?: ComponentChildren
  /** For a password: the words of the button that shows it. */
  readonly reveal?: Texts['reveal']
  /** What is next to the field: the button, if the form has no other field. */
  readonly children?: ComponentChildren
}

/** One field of a form, with its label and hint. Its error comes from the layout (`refused`). Passwords can be pasted. */
export function Field(props: FieldProps): VNode {
  const { name, label, type = 'text', autocomplete, hint, optional, maxlength, code, digits } = props
  const { id, typed } = useTyped(name, props.id ?? name)
  // A secret is never sent back.
  const value = type === 'password' || code !== undefined ? props.value : (typed ?? props.value)
  const { refusal, explainedBy, isFirst, isRefused } = useRefusal(id)
  const described = [hint === undefined ? undefined : `${id}-hint`, explainedBy].filter(Boolean).join(' ')
  if (digits !== undefined || props.reveal) useScript(pageScript)
  const input = (
    <input
      type={type}
      id={id}
      name={name}
      value={value}
      maxlength={maxlength}
      class={code === 'digits' ? 'digits' : undefined}
      autocomplete={autocomplete}
      {...(type === 'text' && code === undefined ? {} : { autocapitalize: 'none', spellcheck: false })}
      inputmode={code === 'digits' ? 'numeric' : undefined}
      data-digits={digits}
      required={!optional}
      // A form is asked for, or was refused: the first thing to do is in this field.
      {...{ autofocus: isRefused ? isFirst : props.autofocus }}
      aria-invalid={refusal && 'true'}
      aria-describedby={described === '' ? undefined : described}
    />
  )
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {refusal?.atField ? (
        <p class="caution" id={`${id}-error`}>
          {refusal.text}
        </p>
      ) : null}
      <div>
        {props.reveal ? (
          <span class="secret">
            {input}
            <button type="button" data-reveals={id} aria-pressed="false" aria-label={props.reveal.label} hidden>
              {props.reveal.show}
            </button>
          </span>
        ) : (
          input
        )}
        {props.children}
      </div>
      {props.aside === undefined ? null : <p class="aside">{props.aside}</p>}
    </div>
  )
}

type SelectProps = {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly value: string
  readonly options: readonly (readonly [value: string, text: string])[]
  /** What is next to the field: the button, if the form has no other field. */
  readonly children?: ComponentChildren
}

/** A field with one of several values. */
export function Select({ name, label, hint, value, options, children }: SelectProps): VNode {
  const { id, typed = value } = useTyped(name, name)
  const { refusal, explainedBy, isFirst } = useRefusal(id)
  const described = [hint === undefined ? undefined : `${id}-hint`, explainedBy].filter(Boolean).join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {refusal?.atField ? (
        <p class="caution" id={`${id}-error`}>
          {refusal.text}
        </p>
      ) : null}
      <div>
        <select
          id={id}
          name={name}
          aria-describedby={described === '' ? undefined : described}
          aria-invalid={refusal && 'true'}
          {...{ autofocus: isFirst }}
        >
          {options.map(([option, text]) => (
            <option key={option} value={option} selected={option === typed}>
              {text}
            </option>
          ))}
        </select>
        {children}
      </div>
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

/** A form with one field, shown again with an error if the value was refused. */
export type EmailFormProps = Reader & { readonly csrf: string; readonly email?: string; readonly error?: string }
