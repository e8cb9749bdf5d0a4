import OAuth2Strategy from 'passport-oauth2'
import { CallFailure } from '../calls/failure.ts'
import { JWT_TYPE } from '../calls/guard.ts'
import { isRecord } from '../profile-text.ts'
import type { Profile } from '../provider.ts'
import type { StrategyParts, Verify } from './strategy-parts.ts'

/** The default strategy: OAuth 2.0, and one GET for the profile. */
export class UserinfoStrategy extends OAuth2Strategy {
  readonly userinfoUrl: string | null

  constructor({ options, endpoints }: StrategyParts, verify: Verify) {
    super(options, verify)
    this.userinfoUrl = endpoints.userinfo
  }

  /** The URL of the profile with this token, for a provider that needs parameters there. */
  protected urlFor(userinfo: string, _accessToken: string): string {
    return userinfo
  }

  override userProfile(accessToken: string, done: (error?: unknown, profile?: Profile) => void): void {
    if (this.userinfoUrl === null) {
      done(new CallFailure({ kind: 'garbage', reason: 'no_userinfo' }))
      return
    }
    this._oauth2.get(this.urlFor(this.userinfoUrl, accessToken), accessToken, (error, body, response) => {
      if (error) return done(error)
      if (isJwt(response)) return done(null, { id: '', _json: {}, jwt: String(body) })
      const json: unknown = JSON.parse(String(body))
      if (!isRecord(json)) return done(new CallFailure({ kind: 'garbage', reason: 'wrong_shape' }))
      done(null, { id: '', _json: json })
    })
  }
}

/** The response as `replaceTransport` describes it. */
const isJwt = (response: unknown): boolean => isRecord(response) && response.type === JWT_TYPE
