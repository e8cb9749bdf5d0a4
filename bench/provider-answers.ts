/**
 * The responses of the local provider. A code contains the user and the PKCE challenge, so nothing is stored. A service
 * without the right verifier gets nothing.
 */
import { createHash, randomBytes } from 'node:crypto'

const lifetimeSeconds = 3600

/** `undefined` if the verifier does not match. */
export function tokenAnswer(form: URLSearchParams): object | undefined {
  const { subject, code_challenge } = JSON.parse(Buffer.from(form.get('code') ?? '', 'base64url').toString())
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (challenge !== code_challenge) return undefined
  const fresh = (): string => `${subject}.${randomBytes(24).toString('base64url')}`
  return {
    access_token: fresh(),
    refresh_token: fresh(),
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    scope: 'profile',
  }
}

export function userinfoAnswer(authorization: string): object {
  const id = authorization.slice('Bearer '.length).split('.', 1)[0]
  return { id, email: `${id}@example.com`, email_verified: true, name: `Person ${id}` }
}
