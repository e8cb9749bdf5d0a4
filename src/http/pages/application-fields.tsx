import type { VNode } from 'preact'
import {
  type ApplicationKind,
  applicationAuthsOf,
  applicationLimits,
  idTokenAlgorithms,
  isStandardScope,
  kindRules,
  standardScopes,
  subjectTypes,
} from '../../applications/policy.ts'
import type { FormValues } from './application-values.ts'
import { Area, Field, Select, Tick } from './field.tsx'
import type { Reader } from './layout.tsx'
import { useRefusal } from './refusal.tsx'
import { scopeWords } from './scope-words.ts'

/** The fields of an application in a form: only those of its kind. A list has one entry per line. */

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
          <Area
            name="redirect_uris"
            label={words.redirectUris}
            hint={kind === 'native' ? words.redirectNativeHint : words.redirectHint}
            value={values.redirectUris.join('\n')}
            code
          />
          <Area
            name="post_logout_redirect_uris"
            label={words.postLogoutUris}
            hint={words.postLogoutHint}
            value={values.postLogoutRedirectUris.join('\n')}
            code
          />
        </>
      ) : null}
      <fieldset class="field">
        <legend>{words.scopes}</legend>
        <p class="fine">{words.openidAlways}</p>
        {standardScopes
          .filter((scope) => scope !== 'openid')
          .map((scope) => (
            <Tick key={scope} type="checkbox" name="scopes" value={scope} checked={values.scopes.includes(scope)}>
              <span>
                {scopeWords(scope, reader.say, 'administrator')} <code class="fine">{scope}</code>
              </span>
            </Tick>
          ))}
      </fieldset>
      <fieldset class="field">
        <legend>{words.consent}</legend>
        <Tick type="checkbox" name="first_party" value="yes" checked={values.firstParty}>
          <span>{words.firstParty}</span>
        </Tick>
      </fieldset>
    </>
  )
}

const secondsHint = ({ locale, say }: Reader, { least, most }: { least: number; most: number }): string => {
  const number = new Intl.NumberFormat(locale)
  return say.applications.secondsHint(number.format(least), number.format(most))
}
const secondsText = (value: number | null): string => (value === null || Number.isNaN(value) ? '' : String(value))

type UriProps = {
  readonly name: string
  readonly label: string
  readonly hint: string
  readonly value: string | null
}

const UriField = ({ value, ...props }: UriProps): VNode => (
  <Field
    {...props}
    autocomplete="off"
    code="text"
    maxlength={applicationLimits.uriLength}
    optional
    value={value ?? ''}
  />
)

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
      <UriField
        name="backchannel_logout_uri"
        label={words.backchannelLogout}
        hint={words.backchannelHint}
        value={values.backchannelLogoutUri}
      />
      <UriField name="logo_uri" label={words.logo} hint={words.logoHint} value={values.logoUri} />
    </>
  )
}

/** How the application knows people. */
function SubjectFields({ kind, values, say }: Reader & Pick<FieldsProps, 'kind' | 'values'>): VNode {
  const { applications: words } = say
  return (
    <>
      <Select
        name="subject_type"
        label={words.subjectType}
        hint={words.subjectHint}
        value={values.subjectType}
        options={subjectTypes.map((type) => [type, words.subjectTypes[type]])}
      />
      {kindRules[kind].hasRedirects ? (
        <UriField
          name="sector_identifier_uri"
          label={words.sectorUri}
          hint={words.sectorHint}
          value={values.sectorIdentifierUri}
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
        <Select
          name="client_auth"
          label={words.clientAuth}
          value={values.clientAuth ?? ''}
          options={auths.map((auth) => [auth, words.clientAuths[auth]])}
        />
      ) : null}
      <details open={!isNew || isRefused}>
        <summary>{words.more}</summary>
        {hasOrigins ? (
          <Area
            name="cors_origins"
            label={words.corsOrigins}
            hint={isNew ? `${words.corsHint} ${words.corsDefault}` : words.corsHint}
            value={values.corsOrigins.join('\n')}
            code
          />
        ) : null}
        <Area
          name="resources"
          label={words.resources}
          hint={words.resourcesHint}
          value={values.resources.join('\n')}
          code
        />
        <Area
          name="api_scopes"
          label={words.apiScopes}
          hint={words.apiScopesHint}
          value={values.scopes.filter((scope) => !isStandardScope(scope)).join('\n')}
          code
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
        {hasPeople ? (
          <Select
            name="id_token_signed_response_alg"
            label={words.idTokenAlgorithm}
            hint={words.idTokenAlgorithmHint}
            value={values.idTokenAlgorithm}
            options={idTokenAlgorithms.map((one) => [one, one])}
          />
        ) : null}
        {auths.includes('private_key_jwt') ? (
          <UriField name="jwks_uri" label={words.jwksUri} hint={words.jwksUriHint} value={values.jwksUri} />
        ) : null}
      </details>
    </>
  )
}
