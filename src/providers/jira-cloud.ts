/**
 * Jira Cloud over Atlassian's gateway: which sites a consent reaches, and the queues of their service desks. Only the
 * wire is here; whose connection it is, and what becomes of a refusal, is for others to say.
 *
 * https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
 * https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import type { Guard } from './calls/guard.ts'
import { isRecord, readText } from './profile-text.ts'
import { readScopes } from './scopes.ts'

/** A site as the consent reaches it; one for each cloud id. */
export type FoundSite = {
  readonly cloudId: string
  readonly name: string
  /** https, host in lower case, no path. */
  readonly url: string
  readonly scopes: readonly string[]
}
export type Desk = { readonly id: string; readonly key: string; readonly name: string }
export type Queue = { readonly id: string; readonly name: string; readonly issueCount: number }
/** `more`: there is more than is read. */
export type Listed<T> = { readonly values: readonly T[]; readonly more: boolean }

/** Why Jira gave no answer. */
export type JiraFailure =
  /** The token is dead: another one may do. */
  | { readonly tag: 'token_refused' }
  /** Another token of this consent will not do: the person has to grant these. */
  | { readonly tag: 'scope_missing'; readonly scopes: readonly string[] }
  /** Whoever consented may not see it; for service desks it takes an agent's licence. */
  | { readonly tag: 'forbidden' }
  /** Missing, or invisible to whoever consented. */
  | { readonly tag: 'gone' }
  /** Asked too often; `retryAfter` in seconds. */
  | { readonly tag: 'rate_limited'; readonly retryAfter: number }
  | { readonly tag: 'unavailable'; readonly retryAfter: number; readonly reason: string }

/** One question of many: `may` is asked before each call, and says whether there is still one to spend. */
export type Asking = { readonly accessToken: string; readonly may?: () => boolean }

type JiraCloudParts = { readonly guard: Guard; readonly resourcesUrl: string; readonly apiUrl: string }

/** More sites than anybody chooses among, and pages of fifty than anybody reads. */
const mostSites = 200
const mostPages = 4
const pageSize = 50

/** By the reference; guides name both, and we ask for both. */
const deskScopes = ['read:servicedesk-request']
const queueScopes = ['read:jira-work', 'read:servicedesk-request']

const id = z.string().regex(/^[\w-]{1,64}$/)
const siteElement = z.object({ id, name: z.string(), url: z.string(), scopes: z.array(z.string()) })
const page = <T extends z.ZodType>(value: T) =>
  z.object({ size: z.number().int().min(0), isLastPage: z.boolean(), values: z.array(value).max(pageSize * 4) })
const name = z.string().transform((text) => readText(text) ?? '?')
const deskPage = page(z.object({ id, projectKey: name, projectName: name }))
const queuePage = page(z.object({ id, name, issueCount: z.number().int().min(0) }))

export function createJiraCloud({ guard, resourcesUrl, apiUrl }: JiraCloudParts) {
  async function ask<S extends z.ZodType>(
    url: string,
    accessToken: string,
    schema: S,
    scopes: readonly string[],
    cloudId?: string,
  ): Promise<Result<z.output<S>, JiraFailure>> {
    const answer = await guard.call({
      endpoint: 'api',
      ...(cloudId === undefined ? {} : { site: cloudId }),
      method: 'GET',
      url,
      headers: { Authorization: `Bearer ${accessToken}` },
      fault: (json) => (schema.safeParse(json).success ? null : 'wrong_shape'),
      refusal: sortRefusal,
    })
    if (!answer.ok) return err(failureOf(answer.error, scopes))
    return ok(schema.parse(answer.value.json))
  }

  /** Page by page: one may be shorter than its limit without being the last. */
  async function list<T>(
    cloudId: string,
    path: string,
    { accessToken, may = () => true }: Asking,
    schema: z.ZodType<{ size: number; isLastPage: boolean; values: T[] }>,
    scopes: readonly string[],
  ): Promise<Result<Listed<T>, JiraFailure>> {
    const values: T[] = []
    for (let start = 0, pages = 0; pages < mostPages && may(); pages += 1) {
      const url = `${apiUrl}/ex/jira/${encodeURIComponent(cloudId)}${path}${path.includes('?') ? '&' : '?'}start=${start}&limit=${pageSize}`
      const answer = await ask(url, accessToken, schema, scopes, cloudId)
      if (!answer.ok) return answer
      const { size, isLastPage, values: found } = answer.value
      values.push(...found)
      // An empty page that is not the last would be asked for again and again.
      if (isLastPage || size === 0) return ok({ values, more: false })
      start += size
    }
    return ok({ values, more: true })
  }

  const desks = '/rest/servicedeskapi/servicedesk'

  return {
    /**
     * The sites this token reaches. An element that is none of a Jira site, or none we would show, is left out and said so;
     * a list that is no list is a failure, never an empty one: whoever takes it for one would take away everybody's sites.
     */
    async sites({ accessToken }: Asking): Promise<Result<readonly FoundSite[], JiraFailure>> {
      const answer = await ask(resourcesUrl, accessToken, z.array(z.unknown()), [])
      if (!answer.ok) return answer
      const read = answer.value.map(readSite)
      for (const reason of new Set(read.flatMap((one) => (typeof one === 'string' ? [one] : []))))
        guard.report('api', { kind: 'garbage', reason })
      return ok(joined(read.filter((one) => typeof one === 'object' && one !== null)).slice(0, mostSites))
    },

    /** The service desks of a site. */
    async desks(cloudId: string, asking: Asking): Promise<Result<Listed<Desk>, JiraFailure>> {
      const found = await list(cloudId, desks, asking, deskPage, deskScopes)
      if (!found.ok) return found
      const values = found.value.values.map((desk) => ({ id: desk.id, key: desk.projectKey, name: desk.projectName }))
      return ok({ ...found.value, values })
    },

    /** The queues of a desk, with how many issues are in each. */
    queues: (cloudId: string, deskId: string, asking: Asking): Promise<Result<Listed<Queue>, JiraFailure>> =>
      list(cloudId, `${desks}/${encodeURIComponent(deskId)}/queue?includeCount=true`, asking, queuePage, queueScopes),
  }
}
export type JiraCloud = ReturnType<typeof createJiraCloud>

/**
 * The gateway says 401 for a dead token and for a missing scope alike, and only its text tells them apart: renewing a
 * token over a missing scope would go on for ever.
 */
export function sortRefusal(status: number, json: unknown): string | null {
  if (status !== 401) return null
  const message = isRecord(json) ? json.message : undefined
  return typeof message === 'string' && /scope does not match/i.test(message) ? 'scope_missing' : 'token_refused'
}

const defaultWaitSeconds = 5

function failureOf(failure: Failure, scopes: readonly string[]): JiraFailure {
  if (failure.kind === 'unavailable') {
    const { retryAfter = defaultWaitSeconds, reason } = failure
    return failure.limited ? { tag: 'rate_limited', retryAfter } : { tag: 'unavailable', retryAfter, reason }
  }
  if (failure.kind === 'garbage') return { tag: 'unavailable', retryAfter: defaultWaitSeconds, reason: failure.reason }
  if (failure.code === 'scope_missing') return { tag: 'scope_missing', scopes }
  if (failure.status === 401) return { tag: 'token_refused' }
  if (failure.status === 403) return { tag: 'forbidden' }
  if (failure.status === 404 || failure.status === 410) return { tag: 'gone' }
  return { tag: 'unavailable', retryAfter: defaultWaitSeconds, reason: failure.reason }
}

/**
 * Where a site is, fit to be shown as a link: https, its host in lower case, and nothing after it. `null` for what is no
 * such address: another scheme, a port, a name and password before the host, or a bare number or machine for one.
 */
export function normaliseSiteUrl(text: string): string | null {
  const url = text.length <= 2048 && URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '') return null
  const host = url.hostname.replace(/\.$/, '')
  // A name ends in letters: what ends in digits is an address, whatever way it is written (WHATWG URL, "ends in a number").
  if (isIP(host) !== 0 || host.startsWith('[') || !/^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(host)) return null
  return `https://${host}`
}

/** An element of the list, or why it is none; `null`: it is another product's. */
function readSite(element: unknown): FoundSite | 'site_shape' | 'site_url' | null {
  const read = siteElement.safeParse(element)
  if (!read.success) return 'site_shape'
  const { id: cloudId, scopes } = read.data
  // A site is listed once for each product on it, and only its scopes say which.
  if (!scopes.some((scope) => /jira|servicedesk/.test(scope))) return null
  const url = normaliseSiteUrl(read.data.url)
  if (url === null) return 'site_url'
  return { cloudId, name: readText(read.data.name) ?? new URL(url).hostname, url, scopes }
}

/** One for each cloud id, with all that any product of it grants. */
function joined(elements: readonly FoundSite[]): readonly FoundSite[] {
  const sites = new Map<string, { first: FoundSite; scopes: string[][] }>()
  for (const element of elements) {
    const known = sites.get(element.cloudId)
    if (known) known.scopes.push([...element.scopes])
    else sites.set(element.cloudId, { first: element, scopes: [[...element.scopes]] })
  }
  return [...sites.values()].map(({ first, scopes }) => ({ ...first, scopes: readScopes(scopes.flat()).sort() }))
}
