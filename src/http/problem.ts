import type { z } from 'zod'
import { dpopAlgorithms } from '../applications/keys.ts'
import { type AppError, type ErrorCode, fail, type Locale, message, rowOf } from '../errors/catalogue.ts'
import { settingFault } from './setting-faults.ts'

/** Where the metadata of our own API is (RFC 9728). */
export const resourceMetadataPath = '/.well-known/oauth-protected-resource'

/** One invalid field of a request: its path and the reason. */
export type Fault = { readonly path: string; readonly code: FaultCode; readonly detail: string }
/** The same as a handler returns it, before it is translated for the reader. */
export type FieldFault = {
  readonly path: string
  readonly code: FaultCode
  readonly params?: Readonly<Record<string, string>>
}

/** An error response: problem+json (RFC 9457) and its headers. */
export type Problem = {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}
type ProblemContext = {
  readonly locale: Locale
  readonly requestId: string
  /** Also in the terms of RFC 6749. */
  readonly oauth: boolean
  readonly faults?: readonly Fault[] | undefined
  /** A 400 caused by the `Authorization` header itself (RFC 6750 §3.1). */
  readonly badCredentials?: boolean | undefined
}

export function createProblems({ publicUrl, recentAuthSeconds }: { publicUrl: URL; recentAuthSeconds: number }) {
  const types = new URL('/docs/errors/', publicUrl).href
  const resourceMetadata = new URL(resourceMetadataPath, publicUrl).href

  return function describe(
    error: AppError,
    { locale, requestId, oauth, faults, badCredentials }: ProblemContext,
  ): Problem {
    const { status } = rowOf(error.code)
    const { title, detail } = message(error, locale)
    const headers: Record<string, string> = {}
    const challenge = challengeFor(error, status, oauth, badCredentials === true, recentAuthSeconds)
    // A client that knows only this API finds out where to get a token (RFC 9728 §5.1).
    const isUnknown = status === 401 && !oauth && challenge?.startsWith('Bearer') === true
    if (challenge)
      headers['WWW-Authenticate'] = isUnknown
        ? `${challenge}${challenge === 'Bearer' ? ' ' : ', '}resource_metadata="${resourceMetadata}"`
        : challenge
    // RFC 9449 §8 and §9.
    if (typeof error.extra?.nonce === 'string') headers['DPoP-Nonce'] = error.extra.nonce
    // 429 and 503 always say when to retry: a client that does not know retries at once.
    const retryAfter = error.retryAfter ?? (status === 429 || status === 503 ? 5 : undefined)
    if (retryAfter !== undefined) headers['Retry-After'] = String(retryAfter)
    return {
      status,
      headers,
      body: {
        ...error.extra,
        type: `${types}${error.code}`,
        title,
        status,
        detail,
        code: error.code,
        request_id: requestId,
        ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
        ...(faults && faults.length > 0 ? { errors: faults } : {}),
        ...(oauth ? { error: oauthError(error.code), error_description: description(error) } : {}),
      },
    }
  }
}
export type Describe = ReturnType<typeof createProblems>

/**
 * RFC 6750 §3: bare when no credential was sent, with a reason when the one that was sent is invalid. A recent sign-in
 * is requested as RFC 9470 does.
 */
function challengeFor(
  error: AppError,
  status: number,
  oauth: boolean,
  badCredentials: boolean,
  recentAuthSeconds: number,
): string | undefined {
  const because = (reason: string): string => `Bearer error="${reason}", error_description="${description(error)}"`
  if (badCredentials && status === 400) return because('invalid_request')
  const { challenge } = rowOf(error.code)
  // RFC 9449 §7.1.
  if (challenge === 'dpop')
    return `DPoP algs="${dpopAlgorithms.join(' ')}", error="${oauthError(error.code)}", error_description="${description(error)}"`
  // RFC 6749 §5.2: the scheme a client may prove itself with.
  if (challenge === 'basic') return 'Basic realm="Vinculum", charset="UTF-8"'
  if (challenge === 'bearer') return 'Bearer'
  // RFC 6750 §3.1: a client may ask for the missing scope, so it needs the name of the scope.
  if (error.code === 'insufficient_scope') return `${because('insufficient_scope')}, scope="${error.params.scope}"`
  if (challenge !== undefined) {
    const maxAge = error.code === 'reauthentication_required' ? `, max_age=${recentAuthSeconds}` : ''
    return `${because(challenge)}${maxAge}`
  }
  return status === 401 ? because(oauth ? oauthError(error.code) : 'invalid_token') : undefined
}

/** The closest error that RFC 6749 §5.2 (or §4.1.2.1) defines. */
function oauthError(code: ErrorCode): string {
  const { oauth, status } = rowOf(code)
  if (oauth !== undefined) return oauth
  if (status === 401) return 'invalid_grant'
  if (status === 403) return 'access_denied'
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** Always English, and ASCII without quotes or backslashes: RFC 6749 §5.2 and RFC 6750 §3 allow no more. */
const description = (error: AppError): string =>
  message(error, 'en')
    .detail.replace(/[“”"]/g, "'")
    .replace(/’/g, "'")
    .replace(/\\|[^\x20-\x7e]/g, '?')

const faults = {
  required: { en: 'This field is required.', 'pt-BR': 'Este campo é obrigatório.' },
  one_required: { en: 'Give at least one of: {allowed}.', 'pt-BR': 'Informe ao menos um destes campos: {allowed}.' },
  unknown_field: { en: 'There is no such field here.', 'pt-BR': 'Este campo não existe aqui.' },
  repeated: { en: 'Send this field once, with one value.', 'pt-BR': 'Envie este campo uma vez, com um único valor.' },
  wrong_type: { en: 'The value must be of type {expected}.', 'pt-BR': 'O valor deve ser do tipo {expected}.' },
  too_small: { en: 'The value must be at least {limit}.', 'pt-BR': 'O valor deve ser no mínimo {limit}.' },
  too_large: { en: 'The value must be at most {limit}.', 'pt-BR': 'O valor deve ser no máximo {limit}.' },
  too_short: { en: 'The value is too short: at least {limit}.', 'pt-BR': 'O valor é curto demais: no mínimo {limit}.' },
  too_long: { en: 'The value is too long: at most {limit}.', 'pt-BR': 'O valor é longo demais: no máximo {limit}.' },
  invalid_format: {
    en: 'The value does not have the right format.',
    'pt-BR': 'O valor não tem o formato correto.',
  },
  invalid_value: { en: 'Use one of: {allowed}.', 'pt-BR': 'Use um destes valores: {allowed}.' },
  too_common: {
    en: 'Many people use this password or a similar one, so it is among the first that attackers try.',
    'pt-BR': 'Muita gente usa esta senha ou uma parecida: ela está entre as primeiras que invasores tentam.',
  },
  too_personal: {
    en: 'This password is little more than your name, your email address or the name of this service.',
    'pt-BR': 'Esta senha é pouco mais que o seu nome, o seu e-mail ou o nome deste serviço.',
  },
  too_deep: {
    en: 'The value is nested too deeply: at most {limit} levels.',
    'pt-BR': 'O valor tem níveis demais: no máximo {limit}.',
  },
  invalid_key: {
    en: 'A key must start with a letter, and have at most 64 letters, digits, dots, hyphens and underscores.',
    'pt-BR': 'Uma chave deve começar com uma letra e ter até 64 letras, algarismos, pontos, hífens e sublinhados.',
  },
  not_json: { en: 'The value is not a JSON object.', 'pt-BR': 'O valor não é um objeto JSON.' },
  too_many: { en: 'There are too many: at most {limit}.', 'pt-BR': 'Há itens demais: no máximo {limit}.' },
  duplicate: { en: 'This value is in the list already.', 'pt-BR': 'Este valor já está na lista.' },
  fragment: { en: 'The URI must not have a fragment (#).', 'pt-BR': 'O URI não pode ter fragmento (#).' },
  credentials: {
    en: 'The URI must not contain a user name or a password.',
    'pt-BR': 'O URI não pode conter nome de usuário nem senha.',
  },
  wildcard: {
    en: 'Wildcards (*) are not supported. Register each URI exactly.',
    'pt-BR': 'Curingas (*) não são aceitos. Cadastre cada URI exatamente.',
  },
  scheme: {
    en: 'This URI scheme is not accepted here. Use https.',
    'pt-BR': 'Este esquema de URI não é aceito aqui. Use https.',
  },
  https_required: {
    en: 'Use https. Plain http is only for loopback addresses.',
    'pt-BR': 'Use https. O http simples é só para endereços de loopback.',
  },
  in_use: {
    en: 'People have signed in already, and this change would make them strangers to the application. Create another application.',
    'pt-BR':
      'Já houve acessos, e esta mudança tornaria as pessoas desconhecidas para o aplicativo. Crie outro aplicativo.',
  },
  several_hosts: {
    en: 'The redirect URIs have several hosts. Give the URL of a list that contains all of them.',
    'pt-BR': 'Os URIs de retorno têm vários hosts. Informe o URL de uma lista que contenha todos eles.',
  },
  unreachable: {
    en: 'The list at this URL could not be read. It must be a JSON array of redirect URIs at a public address.',
    'pt-BR':
      'A lista neste URL não pôde ser lida. Ela deve ser um array JSON de URIs de retorno em um endereço público.',
  },
  not_listed: {
    en: 'The list at this URL does not contain all redirect URIs of this application.',
    'pt-BR': 'A lista neste URL não contém todos os URIs de retorno deste aplicativo.',
  },
  not_an_origin: {
    en: 'Give only scheme, host and port, such as https://app.example.org.',
    'pt-BR': 'Informe apenas esquema, host e porta, como https://app.example.org.',
  },
  not_a_picture: { en: 'The file is neither PNG nor SVG.', 'pt-BR': 'O arquivo não é PNG nem SVG.' },
  damaged: { en: 'The PNG is damaged.', 'pt-BR': 'O PNG está danificado.' },
  followed_by_data: {
    en: 'The file has data after the end of the picture. Export it again.',
    'pt-BR': 'O arquivo tem dados depois do fim da imagem. Exporte-o de novo.',
  },
  too_many_pixels: {
    en: 'The picture is larger than {limit} × {limit} pixels.',
    'pt-BR': 'A imagem passa de {limit} × {limit} pixels.',
  },
  too_many_bytes: { en: 'The file is larger than {limit} KiB.', 'pt-BR': 'O arquivo passa de {limit} KiB.' },
  malformed: {
    en: 'The SVG is not well-formed XML in UTF-8.',
    'pt-BR': 'O SVG não é XML bem formado em UTF-8.',
  },
  entities: {
    en: 'The SVG declares entities. Save it without a document type.',
    'pt-BR': 'O SVG declara entidades. Salve-o sem tipo de documento.',
  },
  too_complex: {
    en: 'The SVG has too many elements. Simplify it, or use a PNG.',
    'pt-BR': 'O SVG tem elementos demais. Simplifique-o, ou use um PNG.',
  },
  setting: { en: 'This setting {message}.', 'pt-BR': 'Esta configuração {message}.' },
  invalid: { en: 'This value is not accepted here.', 'pt-BR': 'Este valor não é aceito aqui.' },
} as const satisfies Record<string, Record<Locale, string>>
export type FaultCode = keyof typeof faults
export const faultCodes = Object.keys(faults) as FaultCode[]

export function fault(path: string, code: FaultCode, locale: Locale, params: FieldFault['params'] = {}): Fault {
  const text: string = faults[code][locale]
  const textOf = (name: string): string =>
    code === 'setting' && name === 'message' ? settingFault(params[name] ?? '', locale) : (params[name] ?? '')
  return { path, code, detail: text.replace(/\{(\w+)\}/g, (_, name: string) => textOf(name)) }
}

/** The errors a schema found in `value`, in the reader's language: one for each field, and at most fifty. */
export function readFaults(error: z.ZodError, value: unknown, locale: Locale): readonly Fault[] {
  const first = new Map<string, Fault>()
  for (const issue of error.issues) {
    for (const found of readIssue(issue, value, locale, [])) if (!first.has(found.path)) first.set(found.path, found)
  }
  return [...first.values()].slice(0, 50)
}

type Issue = z.core.$ZodIssue

function readIssue(issue: Issue, value: unknown, locale: Locale, above: readonly PropertyKey[]): readonly Fault[] {
  const keys = [...above, ...issue.path]
  const path = keys.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => fault([...keys, key].map(String).join('.'), 'unknown_field', locale))
  }
  if (issue.code === 'invalid_union') {
    // Report the alternative with the fewest errors: most likely it was the intended one.
    const [nearest] = [...issue.errors].sort((a, b) => a.length - b.length)
    return nearest
      ? nearest.flatMap((inner) => readIssue(inner, value, locale, keys))
      : [fault(path, 'invalid', locale)]
  }
  if (valueAt(value, keys) === undefined) return [fault(path, 'required', locale)]
  switch (issue.code) {
    case 'invalid_type':
      return [fault(path, 'wrong_type', locale, { expected: issue.expected })]
    case 'too_small':
    case 'too_big': {
      const counted = issue.origin === 'string' || issue.origin === 'array' || issue.origin === 'set'
      const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum)
      const small = issue.code === 'too_small'
      return [
        fault(path, counted ? (small ? 'too_short' : 'too_long') : small ? 'too_small' : 'too_large', locale, {
          limit,
        }),
      ]
    }
    case 'invalid_format':
      return [fault(path, 'invalid_format', locale)]
    case 'invalid_value':
      return [fault(path, 'invalid_value', locale, { allowed: issue.values.map(String).join(', ') })]
    case 'custom': {
      const { fault: code = 'invalid' } = (issue.params ?? {}) as { fault?: FaultCode }
      return [fault(path, code, locale)]
    }
    default:
      return [fault(path, 'invalid', locale)]
  }
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<PropertyKey, unknown>)[key]
  }
  return at
}

export const invalidRequest = fail('invalid_request').error

/** The error of a handler for input that its schema accepted, naming the field. */
export const faulty = (path: string, code: FaultCode) => ({ ...fail('invalid_request'), faults: [{ path, code }] })

/** Why a password was refused, for the field it was entered in; empty for any other error. */
export function passwordFaults(path: string, { code, params, extra }: AppError): readonly FieldFault[] {
  if (code !== 'password_rejected') return []
  const reason = String(extra?.reason) as FaultCode
  const limits: Readonly<Record<string, string | undefined>> = params
  const limit = reason === 'too_short' ? limits.least : limits.most
  return [{ path, code: reason, params: { limit: limit ?? '' } }]
}

/** The same if any one of several fields would be enough. */
export const oneRequired = (...paths: readonly string[]) => ({
  ...fail('invalid_request'),
  faults: paths.map((path) => ({ path, code: 'one_required', params: { allowed: paths.join(', ') } }) as const),
})

/** Whether a value matches no alternative of a discriminated union. */
export const isUnmatched = ({ issues }: z.ZodError): boolean =>
  issues.some((issue) => issue.code === 'invalid_union' && issue.discriminator !== undefined)
