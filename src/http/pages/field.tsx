import type { ComponentChildren, VNode } from 'preact'
import { useScript } from '../page-frame.ts'
import type { Reader } from './layout.tsx'
import { pageScript } from './page-script.ts'
import { useRefusal, useTicked, useTyped } from './refusal.tsx'
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
  /** The value is never sent back, like a password and a one-time code. */
  readonly isSecret?: true
  /** How many digits the code has: a script submits the form once they are typed. */
  readonly digits?: number
  /** What is shown next to the label. */
  readonly aside?: ComponentChildren
  /** For a password: the words of the button that shows it. */
  readonly reveal?: Texts['reveal']
  /** What is next to the field: the button, if the form has no other field. */
  readonly children?: ComponentChildren
}

type LabeledProps = {
  /** The element ID of the control. It refers to `<id>-hint` and `<id>-error`. */
  readonly id: string
  readonly label: ComponentChildren
  readonly hint?: string | undefined
  readonly error?: string | undefined
  /** What is shown next to the label, and comes after the field for the keyboard. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

/** A label, a hint and an error with any kind of control. */
const Labeled = ({ id, label, hint, error, aside, children }: LabeledProps): VNode => (
  <div class="field">
    <label for={id}>{label}</label>
    {hint === undefined ? null : (
      <p class="fine" id={`${id}-hint`}>
        {hint}
      </p>
    )}
    {error === undefined ? null : (
      <p class="caution" id={`${id}-error`}>
        {error}
      </p>
    )}
    <div>{children}</div>
    {aside === undefined ? null : <p class="aside">{aside}</p>}
  </div>
)

/**
 * What every control of a form has in common: what was typed into it, its error, which comes from the layout
 * (`refused`), and the focus if it is the first invalid one.
 */
function useControl(name: string, hint: string | undefined, ownId = name) {
  const { id, typed } = useTyped(name, ownId)
  const { refusal, explainedBy, isFirst, isRefused } = useRefusal(id)
  const described = [hint === undefined ? undefined : `${id}-hint`, explainedBy].filter(Boolean).join(' ')
  return {
    typed,
    isRefused,
    labeled: { id, hint, error: refusal?.atField ? refusal.text : undefined },
    control: {
      id,
      name,
      'aria-invalid': refusal && ('true' as const),
      'aria-describedby': described === '' ? undefined : described,
      autofocus: isFirst,
    },
  }
}

/** One field of a form, with its label and hint. Passwords can be pasted. */
export function Field(props: FieldProps): VNode {
  const { name, label, type = 'text', autocomplete, hint, optional, maxlength, code, digits, aside } = props
  const { typed, isRefused, labeled, control } = useControl(name, hint, props.id)
  const isSecret = props.isSecret || type === 'password' || autocomplete === 'one-time-code'
  const value = isSecret ? props.value : (typed ?? props.value)
  if (digits !== undefined || props.reveal) useScript(pageScript)
  const input = (
    <input
      {...control}
      type={type}
      value={value}
      maxlength={maxlength}
      class={digits === undefined ? undefined : 'digits'}
      autocomplete={autocomplete}
      {...(type === 'text' && code === undefined ? {} : { autocapitalize: 'none', spellcheck: false })}
      inputmode={code === 'digits' ? 'numeric' : undefined}
      data-digits={digits}
      required={!optional}
      // A form is asked for, or was refused: the first thing to do is in this field.
      {...{ autofocus: isRefused ? control.autofocus : props.autofocus }}
    />
  )
  return (
    <Labeled {...labeled} label={label} aside={aside}>
      {props.reveal ? (
        <span class="secret">
          {input}
          <button type="button" data-reveals={control.id} aria-pressed="false" aria-label={props.reveal.label} hidden>
            {props.reveal.show}
          </button>
        </span>
      ) : (
        input
      )}
      {props.children}
    </Labeled>
  )
}

type TickProps = {
  /** One of several, or any number of them. */
  readonly type: 'radio' | 'checkbox'
  readonly name: string
  readonly value: string
  readonly checked: boolean
  readonly autofocus?: boolean
  readonly children: ComponentChildren
}

/** A choice of a form with its label. A refused form has the choices that were sent. */
export function Tick({ type, name, value, checked, autofocus, children }: TickProps): VNode {
  return (
    <label class="choice">
      <input type={type} name={name} value={value} checked={useTicked(name, value, checked)} {...{ autofocus }} />{' '}
      {children}
    </label>
  )
}

type SelectProps = {
  readonly name: string
  readonly label: ComponentChildren
  readonly hint?: string
  readonly value: string
  readonly options: readonly (readonly [value: string, text: string])[]
  /** What is next to the field: the button, if the form has no other field. */
  readonly children?: ComponentChildren
}

/** A field with one of several values. */
export function Select({ name, label, hint, value, options, children }: SelectProps): VNode {
  const { typed = value, labeled, control } = useControl(name, hint)
  return (
    <Labeled {...labeled} label={label}>
      <select {...control}>
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === typed}>
            {text}
          </option>
        ))}
      </select>
      {children}
    </Labeled>
  )
}

type AreaProps = {
  readonly name: string
  readonly label: ComponentChildren
  readonly hint?: string
  readonly value: string
  /** The text is for programs: keyboards must not correct it. */
  readonly code?: true
  /** The text is a secret, such as a private key: it is never sent back. */
  readonly isSecret?: boolean | undefined
  /** What is next to the field. */
  readonly children?: ComponentChildren
}

/** A field with several lines. It is as high as its text, within limits. */
export function Area({ name, label, hint, value, code, isSecret = false, children }: AreaProps): VNode {
  const { typed = value, labeled, control } = useControl(name, hint)
  const text = isSecret ? '' : typed
  return (
    <Labeled {...labeled} label={label}>
      <textarea
        {...control}
        rows={Math.min(20, text.split('\n').length + 2)}
        autocomplete="off"
        {...(code ? { class: 'code', autocapitalize: 'none', spellcheck: false } : {})}
      >
        {text}
      </textarea>
      {children}
    </Labeled>
  )
}

type FileProps = {
  readonly name: string
  /** A page may have several fields of this name. */
  readonly id: string
  readonly label: ComponentChildren
  readonly hint: string
  readonly types: readonly string[]
  /** The button that sends the file. */
  readonly children: ComponentChildren
}

/** A field for a file. */
export function FileField({ name, id, label, hint, types, children }: FileProps): VNode {
  const { labeled, control } = useControl(name, hint, id)
  return (
    <Labeled {...labeled} label={label}>
      <input {...control} type="file" accept={types.join(',')} required />
      {children}
    </Labeled>
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
