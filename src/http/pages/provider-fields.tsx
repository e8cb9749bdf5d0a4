import type { VNode } from 'preact'
import { z } from 'zod'
import { type KindDescription, kindDescription, kindDescriptions } from '../../providers/kinds.ts'
import type { Setting } from '../../providers/setting.ts'
import type { FormRefusal } from '../page-frame.ts'
import { type FieldFault, fault } from '../problem.ts'
import { Area, Field, Select, Tick } from './field.tsx'
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
    settingNames.map((name) => [fieldOf(name), typed.describe(everySetting[name]?.description.en ?? name)]),
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

/** Why the fields of a form were refused: a line for each in the order of the form, with the name of its setting. */
export function settingRefusals(
  kind: string,
  faults: readonly FieldFault[] | undefined,
  { locale, say }: Reader,
): readonly FormRefusal[] {
  const { labels, words } = say.providers
  const found = new Map<string, string>()
  for (const { path, code, params } of faults ?? []) {
    const { detail } = fault(path, code, locale, params)
    found.set(path, [found.get(path), detail].filter(Boolean).join(' '))
  }
  const own: Readonly<Record<string, string>> = { id: words.id, order: words.order, secret_expires_at: words.expires }
  const labelOf = (field: string): string => {
    const name = field.replace(/^settings\./, '')
    return own[field] ?? labels[name] ?? name
  }
  const order = ['id', ...(kindDescription(kind)?.settings ?? []).map(([name]) => fieldOf(name))]
  const placeOf = (field: string): number => (order.includes(field) ? order.indexOf(field) : order.length)
  return [...found]
    .sort(([one], [other]) => placeOf(one) - placeOf(other))
    .map(([field, text]) => ({ field, text, label: labelOf(field), atField: true }))
}

type SettingFieldsProps = Reader & {
  readonly kind: KindDescription
  readonly values: Readonly<Record<string, string | null | undefined>>
  /** The secrets that are stored. Their values are never shown. */
  readonly stored?: readonly string[]
  readonly refused: readonly FormRefusal[]
}

/** The required settings, then the others, which few providers need. A refused one is not hidden among them. */
export function SettingFields({ kind, values, stored = [], refused, ...reader }: SettingFieldsProps): VNode {
  const { words } = reader.say.providers
  const field = ([name, setting]: readonly [string, Setting]) => (
    <SettingField
      key={name}
      {...reader}
      name={name}
      setting={setting}
      value={values[name] ?? ''}
      isStored={stored.includes(name)}
    />
  )
  const isNeeded = ([name, { isRequired }]: readonly [string, Setting]): boolean =>
    isRequired === true || !!values[name] || refused.some((one) => one.field === fieldOf(name))
  const needed = kind.settings.filter(isNeeded)
  const others = kind.settings.filter((one) => !isNeeded(one))
  return (
    <>
      {needed.map(field)}
      {others.length === 0 ? null : (
        <details>
          <summary>{words.more}</summary>
          {others.map(field)}
        </details>
      )}
    </>
  )
}

type SettingFieldProps = Reader & {
  readonly name: string
  readonly setting: Setting
  readonly value: string
  readonly isStored: boolean
}

function SettingField({ name, setting, value, isStored, locale, say }: SettingFieldProps): VNode {
  const { description, isSecret, isRequired, isMultiline, choices, example } = setting
  const { labels, words } = say.providers
  const { [name]: label = name } = labels
  const hint = [
    isRequired && !isStored ? words.required : null,
    description[locale],
    isSecret && isStored ? words.secretStored : null,
    // Last: an example ends without a period, which would be taken for a part of it.
    example === undefined || choices ? null : words.example(example),
  ]
  const common = {
    name: fieldOf(name),
    // The name of the setting in the environment and in the API.
    label: (
      <>
        {label} {label === name ? null : <code class="fine">{name}</code>}
      </>
    ),
    hint: hint.filter(Boolean).join(' '),
    children:
      isSecret && isStored && !isRequired ? (
        <Tick type="checkbox" name={removalOf(name)} value="yes" checked={false}>
          {words.removeSecret}
        </Tick>
      ) : null,
  }
  if (choices)
    return (
      <Select
        {...common}
        value={value}
        options={[['', words.standard], ...choices.map((one) => [one, one] as const)]}
      />
    )
  if (isMultiline) return <Area {...common} value={value} isSecret={isSecret} code />
  // An empty secret keeps the stored one, so that no field has to be filled in.
  const text = { ...common, maxlength: 16_384, optional: true } as const
  return isSecret ? (
    <Field {...text} type="password" autocomplete="new-password" />
  ) : (
    <Field {...text} value={value} autocomplete="off" code="text" />
  )
}
