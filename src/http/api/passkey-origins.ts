import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { fingerprintOf, type PasskeyOrigins } from '../../kernel/passkey-origins.ts'
import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'

/**
 * The documents by which devices learn which apps and sites may use the passkeys of this host. Each is a 404 while
 * `PASSKEY_ORIGINS` has nothing for it: an empty one would replace what a proxy in front may serve.
 */
const common = {
  method: 'get',
  tag: 'Passkeys in apps',
  surface: 'api',
  auth: 'none',
  limit: 'browse',
  shared: true,
} as const

/**
 * Passkeys need `get_login_creds`. Password managers such as Bitwarden also require `handle_all_urls`, as in Google's
 * guide to passkeys. It lets the app open links only if the app itself asks for that.
 */
const relations = ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds']

/** One statement per package, with all certificates that sign it (an upload key and Google Play's, for instance). */
function statementsOf({ android }: PasskeyOrigins) {
  const byPackage = new Map<string, Set<string>>()
  for (const app of android)
    if (app.packageName !== null)
      byPackage.set(app.packageName, (byPackage.get(app.packageName) ?? new Set()).add(fingerprintOf(app)))
  return [...byPackage].map(([packageName, fingerprints]) => ({
    relation: relations,
    target: {
      namespace: 'android_app' as const,
      package_name: packageName,
      sha256_cert_fingerprints: [...fingerprints],
    },
  }))
}

const assetLinks = route({
  ...common,
  path: '/.well-known/assetlinks.json',
  summary: 'List Android apps',
  description:
    'The Android apps that may use passkeys of this host (Digital Asset Links). Set PASSKEY_ORIGINS to add one.',
  example: {
    response: [
      {
        relation: ['delegate_permission/common.get_login_creds'],
        target: {
          namespace: 'android_app',
          package_name: 'org.example.app',
          sha256_cert_fingerprints: [
            '14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5',
          ],
        },
      },
    ],
  },
  reply: () =>
    z.array(
      z
        .object({
          relation: z.array(z.string()).describe('What the app may do'),
          target: z
            .object({
              namespace: z.literal('android_app').describe('The kind of target'),
              package_name: z.string().describe('The package name of the app'),
              sha256_cert_fingerprints: z.array(z.string()).describe('The certificates that sign the app'),
            })
            .describe('The app'),
        })
        .describe('A statement about one app'),
    ),
  fails: ['passkey_origins_not_configured'],
  handle(_, { settings: { passkeyOrigins } }: Services) {
    const statements = statementsOf(passkeyOrigins)
    return statements.length > 0 ? ok(json(statements)) : fail('passkey_origins_not_configured')
  },
})

const siteAssociation = route({
  ...common,
  path: '/.well-known/apple-app-site-association',
  summary: 'List Apple apps',
  description:
    'The iOS and macOS apps that may use passkeys of this host (associated domains). Set PASSKEY_ORIGINS to add one.',
  example: { response: { webcredentials: { apps: ['ABCDE12345.org.example.app'] } } },
  reply: () =>
    z
      .object({
        webcredentials: z
          .object({ apps: z.array(z.string()).describe('The app IDs, each with its team prefix') })
          .describe('The apps that may use credentials of this host'),
      })
      .describe('The associated domains of Apple'),
  fails: ['passkey_origins_not_configured'],
  handle: (_, { settings: { passkeyOrigins } }: Services) =>
    passkeyOrigins.apple.length > 0
      ? ok(json({ webcredentials: { apps: [...passkeyOrigins.apple] } }))
      : fail('passkey_origins_not_configured'),
})

const relatedOrigins = route({
  ...common,
  path: '/.well-known/webauthn',
  summary: 'List related web origins',
  description:
    'The other web origins that may use passkeys of this host (WebAuthn Level 3 §5.11). Set PASSKEY_ORIGINS to add one.',
  example: { response: { origins: ['https://app.example.org'] } },
  reply: () => z.object({ origins: z.array(z.string()).describe('The web origins') }).describe('The related origins'),
  fails: ['passkey_origins_not_configured'],
  handle: (_, { settings: { passkeyOrigins } }: Services) =>
    passkeyOrigins.web.length > 0
      ? ok(json({ origins: [...passkeyOrigins.web] }))
      : fail('passkey_origins_not_configured'),
})

export const passkeyOriginRoutes = [assetLinks, siteAssociation, relatedOrigins]
