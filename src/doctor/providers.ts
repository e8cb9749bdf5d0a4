import type { Config } from '../config.ts'
import { createBus } from '../events/bus.ts'
import type { Random } from '../kernel/ids.ts'
import type { Failure } from '../providers/calls/failure.ts'
import type { ClientVerdict, Examination } from '../providers/examine.ts'
import type { Endpoints, ProviderSettings } from '../providers/provider.ts'
import { createProviders } from '../providers/providers.ts'
import { addressSettingOf, credentialSettingsOf, prefix, settingsOf } from '../providers/settings.ts'
import { type Check, type Finding, failed, passed, warning } from './check.ts'

/** How long one call may take here, in milliseconds, even if the settings allow more. */
const callMs = 5000

type ProviderCheckParts = { readonly config: Config; readonly now: () => Date; readonly random: Random }

export function providerCheck(settings: ProviderSettings, { config, now, random }: ProviderCheckParts): Check {
  const name = `provider.${settings.id}`
  return {
    name,
    slow: `Check that this machine reaches ${settings.name}.`,
    async run(report) {
      report(passed(`${name}.redirect_uris`, redirectText(settings)))
      const providers = createProviders({
        settings: [
          { ...settings, breaker: { ...settings.breaker, timeoutMs: Math.min(settings.breaker.timeoutMs, callMs) } },
        ],
        events: createBus(now),
        clock: now,
        random,
        production: config.production,
        proxy: config.proxy,
        userInfoTtlSeconds: config.oauth.userInfoTtlSeconds,
      })
      try {
        const provider = providers.get(settings.id)
        if (!provider) throw new Error('the provider was not built')
        for (const finding of findingsOf(settings, await providers.examine(provider))) report(finding)
      } finally {
        await providers.close()
      }
    },
  }
}

const redirectText = ({ name, redirectUris }: ProviderSettings): string =>
  `Register exactly these redirect URIs with ${name}: ${Object.values(redirectUris).join(' and ')}`

/** Interprets an examination: one line about discovery, if it is used, and one about the client. */
export function findingsOf(settings: ProviderSettings, examination: Examination): readonly Finding[] {
  const { discovers, endpoints, client } = examination
  return [
    ...(discovers ? [discoveryFinding(settings, endpoints)] : []),
    ...(endpoints.ok && client ? [clientFinding(settings, endpoints.value, client)] : []),
  ]
}

/** Client authentication methods as discovery documents name them. */
const methodNames = { basic: 'client_secret_basic', post: 'client_secret_post', none: 'none' } as const

function discoveryFinding(settings: ProviderSettings, endpoints: Examination['endpoints']): Finding {
  const { id, tokenAuth } = settings
  const name = `provider.${id}.discovery`
  if (!endpoints.ok) return failed(name, ...discoveryFault(settings, endpoints.error))
  const { token, clientAuth, offeredAuth } = endpoints.value
  const method = methodNames[clientAuth]
  const origin = new URL(token).origin
  if (tokenAuth !== undefined && offeredAuth !== undefined && !offeredAuth.includes(method))
    return warning(
      name,
      `The discovery document is valid, but does not offer ${method}, which ${prefix(id)}TOKEN_AUTH sets.`,
      `Remove ${prefix(id)}TOKEN_AUTH, or ask the provider which method your client may use.`,
    )
  return passed(
    name,
    `The discovery document is valid and names the issuer as configured; token endpoint at ${origin}, ${method}.`,
  )
}

/** The URL of an OpenID provider's discovery document, without its query. */
const documentOf = ({ issuer = '', discoveryUrl }: ProviderSettings): string =>
  (discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`).replace(/[?#].*$/, '')

function discoveryFault(settings: ProviderSettings, failure: Failure): readonly [found: string, remedy: string] {
  const at = documentOf(settings)
  const p = prefix(settings.id)
  const address = `${p}${addressSettingOf(settings.kind) ?? 'ISSUER'}`
  const document = 'DISCOVERY_URL' in settingsOf(settings.kind) ? `${p}DISCOVERY_URL` : address
  const reachable = `Check ${address}${settings.discoveryUrl && document !== address ? ` and ${document}` : ''}, and that this machine reaches the host (DNS, firewall, HTTPS_PROXY).`
  if (failure.kind === 'unavailable') return [`No discovery document at ${at} (${failure.reason}).`, reachable]
  if (failure.kind === 'refused') return [`${at} answered with status ${failure.status}.`, `Check ${address}.`]
  if (failure.issuer) {
    const { received, configured } = failure.issuer
    const isIssuer = address === `${p}ISSUER`
    return [
      `The discovery document names the issuer ${received}, but ${address} ${isIssuer ? 'is' : 'stands for'} ${configured}.`,
      isIssuer
        ? `Set ${address} to exactly what the document says, if that is your provider.`
        : `Check ${address}, and whether your provider uses another address, such as a custom domain.`,
    ]
  }
  const remedies: Readonly<Record<string, readonly [string, string]>> = {
    missing_endpoint: [
      'has no usable authorization, token or JWKS endpoint',
      `Check ${address}; endpoints must be https.`,
    ],
    unsafe_endpoint: ['names a userinfo endpoint that is not https', 'Ask the provider to correct it.'],
    token_auth_unsupported: [
      'offers neither client_secret_basic nor client_secret_post',
      `If one of them works anyway, set ${p}TOKEN_AUTH.`,
    ],
    redirect: ['redirects to another URL', `Set ${[...new Set([address, document])].join(' or ')} to that URL.`],
  }
  const [what, remedy] = remedies[failure.reason] ?? [`cannot be read (${failure.reason})`, `Check ${address}.`]
  return [`The discovery document at ${at} ${what}.`, remedy]
}

const reaches = 'this machine reaches the host (DNS, firewall, HTTPS_PROXY)'
const tested = 'Tested with a made-up code:'

function clientFinding(settings: ProviderSettings, { token, clientAuth }: Endpoints, verdict: ClientVerdict): Finding {
  const { id, kind, redirectUris } = settings
  const addressSetting = addressSettingOf(settings.kind)

  const [name, p] = [`provider.${id}.client`, prefix(id)]
  const credentials = new Intl.ListFormat('en').format(credentialSettingsOf(kind).map((setting) => p + setting))
  const origin = new URL(token).origin
  const method = methodNames[clientAuth]
  switch (verdict.tag) {
    case 'accepted':
      return passed(
        name,
        `${tested} ${origin} rejected the code (${verdict.code}) but accepted the client (${method}).`,
      )
    case 'rejected':
      return failed(
        name,
        `${tested} ${origin} rejected the client (${verdict.code}, ${method}).`,
        clientAuth === 'none'
          ? `Check ${p}CLIENT_ID, and that it is registered as a public client.`
          : `Check ${credentials}, which may have expired, and that the client may use the authorization code grant${'TOKEN_AUTH' in settingsOf(kind) ? `; try the other ${p}TOKEN_AUTH` : ''}.`,
      )
    case 'wrong_redirect_uri':
      return failed(
        name,
        `${tested} ${origin} does not know our redirect URI (${verdict.code}).`,
        `Register ${redirectUris.default} there.`,
      )
    case 'unanswered':
      return failed(
        name,
        verdict.failure.kind === 'unavailable'
          ? `The token endpoint at ${origin} does not respond (${verdict.failure.reason}).`
          : `The response from ${origin} is not from a token endpoint (${verdict.failure.reason}).`,
        // The endpoints of built-in providers are rarely changed.
        addressSetting !== null
          ? `Check ${p}${addressSetting}, and that ${reaches}.`
          : `Check that ${reaches}, and ${p}TOKEN_URL, if it is set.`,
      )
    case 'unclear':
      return warning(
        name,
        `${tested} ${origin} answered ${verdict.code ?? 'without an error code'}, which does not show whether the client is accepted.`,
        'Sign in once to test it.',
      )
  }
}
