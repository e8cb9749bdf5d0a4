/**
 * Vinculum as an OpenID provider, for the routes of `http/`: plain values in, plain values out. The engine is loaded
 * when the first application needs it; without one it costs nothing.
 */
import { ownResources, paths } from '../applications/metadata.ts'
import type { Application } from '../applications/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { EngineResponse } from './call.ts'
import { createDeviceRequests } from './device-requests.ts'
import { createEngineHost } from './engine-host.ts'
import { createInteractions } from './interactions.ts'
import type { Proofs } from './proofs.ts'
import { createViews } from './views.ts'

/** The fields of a form that authenticate an application. */
const credentialFields: ReadonlySet<string> = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

type Own = 'own' | 'views' | 'engine' | 'secondsUntil' | 'allowedOf'
type OpenidParts = Omit<Parameters<typeof createViews>[0], Own> &
  Omit<Parameters<typeof createEngineHost>[0], Own> &
  Omit<Parameters<typeof createInteractions>[0], Own> &
  Omit<Parameters<typeof createDeviceRequests>[0], Own> & {
    readonly proofs: Pick<Proofs, 'verifyDpop'>
  }

export function createOpenid(given: OpenidParts) {
  const { publicUrl, nonces, proofs } = given
  const parts = { ...given, own: ownResources(publicUrl) }
  const views = createViews(parts)
  const { engine, ask, cookieOf, secondsUntil } = createEngineHost({ ...parts, views })
  const shared = { ...parts, ...views, engine, secondsUntil }
  const nonce = (): string | null => nonces?.current() ?? null

  return {
    ...createInteractions(shared),
    ...createDeviceRequests(shared),

    /** An authorization request (RFC 6749 §4.1.1), for the browser of this session. */
    async authorize(query: string, sessionId: string | null, origin: Origin): Promise<EngineResponse> {
      await engine()
      return ask({ method: 'GET', path: `${paths.authorize}?${query}`, headers: cookieOf(sessionId, null) }, origin)
    },

    /** Continues an authorization request after a person did what was needed. */
    async resume(uid: string, sessionId: string | null, origin: Origin): Promise<EngineResponse> {
      await engine()
      const path = `${paths.authorize}/${encodeURIComponent(uid)}`
      return ask({ method: 'GET', path, headers: cookieOf(sessionId, uid) }, origin)
    },

    /**
     * Redeems a code, or pushes an authorization request: what an application sends as a form. The caller has
     * authenticated it: for the engine, every application is a public client.
     */
    async post(
      path: typeof paths.token | typeof paths.par | typeof paths.device,
      application: Application,
      fields: readonly (readonly [name: string, value: string])[],
      dpop: string | undefined,
      origin: Origin,
    ): Promise<EngineResponse> {
      const form = new URLSearchParams(fields.filter(([name]) => !credentialFields.has(name)).map((each) => [...each]))
      form.set('client_id', application.id)
      return ask(
        { method: 'POST', path, form: form.toString(), ...(dpop === undefined ? {} : { headers: { dpop } }) },
        origin,
      )
    },

    /** The key of the proof that came with a token request; `null` without one (RFC 9449 §5). */
    async keyOf(
      proof: string | undefined,
    ): Promise<Result<string | null, AppError<'dpop_proof_invalid' | 'dpop_nonce_invalid'>>> {
      if (proof === undefined) return ok(null)
      const url = new URL(paths.token, publicUrl).href
      const shown = await proofs.verifyDpop(proof, { method: 'POST', url, accessToken: null })
      if (shown === undefined) return fail('dpop_proof_invalid')
      return shown.tag === 'proven'
        ? ok(shown.key)
        : fail('dpop_nonce_invalid', undefined, { extra: { nonce: nonce() } })
    },

    /** The nonce that DPoP proofs should have now; `null` if they need none. */
    nonce,
  }
}
export type Openid = ReturnType<typeof createOpenid>
