import type { ComponentChildren, VNode } from 'preact'
import { z } from 'zod'
import { type KindDescription, kindDescriptions } from '../../providers/kinds.ts'
import type { Setting } from '../../providers/setting.ts'
import { type FieldFault, fault } from '../problem.ts'
import type { Reader } from './layout.tsx'

/** The fields of the form of a provider: one for each setting, as the error of that setting names it. */

const everySetting: Readonly<Record<string, Setting>> = Object.fromEntries(
  kindDescriptions.flatMap(({ settings }) => settings),
)
const settingNames = Object.keys(everySetting)
const fieldOf = (name: string): `settings.${string}` => `settings.${name}`
const removalOf = (name: string): `remove.${string}` => `remove.${name}`

/** A setting as typed. No setting begins or ends with a space, but copied text often does. */
const typed = z
  .string()
  .max(16_384)
  .transform((text) => text.replaceAll('\r\n', '\n').trim())
  .optional()
const ticked = z.literal('yes').optional()

/** The fields of all settings. The form of a provider has only those of its kind. */
export const settingFields = {
  ...(Object.fromEntries(
    settingNames.map((name) => [fieldOf(name), typed.describe(everySetting[name]?.description ?? name)]),
  ) as Record<`settings.${string}`, typeof typed>),
  ...(Object.fromEntries(
    settingNames.map((name) => [removalOf(name), ticked.describe(`Remove the stored ${name}`)]),
  ) as Record<`remove.${string}`, typeof ticked>),
}
export const orderField = z
  .string()
  .max(7)
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : undefined))
  .optional()
  .describe('Its place in the list: the smallest number comes first')
/** A day; the secret is treated as expired when it begins. */
export const dayField = z
  .string()
  .max(10)
  .transform((text) =>
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? `${text}T00:00:00.000Z` : null,
  )
  .optional()
  .describe('The day on which the client secret expires, like 2027-05-31; empty if it does not')

type Fields = Readonly<Record<string, unknown>>

/** The settings in the fields of a form. An empty field removes a setting, but keeps a secret that is stored. */
export function fieldSettings(fields: Fields): Record<string, string | null> {
  const secrets = new Set(
    kindDescriptions.flatMap(({ settings }) => settings.flatMap(([name, { isSecret }]) => (isSecret ? [name] : []))),
  )
  return Object.fromEntries(
    settingNames.flatMap((name): [string, string | null][] => {
      const text = fields[fieldOf(name)]
      if (fields[removalOf(name)] === 'yes') return [[name, null]]
      if (typeof text !== 'string') return []
      if (text !== '') return [[name, text]]
      return secrets.has(name) ? [] : [[name, null]]
    }),
  )
}

/** Why the fields of a form were refused, in the language of the reader, by the name of the field. */
export function errorsIn(faults: readonly FieldFault[] | undefined, { locale }: Reader): ReadonlyMap<string, string> {
  const errors = new Map<string, string>()
  for (const { path, code, params } of faults ?? []) {
    const { detail } = fault(path, code, locale, params)
    errors.set(path, [errors.get(path), detail].filter(Boolean).join(' '))
  }
  return errors
}

type SettingFieldsProps = Reader & {
  readonly kind: KindDescription
  readonly values: Readonly<Record<string, string | null | undefined>>
  /** The secrets that are stored. Their values are never shown. */
  readonly stored?: readonly string[]
  readonly errors: ReadonlyMap<string, string>
}

/** The required settings, then the others, which few providers need. An error there opens them. */
export function SettingFields({ kind, values, stored = [], errors, ...reader }: SettingFieldsProps): VNode {
  const { words } = reader.say.providers
  const field = ([name, setting]: readonly [string, Setting]) => (
    <SettingField
      key={name}
      {...reader}
      name={name}
      setting={setting}
      value={values[name] ?? ''}
      isStored={stored.includes(name)}
      error={errors.get(fieldOf(name))}
    />
  )
  const isNeeded = ([name, { isRequired }]: readonly [string, Setting]): boolean =>
    isRequired === true || !!values[name] || errors.has(fieldOf(name))
  const needed = kind.settings.filter(isNeeded)
  const others = kind.settings.filter((one) => !isNeeded(one))
  return (
    <>
      {needed.map(field)}
      <details>
        <summary>{words.more}</summary>
        {others.map(field)}
      </details>
    </>
  )
}

type SettingFieldProps = Reader & {
  readonly name: string
  readonly setting: Setting
  readonly value: string
  readonly isStored: boolean
  readonly error: string | undefined
}

function SettingField({ name, setting, value, isStored, error, say }: SettingFieldProps): VNode {
  const { isSecret, isRequired, isMultiline, choices, example } = setting
  const { labels, hints, words } = say.providers
  const id = fieldOf(name)
  const hint = [
    hints[name] ?? setting.description,
    example === undefined || choices ? null : words.example(example),
    isRequired && !isStored ? words.required : null,
    isSecret && isStored ? words.secretStored : null,
  ]
  const common = {
    id,
    name: id,
    'aria-describedby': `${id}-hint${error === undefined ? '' : ` ${id}-error`}`,
    ...(error === undefined ? {} : { 'aria-invalid': 'true' as const }),
  }
  return (
    <Labeled id={id} label={labels[name] ?? name} code={name} hint={hint.filter(Boolean).join(' ')} error={error}>
      {choices ? (
        <select {...common}>
          <option value="">{words.standard}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice} selected={choice === value}>
              {choice}
            </option>
          ))}
        </select>
      ) : isMultiline ? (
        <textarea {...common} rows={4} autocomplete="off" spellcheck={false} maxlength={16_384}>
          {isSecret ? '' : value}
        </textarea>
      ) : isSecret ? (
        <input {...common} type="password" autocomplete="new-password" maxlength={16_384} />
      ) : (
        <input
          {...common}
          type="text"
          value={value}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          maxlength={16_384}
        />
      )}
      {isSecret && isStored && !isRequired ? (
        <label class="choice">
          <input type="checkbox" name={removalOf(name)} value="yes" /> {words.removeSecret}
        </label>
      ) : null}
    </Labeled>
  )
}

type LabeledProps = {
  readonly id: string
  readonly label: string
  /** The name of the setting in the environment and in the API. */
  readonly code?: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly children: ComponentChildren
}

/** A label, a hint and an error with any kind of input. The input refers to `<id>-hint` and `<id>-error`. */
export const Labeled = ({ id, label, code, hint, error, children }: LabeledProps): VNode => (
  <div class="field">
    <label for={id}>
      {label} {code === undefined || code === label ? null : <code class="fine">{code}</code>}
    </label>
    {hint === undefined ? null : (
      <p class="fine" id={`${id}-hint`}>
        {hint}
      </p>
    )}
    {error === undefined ? null : (
      <p class="caution" role="alert" id={`${id}-error`}>
        {error}
      </p>
    )}
    <div>{children}</div>
  </div>
)
