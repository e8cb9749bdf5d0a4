/** What an administrator needs to know about each kind of provider to add one. */
import { definitions, type Kind } from './definitions/index.ts'
import type { Definition } from './provider.ts'
import type { Setting } from './setting.ts'
import { kinds, settingsOf } from './settings.ts'

export type KindDescription = {
  readonly kind: Kind
  /** Its name for users; `null` if each provider of this kind has a name of its own. */
  readonly name: string | null
  readonly describedAs: string
  /** Where to register this service, and as what. It can contain a URL. */
  readonly registration: string
  /** Its settings, those that are required first. */
  readonly settings: readonly (readonly [name: string, setting: Setting])[]
}

export const kindDescriptions: readonly KindDescription[] = kinds.map((kind) => {
  const { name, describedAs, registration }: Definition = definitions[kind]
  const settings = Object.entries(settingsOf(kind))
  const required = settings.filter(([, { isRequired }]) => isRequired)
  return {
    kind,
    name,
    describedAs,
    registration,
    settings: [...required, ...settings.filter(([, { isRequired }]) => !isRequired)],
  }
})

export const kindDescription = (kind: string): KindDescription | undefined =>
  kindDescriptions.find((one) => one.kind === kind)
