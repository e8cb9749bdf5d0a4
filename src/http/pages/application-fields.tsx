import type { VNode } from 'preact'
import { z } from 'zod'
import {
  type ApplicationKind,
  applicationAuths,
  applicationAuthsOf,
  applicationKinds,
  applicationLimits,
  isStandardScope,
  kindRules,
  standardScopes,
  subjectTypes,
} from '../../applications/policy.ts'
import type { Application } from '../../applications/ports.ts'
import type { FormRefusal } from '../page-frame.ts'
import { type FieldFault, fault } from '../problem.ts'
import { object } from '../route.ts'
import { line, storable } from '../schemas/fields.ts'
import { Field } from './field.tsx'
import type { Reader } from './layout.tsx'
import { useRefusal } from './refusal.tsx'
import { scopeWords } from './scope-words.ts'

/** The fields of an application in a form: only those of its kind. The rules of applications check what they contain. */

/** A list with one entry per line. Copied text often has spaces around it, and empty lines. */
const lines = storable(16_384)
  .optional()
  .transform((text) =>
    text
      ?.split('\n')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
const oneOrNull = storable(4096)
  .optional()
  .transform((text) => (text === undefined ? undefined : text.trim() || null))
/** A number of seconds; `NaN` for anything else, which the rules of applications refuse. */
const secondsOrNull = z
  .string()
  .max(12)
  .optional()
  .transform((text) => {
    if (text === undefined) return undefined
    return text.trim() === '' ? null : /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
  })

const fields = {
  name: line.describe('The name that people see'),
  first_party: z.literal('yes').optional().describe('People are not asked for consent'),
  redirect_uris: lines.describe('The redirect URIs, one per line'),
  post_logout_redirect_uris: lines.describe('Where people may return to after signing out, one per line'),
  cors_origins: lines.describe('The origins, one per line'),
  scopes: z.array(z.enum(standardScopes)).max(10).optional().describe('The standard scopes it may ask for'),
  api_scopes: lines.describe('The scopes of its APIs, one per line'),
  resources: lines.describe('Its APIs, one URL per line'),
  client_auth: z.enum(applicationAuths).optional().describe('How it authenticates at the token endpoint'),
  access_token_seconds: secondsOrNull.describe('Lifetime of access tokens'),
  refresh_token_seconds: secondsOrNull.describe('Idle lifetime of refresh tokens'),
  backchannel_logout_uri: oneOrNull.describe('Where it is notified when a session ends'),
  logo_uri: oneOrNull.describe('The URL of its logo'),
  jwks_uri: oneOrNull.describe('Where it publishes its keys'),
  subject_type: z.enum(subjectTypes).optional().describe('How it knows people'),
  sector_identifier_uri: oneOrNull.describe('The list of redirect URIs of its sector'),
}

type Given = { readonly [N in keyof typeof fields]?: z.output<(typeof fields)[N]> | undefined }

/** The fields of a form as the API takes them. */
function bodyOf(
  { api_scopes, scopes, first_party, name = '', redirect_uris = [], ...rest }: Given,
  kind: ApplicationKind | undefined,
) {
  const own = kind === undefined || kindRules[kind].hasPeople ? ['openid'] : []
  return {
    ...rest,
    name,
    redirect_uris,
    first_party: first_party === 'yes',
    scopes: [...new Set([...own, ...(scopes ?? []), ...(api_scopes ?? [])])],
  }
}

const kindField = z.enum(applicationKinds).describe('Where its code runs')
/** The kind is in the form only to know its fields: it never changes. */
export const editFields = object({ ...fields, kind: kindField.optional() }).transform(({ kind, ...given }) =>
  bodyOf(given, kind),
)
export const createFields = z
  .strictObject({ ...fields, kind: kindField })
  .transform(({ kind, cors_origins: origins, ...given }) => ({
    ...bodyOf(given, kind),
    kind,
    // Without any, those of the redirect URIs.
    ...(origins === undefined || origins.length === 0 ? {} : { cors_origins: origins }),
  }))

/** What a form shows: an application, or what was typed. */
export type FormValues = {
  readonly name: string
  readonly firstParty: boolean
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly corsOrigins: readonly string[]
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly clientAuth: Application['clientAuth'] | undefined
  readonly accessTtlSeconds: number | null
  readonly refreshTtlSeconds: number | null
  readonly backchannelLogoutUri: string | null
  readonly logoUri: string | null
  readonly jwksUri: string | null
  readonly subjectType: Application['subjectType']
  readonly sectorIdentifierUri: string | null
}

export const noValues: FormValues = {
  name: '',
  firstParty: true,
  redirectUris: [],
  postLogoutRedirectUris: [],
  corsOrigins: [],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  resources: [],
  clientAuth: undefined,
  accessTtlSeconds: null,
  refreshTtlSeconds: null,
  backchannelLogoutUri: null,
  logoUri: null,
  jwksUri: null,
  subjectType: 'public',
  sectorIdentifierUri: null,
}

/** What was typed, for the form that is shown again. */
export const typedValues = (body: z.output<typeof editFields>): FormValues => ({
  name: body.name,
  firstParty: body.first_party,
  redirectUris: body.redirect_uris,
  postLogoutRedirectUris: body.post_logout_redirect_uris ?? [],
  corsOrigins: body.cors_origins ?? [],
  scopes: body.scopes,
  resources: body.resources ?? [],
  clientAuth: body.client_auth,
  accessTtlSeconds: body.access_token_seconds ?? null,
  refreshTtlSeconds: body.refresh_token_seconds ?? null,
  backchannelLogoutUri: body.backchannel_logout_uri ?? null,
  logoUri: body.logo_uri ?? null,
  jwksUri: body.jwks_uri ?? null,
  subjectType: body.subject_type ?? 'public',
  sectorIdentifierUri: body.sector_identifier_uri ?? null,
})

/** Why the form was refused: each error at its field, and at its line of a list. */
export function refusalsIn(
  faults: readonly FieldFault[] | undefined,
  scopes: readonly string[],
  { locale, say }: Reader,
): readonly FormRefusal[] {
  const found = new Map<string, string>()
  for (const { path, code, params } of faults ?? []) {
    const [name = '', at] = path.split('.')
    const { detail } = fault(path, code, locale, params)
    // The standard scopes are boxes: only a scope of an API can be wrong.
    const field = name === 'scopes' ? 'api_scopes' : name
    const before = name === 'scopes' ? scopes.slice(0, Number(at)).filter(isStandardScope).length : 0
    const text = at === undefined ? detail : say.applications.line(Number(at) + 1 - before, detail)
    if (!found.has(field)) found.set(field, text)
  }
  return [...found].map(([field, text]) => ({ field, text, atField: true }))
}

type AreaProps = {
  readonly name: string
  readonly label: string
  readonly hint: string
  readonly value: readonly string[]
}

/** A list in a text area, one entry per line. */
function Lines({ name, label, hint, value }: AreaProps): VNode {
  const { refusal, explainedBy } = useRefusal(name)
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <p class="fine" id={`${name}-hint`}>
        {hint}
      </p>
      {refusal?.atField ? (
        <p class="caution" id={`${name}-error`}>
          {refusal.text}
        </p>
      ) : null}
      <textarea
        id={name}
        name={name}
        rows={Math.min(10, value.length + 2)}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={[`${name}-hint`, explainedBy].filter(Boolean).join(' ')}
        aria-invalid={refusal && 'true'}
      >
        {value.join('\n')}
      </textarea>
    </div>
  )
}

type FieldsProps = Reader & {
  readonly kind: ApplicationKind
  readonly values: FormValues
  /** Whether the application is new: then origins have a default. */
  readonly isNew: boolean
}

/** The fields of an application that people sign in to. */
function PeopleFields({ kind, values, ...reader }: Omit<FieldsProps, 'isNew'>): VNode {
  const { applications: words } = reader.say
  return (
    <>
      {kindRules[kind].hasRedirects ? (
        <>
          <Lines
            name="redirect_uris"
            label={words.redirectUris}
            hint={kind === 'native' ? words.redirectNativeHint : words.redirectHint}
            value={values.redirectUris}
          />
          <Lines
            name="post_logout_redirect_uris"
            label={words.postLogoutUris}
            hint={words.postLogoutHint}
            value={values.postLogoutRedirectUris}
          />
        </>
      ) : null}
      <fieldset class="field">
        <legend>{words.scopes}</legend>
        <p class="fine">{words.openidAlways}</p>
        {standardScopes
          .filter((scope) => scope !== 'openid')
          .map((scope) => (
            <label key={scope} class="choice">
              <input type="checkbox" name="scopes" value={scope} checked={values.scopes.includes(scope)} />
              <span>
                {scopeWords(scope, reader.say, 'administrator')} <code class="fine">{scope}</code>
              </span>
            </label>
          ))}
      </fieldset>
      <fieldset class="field">
        <legend>{words.consent}</legend>
        <label class="choice">
          <input type="checkbox" name="first_party" value="yes" checked={values.firstParty} />
          <span>{words.firstParty}</span>
        </label>
      </fieldset>
    </>
  )
}

const secondsHint = ({ locale, say }: Reader, { least, most }: { least: number; most: number }): string => {
  const number = new Intl.NumberFormat(locale)
  return say.applications.secondsHint(number.format(least), number.format(most))
}
const secondsText = (value: number | null): string => (value === null || Number.isNaN(value) ? '' : String(value))

/** The optional fields of the sign-ins of people. */
function SessionFields({ values, ...reader }: Reader & Pick<FieldsProps, 'values'>): VNode {
  const { applications: words } = reader.say
  return (
    <>
      <Field
        name="refresh_token_seconds"
        label={words.refreshSeconds}
        hint={secondsHint(reader, applicationLimits.refreshSeconds)}
        autocomplete="off"
        code="digits"
        maxlength={9}
        optional
        value={secondsText(values.refreshTtlSeconds)}
      />
      <Field
        name="backchannel_logout_uri"
        label={words.backchannelLogout}
        hint={words.backchannelHint}
        autocomplete="off"
        code="text"
        maxlength={applicationLimits.uriLength}
        optional
        value={values.backchannelLogoutUri ?? ''}
      />
      <Field
        name="logo_uri"
        label={words.logo}
        hint={words.logoHint}
        autocomplete="off"
        code="text"
        maxlength={applicationLimits.uriLength}
        optional
        value={values.logoUri ?? ''}
      />
    </>
  )
}

/** How the application knows people. */
function SubjectFields({ kind, values, say }: Reader & Pick<FieldsProps, 'kind' | 'values'>): VNode {
  const { applications: words } = say
  const { refusal, explainedBy } = useRefusal('subject_type')
  return (
    <>
      <div class="field">
        <label for="subject_type">{words.subjectType}</label>
        <p class="fine" id="subject_type-hint">
          {words.subjectHint}
        </p>
        {refusal?.atField ? (
          <p class="caution" id="subject_type-error">
            {refusal.text}
          </p>
        ) : null}
        <div>
          <select
            id="subject_type"
            name="subject_type"
            aria-describedby={['subject_type-hint', explainedBy].filter(Boolean).join(' ')}
            aria-invalid={refusal && 'true'}
          >
            {subjectTypes.map((type) => (
              <option key={type} value={type} selected={type === values.subjectType}>
                {words.subjectTypes[type]}
              </option>
            ))}
          </select>
        </div>
      </div>
      {kindRules[kind].hasRedirects ? (
        <Field
          name="sector_identifier_uri"
          label={words.sectorUri}
          hint={words.sectorHint}
          autocomplete="off"
          code="text"
          maxlength={applicationLimits.uriLength}
          optional
          value={values.sectorIdentifierUri ?? ''}
        />
      ) : null}
    </>
  )
}

export function ApplicationFields({ kind, values, isNew, ...reader }: FieldsProps): VNode {
  const { applications: words } = reader.say
  const auths = applicationAuthsOf(kind)
  const { hasPeople, hasOrigins } = kindRules[kind]
  // A refused field must not be hidden.
  const { isRefused } = useRefusal('')
  return (
    <>
      <Field
        name="name"
        label={words.name}
        hint={words.nameHint}
        autocomplete="off"
        maxlength={applicationLimits.nameLength}
        value={values.name}
      />
      {hasPeople ? <PeopleFields {...reader} kind={kind} values={values} /> : null}
      {auths.length > 1 ? (
        <div class="field">
          <label for="client_auth">{words.clientAuth}</label>
          <div>
            <select id="client_auth" name="client_auth">
              {auths.map((auth) => (
                <option key={auth} value={auth} selected={auth === values.clientAuth}>
                  {words.clientAuths[auth]}
                </option>
              ))}
            </select>
          </div>
        </div>
      ) : null}
      <details open={!isNew || isRefused}>
        <summary>{words.more}</summary>
        {hasOrigins ? (
          <Lines
            name="cors_origins"
            label={words.corsOrigins}
            hint={isNew ? `${words.corsHint} ${words.corsDefault}` : words.corsHint}
            value={values.corsOrigins}
          />
        ) : null}
        <Lines name="resources" label={words.resources} hint={words.resourcesHint} value={values.resources} />
        <Lines
          name="api_scopes"
          label={words.apiScopes}
          hint={words.apiScopesHint}
          value={values.scopes.filter((scope) => !isStandardScope(scope))}
        />
        <Field
          name="access_token_seconds"
          label={words.accessSeconds}
          hint={secondsHint(reader, applicationLimits.accessSeconds)}
          autocomplete="off"
          code="digits"
          maxlength={9}
          optional
          value={secondsText(values.accessTtlSeconds)}
        />
        {hasPeople ? <SessionFields {...reader} values={values} /> : null}
        {hasPeople ? <SubjectFields {...reader} kind={kind} values={values} /> : null}
        {auths.includes('private_key_jwt') ? (
          <Field
            name="jwks_uri"
            label={words.jwksUri}
            hint={words.jwksUriHint}
            autocomplete="off"
            code="text"
            maxlength={applicationLimits.uriLength}
            optional
            value={values.jwksUri ?? ''}
          />
        ) : null}
      </details>
    </>
  )
}
