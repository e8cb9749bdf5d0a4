/** The types of Passport that a definition of a provider uses. */
import type OAuth2Strategy from 'passport-oauth2'
import type { Endpoints } from '../provider.ts'

/** What a definition needs to build its Passport strategy. State, PKCE and transport are already set up. */
export type StrategyParts = {
  readonly options: OAuth2Strategy.StrategyOptions
  readonly endpoints: Endpoints
  readonly scopes: readonly string[]
}

/** It must have five parameters: passport-oauth2 counts them, and passes the token response only then. */
export type Verify = (
  accessToken: string,
  refreshToken: string | undefined,
  answer: object,
  profile: unknown,
  done: OAuth2Strategy.VerifyCallback,
) => void

export type Strategy = OAuth2Strategy
