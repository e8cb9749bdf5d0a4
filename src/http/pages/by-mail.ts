import { z } from 'zod'
import { secretText } from '../schemas/fields.ts'

/**
 * The pages that email messages link to. Opening a link does not use it up, because mail scanners open links too: a
 * button on the page does.
 */
export const asking = { method: 'get', tag: 'Pages', surface: 'browser', auth: 'public', limit: 'browse' } as const

/** The ticket of the link. Other parameters may be added on the way: they are ignored. */
export const ticketed = z.looseObject({ ticket: secretText.optional() })
