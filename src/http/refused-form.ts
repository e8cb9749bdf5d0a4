/**
 * A form that is refused is shown again, on its page, with what was typed and why it was refused. No form declares this:
 * it follows from where the form is.
 */
import { rowOf } from '../errors/catalogue.ts'
import type { BoundRoute, FormPage, Frame } from './frame.ts'
import type { Incoming } from './incoming.ts'
import { isRecent } from './principal.ts'
import type { Refusal } from './refusal.ts'
import type { Page } from './reply.ts'
import type { Responder } from './responder.ts'
import type { Input, Route } from './route.ts'

/** The areas whose pages answer to every error of their forms. A sign-in that failed has its own pages. */
const ownAreas = /^\/(account|admin)(\/|$)/

/**
 * The page of a form: the one it names, or the nearest one above its path. `/account/passkeys/:id/remove` is on
 * `/account/passkeys`. People who have to sign in again before the form is accepted return there.
 */
export function formPageOf<D>(
  { method, path, surface, shownOn, fromAnotherSite }: Route<D>,
  pageAt: (path: string) => BoundRoute<D> | undefined,
): FormPage<D> | undefined {
  if (method !== 'post' || surface !== 'browser' || fromAnotherSite) return undefined
  const own = path.split('/').slice(1)
  for (let length = own.length; length > 0; length--) {
    const candidate = shownOn ?? `/${own.slice(0, length).join('/')}`
    const page = pageAt(candidate)
    if (page?.route.surface === 'browser' && page.route.tag === 'Pages') {
      const segments = candidate.split('/').slice(1)
      return { page, segments: segments.map((part) => segmentOf(part, own)) }
    }
    if (shownOn !== undefined) throw new Error(`${path} is shown on ${shownOn}, which is not a page`)
  }
  return undefined
}

/** A parameter of the page is one of the form's path, or a field of the form. */
function segmentOf(part: string, own: readonly string[]): FormPage<unknown>['segments'][number] {
  if (!part.startsWith(':')) return part
  return own.includes(part) ? own.indexOf(part) : { field: part.slice(1) }
}

/**
 * The page that shows a refused form again; `undefined` if the error needs a page of its own. Reads the page as the
 * person who sent the form: what the form could not show before, it does not show now.
 */
export async function refusedOn<D>(
  frame: Frame,
  { formPage }: BoundRoute<D>,
  incoming: Incoming,
  responder: Responder,
  { error, faults = [] }: Refusal,
  vinculum: D,
): Promise<Page | undefined> {
  const { typed, who } = incoming
  if (formPage === undefined || typed === undefined || !responder.showsPages) return undefined
  const { status } = rowOf(error.code)
  const isFixable = faults.length > 0 || ownAreas.test(incoming.request.path)
  if (!isFixable || ![400, 404, 409, 413, 422].includes(status)) return undefined
  const { route } = formPage.page
  if (route.scope !== undefined && !who?.scopes.includes(route.scope)) return undefined
  if (route.auth === 'recent' && !(who && isRecent(who, frame.clock(), frame.recentAuthSeconds))) return undefined
  if (route.auth === 'user' && !who) return undefined
  if (formPage.segments.some((part) => typeof part === 'object')) {
    const params = route.params?.safeParse({ ...paramsIn(formPage, typed), ...(incoming.params as object | undefined) })
    if (!params?.success) return undefined
    incoming.params = params.data
  }
  // Where to go after a sign-in, and the ticket of an emailed link, are in hidden fields of the form.
  const query = route.query?.safeParse(typed)
  incoming.query = query?.success ? query.data : route.query?.safeParse({}).data
  const shown = await route.handle(incoming as unknown as Input<never, never, never, 'user'>, vinculum)
  return shown.ok && shown.value.kind === 'page' ? shown.value : undefined
}

/** The parameters of the page that are fields of the form. */
const paramsIn = <D>({ segments }: FormPage<D>, typed: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(segments.flatMap((part) => (typeof part === 'object' ? [[part.field, typed[part.field]]] : [])))
