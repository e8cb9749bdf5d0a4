import { type AppError, fail } from '../errors/catalogue.ts'
import { type Sealer, sha256, UnopenableError } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { ArriveFromProvider, Callback } from './arrive-from-provider.ts'

/** The form that a provider's page sends. Any field may be missing or forged. */
export type CallbackForm = Pick<Callback, 'code' | 'state' | 'error' | 'iss'> & { readonly user?: string | undefined }

/** The parameters of the callback that the browser is redirected to. */
export type CallbackAddress = { readonly state?: string; readonly posted?: string }

type PostedCallbackParts = {
  readonly providers: Providers
  readonly sealer: Sealer
  /** The draft that its author is trying: it is not among the providers yet. */
  readonly draftOf: ArriveFromProvider['draftOf']
}

type Posted = Pick<Callback, 'code' | 'error' | 'iss' | 'name'>

/**
 * The callback of providers that return the browser with a form (OAuth 2.0 Form Post Response Mode; Apple).
 *
 * The form comes from another site, so the browser sends it without our `SameSite=Lax` cookies, and nothing binds it to
 * the browser that started. It is therefore not processed. Its fields are sealed and the browser is redirected to the
 * ordinary callback with them. That request is a top-level GET, which carries the cookies (RFC 6265bis, “Lax”
 * enforcement; httpwg/http-extensions#773). The alternative, cookies with `SameSite=None`, would remove a defense from
 * every provider.
 *
 * They are sealed because the code and the user's name must not appear in a URL, where proxies log them. The sealed text
 * is bound to the provider and the state. Like a plain code, it works once, with the cookie of that round trip.
 */
export function postedCallback({ providers, sealer, draftOf }: PostedCallbackParts) {
  const place = (provider: Provider, state: string): string => `callbacks/${provider.id}/${sha256(state)}`

  return {
    /** Where to redirect the browser. Nothing is claimed or stored, so sending the form again does no harm. */
    async seal(
      providerId: string,
      { state, user, ...form }: CallbackForm,
    ): Promise<Result<CallbackAddress, AppError<'provider_not_found' | 'unsupported_media_type'>>> {
      const provider = providers.get(providerId) ?? (await draftOf(providerId, { state }))
      if (!provider) return fail('provider_not_found', { provider: providerId.slice(0, 40) })
      const { formPost } = provider
      if (!formPost) return fail('unsupported_media_type', { accepted: 'application/json' })
      if (state === undefined) return ok({})
      const name = user === undefined ? null : formPost.nameOf(user)
      const posted: Posted = name === null ? form : { ...form, name }
      return ok({ state, posted: sealer.seal(JSON.stringify(posted), place(provider, state)) })
    },

    /** The callback with the fields of its form. Of one that was changed on the way, only the state is left. */
    open(provider: Provider, { posted, ...callback }: Callback): Callback {
      if (posted === undefined) return callback
      const { state } = callback
      if (state === undefined) return {}
      try {
        return { ...(JSON.parse(sealer.open(posted, place(provider, state))) as Posted), state }
      } catch (error) {
        if (error instanceof UnopenableError) return { state }
        throw error
      }
    },
  }
}
export type PostedCallback = ReturnType<typeof postedCallback>
