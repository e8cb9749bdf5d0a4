import { z } from 'zod'
import { secretText } from '../schemas.ts'

/**
 * What letters lead to. A link is only looked at when it is followed: mail scanners follow links too, so it takes a
 * button to use it up.
 */
export const asking = { method: 'get', tag: 'Pages', surface: 'browser', auth: 'public', limit: 'browse' } as const

/** Another site may add to an address what it likes. */
export const ticketed = z.looseObject({ ticket: secretText.optional() })
