/**
 * The responses of the local provider. A code contains the user and the PKCE challenge, so nothing is stored. A service
 * without the right verifier gets nothing.
 */
import { createHash, randomBytes } from 'node:crypto'

const lifetimeSeconds = 3600

const readCode = (code: string): { readonly subject?: string; readonly code_challenge?: string } => {
  try {
    return JSON.parse(Buffer.from(code, 'base64url').toString())
  } catch {
    return {}
  }
}

/** `undefined` if the verifier does not match, or if the code is not one: `doctor` tests the client with such a code. */
export function tokenAnswer(form: URLSearchParams): object | undefined {
  const { subject, code_challenge } = readCode(form.get('code') ?? '')
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
