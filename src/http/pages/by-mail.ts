import { z } from 'zod'
import { secretText } from '../schemas/fields.ts'

/**
 * What letters lead to. A link is only looked at when it is followed: mail scanners follow links too, so it takes a
 * button to use it up.
 */
const common = { tag: 'Pages', surface: 'browser', auth: 'public' } as const
export const asking = { ...common, method: 'get', limit: 'browse' } as const
export const doing = { ...common, method: 'post', limit: 'sign_in', status: 303, also: ['page'] } as const

/** Another site may add to an address what it likes. */
export const ticketed = z.looseObject({ ticket: secretText.optional() })
