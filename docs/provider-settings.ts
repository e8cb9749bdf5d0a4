/** The part of `.env.example` about providers, from their definitions. */
import { commonSettings } from '../src/providers/common-settings.ts'
import { definitions, type Kind } from '../src/providers/definitions/index.ts'
import type { Definition } from '../src/providers/provider.ts'
import { prefix, settingsOf } from '../src/providers/settings.ts'

const width = 120
/** An example of a provider whose ID the operator chooses. */
const chosenIds: Readonly<Partial<Record<Kind, string>>> = { oidc: 'acme', oauth2: 'beta' }

const commonDescriptions = new Set<string>(Object.values(commonSettings).map(({ description }) => description.en))

/** A comment, in as many lines as it needs. */
function comment(text: string): readonly string[] {
  const lines = ['#']
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`
    if (line.length <= width) lines[lines.length - 1] = line
    else lines.push(`# ${word}`)
  }
  return lines
}

/** What the settings are if they are not set, where that depends on the provider. */
function defaultsOf(id: string, { name, scopes, emailTrust }: Definition): Readonly<Record<string, string>> {
  return {
    NAME: name ?? id.charAt(0).toUpperCase() + id.slice(1),
    SCOPES: scopes.join(' '),
    EMAIL_TRUST: emailTrust,
    REDIRECT_URIS: `default=https://id.example.com/auth/${id}/callback`,
    TOKEN_AUTH: 'post',
  }
}

/** One section for each kind of provider. Only the first of several equal descriptions is shown. */
export function providerSections(): string {
  const described = new Set<string>()
  const sections = (Object.keys(definitions) as Kind[]).map((kind) => {
    const definition: Definition = definitions[kind]
    const { name, describedAs, listedIn, registration } = definition
    const id = chosenIds[kind] ?? kind
    const title =
      listedIn === undefined
        ? `${name}: ${typeof registration === 'string' ? registration : registration.en}`
        : `${prefix(id).slice(0, -1)}, ${describedAs}: ${listedIn}=${id}`
    const defaults = defaultsOf(id, definition)
    const lines = Object.entries(settingsOf(kind)).flatMap(([setting, { description: texts, example, isRequired }]) => {
      const description = texts.en
      const isNew = !described.has(description)
      described.add(description)
      const value = example ?? defaults[setting] ?? ''
      const isCommon = commonDescriptions.has(description)
      const about = isRequired && !isCommon ? `Required. ${description}` : description
      return [...(isNew ? comment(about) : []), `# ${prefix(id)}${setting}=${value}`]
    })
    return [`# --- ${title} `.padEnd(width - 8, '-'), '', ...lines, ''].join('\n')
  })
  return sections.join('\n')
}
