/**
 * Jira Cloud through Atlassian's gateway: the sites that a consent covers, and the queues of their service desks. This
 * file only makes the requests. Callers decide whose connection to use and how to handle a refusal.
 *
 * https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
 * https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/
 */

import { isIP } from 'node:net'
import { z } from 'zod'
import { parseUrl } from '../kernel/parse-url.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import type { Guard } from './calls/guard.ts'
import { isRecord, readText } from './profile-text.ts'
import { readScopes } from './scopes.ts'

/** A site that the consent covers, one for each cloud ID. */
export type FoundSite = {
  readonly cloudId: string
  readonly name: string
  /** https, with the host in lower case and no path. */
  readonly url: string
  readonly scopes: readonly string[]
}
export type Desk = { readonly id: string; readonly key: string; readonly name: string }
export type Queue = { readonly id: string; readonly name: string; readonly issueCount: number }
/** `more`: the list was cut off. */
export type PartialList<T> = { readonly values: readonly T[]; readonly more: boolean }

/** Why Jira did not return a result. */
export type JiraFailure =
  /** The token is invalid. A new one may work. */
  | { readonly tag: 'token_refused' }
  /** No token of this consent will work: the user has to grant these scopes. */
  | { readonly tag: 'scope_missing'; readonly scopes: readonly string[] }
  /** The user who consented may not see it. Service desks require an agent's license. */
  | { readonly tag: 'forbidden' }
  /** It does not exist, or the user who consented cannot see it. */
  | { readonly tag: 'gone' }
  /** Too many requests; `retryAfter` in seconds. */
  | { readonly tag: 'rate_limited'; readonly retryAfter: number }
  | { readonly tag: 'unavailable'; readonly retryAfter: number; readonly reason: string }

/**
 * One request to Jira, which may need several calls. `may` is called before each one and returns whether the budget
 * allows it.
 */
export type JiraRequest = { readonly accessToken: string; readonly canCall?: () => boolean }

type JiraCloudParts = { readonly guard: Guard; readonly resourcesUrl: string; readonly apiUrl: string }

/** More sites than a person would choose from, and more pages of 50 than a person would read. */
const mostSites = 200
const mostPages = 4
const pageSize = 50

/** From the API reference. The guides name both, and we request both. */
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
      refusal: jiraRefusalOf,
    })
    if (!answer.ok) return err(failureOf(answer.error, scopes))
    return ok(schema.parse(answer.value.json))
  }

  /** Reads page by page. A page can be shorter than the limit without being the last. */
  async function list<T>(
    cloudId: string,
    path: string,
    { accessToken, canCall: may = () => true }: JiraRequest,
    schema: z.ZodType<{ size: number; isLastPage: boolean; values: T[] }>,
    scopes: readonly string[],
  ): Promise<Result<PartialList<T>, JiraFailure>> {
    const values: T[] = []
    for (let start = 0, pages = 0; pages < mostPages && may(); pages += 1) {
      const url = `${apiUrl}/ex/jira/${encodeURIComponent(cloudId)}${path}${path.includes('?') ? '&' : '?'}start=${start}&limit=${pageSize}`
      const answer = await ask(url, accessToken, schema, scopes, cloudId)
      if (!answer.ok) return answer
      const { size, isLastPage, values: found } = answer.value
      values.push(...found)
      // An empty page that is not the last would repeat forever.
      if (isLastPage || size === 0) return ok({ values, more: false })
      start += size
    }
    return ok({ values, more: true })
  }

  const desks = '/rest/servicedeskapi/servicedesk'

  return {
    /**
     * The sites that this token reaches. Elements that are not Jira sites, or that we cannot show, are omitted. Faulty
     * ones are reported. An invalid list is a failure, never an empty list: the caller would otherwise remove every
     * site.
     */
    async sites({ accessToken }: JiraRequest): Promise<Result<readonly FoundSite[], JiraFailure>> {
      const answer = await ask(resourcesUrl, accessToken, z.array(z.unknown()), [])
      if (!answer.ok) return answer
      const read = answer.value.map(readSite)
      for (const reason of new Set(read.flatMap((one) => (typeof one === 'string' ? [one] : []))))
        guard.report('api', { kind: 'garbage', reason })
      return ok(mergeSites(read.filter((one) => typeof one === 'object' && one !== null)).slice(0, mostSites))
    },

    /** The service desks of a site. */
    async desks(cloudId: string, asking: JiraRequest): Promise<Result<PartialList<Desk>, JiraFailure>> {
      const found = await list(cloudId, desks, asking, deskPage, deskScopes)
      if (!found.ok) return found
      const values = found.value.values.map((desk) => ({ id: desk.id, key: desk.projectKey, name: desk.projectName }))
      return ok({ ...found.value, values })
    },

    /** The queues of a desk, with the number of issues in each. */
    queues: (cloudId: string, deskId: string, asking: JiraRequest): Promise<Result<PartialList<Queue>, JiraFailure>> =>
      list(cloudId, `${desks}/${encodeURIComponent(deskId)}/queue?includeCount=true`, asking, queuePage, queueScopes),
  }
}
export type JiraCloud = ReturnType<typeof createJiraCloud>

/**
 * The gateway sends 401 both for an invalid token and for a missing scope. Only the message distinguishes them.
 * Renewing the token because of a missing scope would repeat forever.
 */
export function jiraRefusalOf(status: number, json: unknown): string | null {
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
 * The URL of a site, safe to show as a link: https, host in lower case, no path. Returns `null` for another scheme, a
 * port, credentials, an IP address or a host name without a dot.
 */
export function normaliseSiteUrl(text: string): string | null {
  const url = text.length <= 2048 ? parseUrl(text) : undefined
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '') return null
  const host = url.hostname.replace(/\.$/, '')
  // A domain name ends in letters. A host that ends in a number is an IP address (WHATWG URL, "ends in a number").
  if (isIP(host) !== 0 || host.startsWith('[') || !/^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(host)) return null
  return `https://${host}`
}

/** Reads an element of the list, or returns why it is invalid. `null` means that it belongs to another product. */
function readSite(element: unknown): FoundSite | 'site_shape' | 'site_url' | null {
  const read = siteElement.safeParse(element)
  if (!read.success) return 'site_shape'
  const { id: cloudId, scopes } = read.data
  // A site is listed once for each product on it. Only the scopes show which product.
  if (!scopes.some((scope) => /jira|servicedesk/.test(scope))) return null
  const url = normaliseSiteUrl(read.data.url)
  if (url === null) return 'site_url'
  return { cloudId, name: readText(read.data.name) ?? new URL(url).hostname, url, scopes }
}

/** Merges entries with the same cloud ID, with the scopes of all its products. */
function mergeSites(elements: readonly FoundSite[]): readonly FoundSite[] {
  const sites = new Map<string, { first: FoundSite; scopes: string[][] }>()
  for (const element of elements) {
    const known = sites.get(element.cloudId)
    if (known) known.scopes.push([...element.scopes])
    else sites.set(element.cloudId, { first: element, scopes: [[...element.scopes]] })
  }
  return [...sites.values()].map(({ first, scopes }) => ({ ...first, scopes: readScopes(scopes.flat()).sort() }))
}
