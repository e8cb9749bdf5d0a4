/** What an administrator needs to know about each kind of provider to add one. */
import type { Locale } from '../kernel/locale.ts'
import { definitions, type Kind } from './definitions/index.ts'
import { type Mark, neutralMark } from './mark.ts'
import type { Definition } from './provider.ts'
import type { Setting } from './setting.ts'
import { kinds, settingsOf } from './settings.ts'

export type KindDescription = {
  readonly kind: Kind
  /** Its name for users; `null` if each provider of this kind has a name of its own. */
  readonly name: string | null
  readonly describedAs: string
  readonly mark: Mark
  /** Where to register this service, and as what. It can contain a URL. */
  readonly registration: Readonly<Record<Locale, string>>
  /** Its settings, those that are required first. */
  readonly settings: readonly (readonly [name: string, setting: Setting])[]
}

export const kindDescriptions: readonly KindDescription[] = kinds.map((kind) => {
  const { name, describedAs, mark, registration }: Definition = definitions[kind]
  const settings = Object.entries(settingsOf(kind))
  const required = settings.filter(([, { isRequired }]) => isRequired)
  return {
    kind,
    name,
    describedAs,
    mark,
    registration: typeof registration === 'string' ? { en: registration, 'pt-BR': registration } : registration,
    settings: [...required, ...settings.filter(([, { isRequired }]) => !isRequired)],
  }
})

export const kindDescription = (kind: string): KindDescription | undefined =>
  kindDescriptions.find((one) => one.kind === kind)

/** The mark of a kind. A stored provider may be of a kind that this version does not know. */
export const markOfKind = (kind: string): Mark => kindDescription(kind)?.mark ?? neutralMark
