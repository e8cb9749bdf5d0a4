import { domainToASCII } from 'node:url'

/** An e-mail address as we keep it: as it is shown, and as it is compared. */
export type Email = { readonly address: string; readonly key: string }

const shape = /^[^\s@"(),:;<>[\\\]\p{Cc}]{1,64}@[^\s@]{1,253}$/u

/**
 * Reads an address: NFC, domain as lower-case A-labels (RFC 5891), compared without regard to case.
 * Dots and `+tags` are kept: only Gmail folds them, and folding elsewhere joins strangers.
 * Answers `undefined` for what is no address.
 */
export function readEmail(text: string): Email | undefined {
  const normal = text.trim().normalize('NFC')
  if (!shape.test(normal)) return undefined
  const at = normal.lastIndexOf('@')
  const domain = domainToASCII(normal.slice(at + 1)).toLowerCase()
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) return undefined
  const address = `${normal.slice(0, at)}@${domain}`
  return { address, key: address.toLowerCase() }
}

/** An address its owner recognises and a stranger does not: `a•••@example.com`. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@')
  return `${[...address.slice(0, at)][0] ?? ''}•••${address.slice(at)}`
}
