/**
 * Wraps Passport: returns values instead of calling back, and needs no Express request.
 *
 * Strategies are looked up by name on purpose. Given an instance, Passport stores each request's callbacks on that
 * shared object. With two overlapping callbacks, the second would receive the first person's tokens.
 */
import { Passport } from 'passport'
import type OAuth2Strategy from 'passport-oauth2'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type Failure, failureOf } from '../calls/failure.ts'
import type { Profile, TokenSet } from '../provider.ts'
import { type AuthenticateOptions, nodeOAuth, type RoundTrip } from './strategy.ts'

export function createHandshake() {
  const passport = new Passport()
  const strategies = new Map<string, OAuth2Strategy>()
  type AuthenticateCallback = (error: unknown, user?: unknown, info?: unknown) => void

  const authenticate = (
    id: string,
    trip: RoundTrip,
    asked: object,
    response: object,
    callback: AuthenticateCallback,
  ): void => passport.authenticate(id, asked, callback)(trip as never, response as never, callback)

  return {
    /** Registers a strategy or replaces one. Callbacks in progress keep the strategy they started with. */
    use(id: string, strategy: OAuth2Strategy): void {
      strategies.set(id, strategy)
      passport.use(id, strategy)
    },

    /** Removes a strategy that no callback needs any longer. */
    drop(id: string): void {
      strategies.delete(id)
      passport.unuse(id)
    },

    /** Creates the authorization request. */
    begin: (id: string, asked: AuthenticateOptions): Promise<{ url: URL; state: string; verifier: string }> =>
      new Promise((resolve, reject) => {
        const trip: RoundTrip = { query: {} }
        const response = {
          setHeader(name: string, value: string) {
            if (name === 'Location' && trip.request) resolve({ url: new URL(value), ...trip.request })
          },
          end() {},
        }
        authenticate(id, trip, asked, response, (error) => reject(error ?? new Error('Passport did not redirect')))
      }),

    /** Exchanges the code for tokens. Never pass `error` to Passport: it would handle it before it checks the state. */
    finish: (
      id: string,
      { code, state, verifier, redirectUri }: { code: string; state: string; verifier: string; redirectUri: string },
    ): Promise<Result<TokenSet, Failure>> =>
      new Promise((resolve) => {
        const trip: RoundTrip = { query: { code, state }, verifier }
        const options = { session: false, callbackURL: redirectUri }
        // With an empty code Passport would start a new authorization. The redirect would be lost, so it is returned as
        // a failure.
        const response = { setHeader: () => resolve(err({ kind: 'garbage', reason: 'no_code' })), end() {} }
        authenticate(id, trip, options, response, (error, user) =>
          resolve(user ? ok(user as TokenSet) : err(failureOf(error))),
        )
      }),

    /** Fetches the user's profile, in the format of the strategy. */
    profile: (id: string, accessToken: string): Promise<Result<Profile, Failure>> =>
      new Promise((resolve, reject) => {
        const strategy = strategies.get(id)
        if (!strategy) return reject(new Error(`no strategy called ${id}`))
        strategy.userProfile(accessToken, (error: unknown, profile?: Profile) =>
          resolve(profile ? ok(profile) : err(failureOf(error))),
        )
      }),

    /**
     * Exchanges a refresh token. It uses node-oauth's own call, so that client authentication and transport are the
     * same.
     */
    refresh: (id: string, refreshToken: string): Promise<Result<Record<string, unknown>, Failure>> =>
      new Promise((resolve, reject) => {
        const strategy = strategies.get(id)
        if (!strategy) return reject(new Error(`no strategy called ${id}`))
        nodeOAuth(strategy).getOAuthAccessToken(
          refreshToken,
          { grant_type: 'refresh_token' },
          (error, access_token, refresh_token, results) =>
            resolve(error ? err(failureOf(error)) : ok({ ...results, access_token, refresh_token })),
        )
      }),
  }
}
