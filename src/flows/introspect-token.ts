import type { Applications } from '../applications/applications.ts'
import { type ApplicationSessions, checkSignIn } from '../applications/sessions.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Tokens } from '../sessions/tokens.ts'

/** The response of RFC 7662 §2.2. An inactive token is reported as inactive, without anything else. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true
      readonly sub: string
      readonly sid?: string
      readonly scope: string
      readonly client_id: string
      /** Only access tokens have one. A caller that checks for `bearer` must not accept a refresh token. */
      readonly token_type?: 'bearer' | 'DPoP'
      /** The key that the token is bound to (RFC 9449 §6.2). */
      readonly cnf?: { readonly jkt: string }
      readonly token_use: 'access_token' | 'refresh_token'
      readonly exp: number
      readonly iat: number
      readonly iss: string
      readonly aud: string
      readonly amr?: readonly string[]
      readonly auth_time?: number
    }

type IntrospectTokenParts = {
  devices: Devices
  applicationSessions: Pick<ApplicationSessions, 'find' | 'noteUse'>
  applications: Pick<Applications, 'find'>
  tokens: Tokens
  clock: Clock
  issuer: string
  audience: string
}

/**
 * Whether a token is active at this moment, and whose it is. The response comes from the session's row, not from the
 * token: a device that was signed out or a role that was removed a moment ago already counts. The generation of a valid
 * token counts as used: a back end that introspects it received it from the client, so the response with that token was
 * not lost.
 */
export function introspectToken(parts: IntrospectTokenParts) {
  const { devices, applicationSessions, applications, tokens, clock, issuer, audience } = parts

  /** The token of an application that acts for itself, while the application may still have it. */
  const ofMachine = async (token: string): Promise<Introspection | undefined> => {
    const claims = await tokens.readOfMachine(token)
    if (!claims) return undefined
    const { applicationId, audience: aud, scope, dpopKey, issuedAt: iat, expiresAt: exp } = claims
    const application = await applications.find(applicationId)
    if (!application?.resources.includes(aud)) return { active: false }
    return {
      active: true,
      sub: applicationId,
      client_id: applicationId,
      scope,
      token_type: dpopKey === null ? 'bearer' : 'DPoP',
      token_use: 'access_token',
      ...(dpopKey === null ? {} : { cnf: { jkt: dpopKey } }),
      exp,
      iat,
      iss: issuer,
      aud,
    }
  }

  /** The token of a registered application, for whichever resource it is. */
  const ofApplication = async (token: string): Promise<Introspection | undefined> => {
    for (const type of ['access', 'refresh'] as const) {
      const claims = await tokens.readOfApplication(token, type)
      if (!claims.ok) continue
      const { application, sid, sub, generation, expiresAt, issuedAt } = claims.value
      const { id, audience: aud, dpopKey } = application
      const found = checkSignIn(await applicationSessions.find(application.session), clock())
      if (!found.ok || (type === 'refresh' && generation !== found.value.generation)) return { active: false }
      // An administrator may have withdrawn the API from the application. Its other tokens need no further read.
      if (type === 'access' && aud !== audience && !(await applications.find(id))?.resources.includes(aud))
        return { active: false }
      await applicationSessions.noteUse(found.value, generation)
      return {
        active: true,
        sub,
        sid,
        scope: type === 'access' ? application.scope : found.value.scope,
        client_id: id,
        ...(type === 'access'
          ? {
              token_type: dpopKey === null ? ('bearer' as const) : ('DPoP' as const),
              token_use: 'access_token' as const,
            }
          : { token_use: 'refresh_token' as const }),
        ...(dpopKey === null ? {} : { cnf: { jkt: dpopKey } }),
        exp: epochSeconds(expiresAt),
        iat: epochSeconds(issuedAt),
        iss: issuer,
        aud,
        amr: found.value.amr,
        auth_time: epochSeconds(found.value.authTime),
      }
    }
    return undefined
  }

  return async (token: string): Promise<Introspection> => {
    const application = (await ofApplication(token)) ?? (await ofMachine(token))
    if (application) return application
    for (const type of ['access', 'refresh'] as const) {
      const claims = await tokens.read(token, type)
      if (!claims.ok) continue
      const { sid, sub, generation, expiresAt, issuedAt } = claims.value
      const session = await devices.find(sid)
      const now = clock()
      if (!session || session.accountId !== sub) break
      if (session.endedAt || session.account.disabledAt) break
      if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt) break
      // A replaced refresh token may still be accepted for a while, but its client should not hold it.
      if (type === 'refresh' && generation !== session.generation) break
      await devices.noteUse(session, generation, now)
      return {
        active: true,
        sub,
        sid,
        scope: session.scope,
        client_id: audience,
        ...(type === 'access'
          ? { token_type: 'bearer' as const, token_use: 'access_token' as const }
          : { token_use: 'refresh_token' as const }),
        exp: epochSeconds(expiresAt),
        iat: epochSeconds(issuedAt),
        iss: issuer,
        aud: audience,
        amr: session.amr,
        auth_time: epochSeconds(session.authTime),
      }
    }
    return { active: false }
  }
}
