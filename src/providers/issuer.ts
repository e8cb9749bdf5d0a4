/**
 * Explains an issuer mismatch to the operator. Pure.
 *
 * Names must match exactly (OpenID Connect Discovery §4.3, Core §3.1.3.7): a looser comparison would let one provider
 * impersonate another. A missing or extra trailing slash is the most frequent cause, so the log mentions it.
 */
import type { IssuerMismatch } from './calls/failure.ts'
import { readText } from './profile-text.ts'

export function issuerMismatch(configured: string, received: unknown): IssuerMismatch {
  return { configured: shown(configured), received: shown(received), hint: hintFor(configured, received) }
}

function hintFor(configured: string, received: unknown): IssuerMismatch['hint'] {
  if (typeof received !== 'string') return 'none'
  if (received === `${configured}/`) return 'configured_without_trailing_slash'
  if (configured === `${received}/`) return 'configured_with_extra_trailing_slash'
  if (/\{tenantid\}/i.test(received)) return 'tenant_placeholder'
  const [here, there] = [configured.toLowerCase(), received.toLowerCase()]
  if (here === there) return 'letter_case'
  return here.replace(/^https?:/, '') === there.replace(/^https?:/, '') ? 'scheme' : 'none'
}

/**
 * An issuer has no query, fragment or credentials (Discovery §4.3), so none are logged. The provider may have sent a
 * token instead of an issuer, so tokens are not logged either.
 */
function shown(value: unknown): string {
  const text = readText(value)?.replace(/[?#].*$/u, '')
  if (text === undefined || text === '') return '(none)'
  if (/eyJ[\w-]{8}/.test(text)) return '(not an issuer)'
  return text.replace(/\/\/[^/@]*@/, '//')
}
