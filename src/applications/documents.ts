import type { Origin } from '../events/catalogue.ts'
import { whenBusy } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import { createSharedByKey } from '../kernel/shared.ts'
import type { Applications } from './applications.ts'
import { type ClientMetadata, readClientMetadata } from './client-metadata.ts'
import type { OpenResources } from './open-resources.ts'
import { isDocumentUrl, isStandardScope } from './policy.ts'
import type { Application, ApplicationStore } from './ports.ts'

/** How long a document is used before it is read again. All nodes share the time of the last reading. */
const freshSeconds = 600
/** How long it is used while its host does not answer. After that, nobody can sign in until it does. */
const staleSeconds = 86_400
/** How many applications may have a document: lists contain all of them. */
const mostDocuments = 500
/** How many documents are read for one network within `windowSeconds`: anyone can send an authorization request. */
const mostReadings = 60
const windowSeconds = 3600
/** How long a node does not try a document again that it could not read: each try can take seconds. */
const coolDownSeconds = 30
/** How many failures are remembered. The oldest one makes room. */
const mostFailures = 500

type DocumentsParts = {
  /** Whether such applications may sign people in. */
  isOn: boolean
  openResources: OpenResources
  /** No application may have an ID at our own origin, or that of our own API as a client. */
  own: { readonly publicUrl: URL; readonly audience: string }
  applications: Pick<Applications, 'prepare'>
  store: Pick<ApplicationStore, 'find' | 'putDocument'>
  /** Reads the document at a URL; `undefined` if there is none that names this URL as its `client_id`. */
  read: (url: string) => Promise<ClientMetadata | undefined>
  hit: (key: string, windowMs: number, at: Date) => Promise<{ readonly hits: number }>
  networkOf: (ip: string) => string
  clock: Clock
}

/** Applications whose ID is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document). */
export function createDocuments(parts: DocumentsParts) {
  const { isOn, openResources, own, applications, store, read, hit, networkOf, clock } = parts

  const readOnce = createSharedByKey<void>()
  const failures = new Map<string, Date>()

  const isOwn = (url: string): boolean => url === own.audience || parseUrl(url)?.origin === own.publicUrl.origin

  /** Whether the document of an application, if it has one, may still be used. */
  const isCurrent = ({ source, documentReadAt }: Application): boolean =>
    source !== 'document' || (isOn && documentReadAt !== null && clock() < secondsAfter(documentReadAt, staleSeconds))

  /** Reads the document, and stores the application that it describes. */
  async function refresh(url: string, origin: Origin): Promise<Application | undefined> {
    const metadata = await read(url)
    if (!metadata) return undefined
    const described = { ...metadata, sector_identifier_uri: null }
    const given = readClientMetadata(described, openResources)
    if (!given.ok) return undefined
    const documentHash = documentHashOf(described)
    const prepared = await applications.prepare(given.value, { by: null, source: 'document', own: { id: url } })
    if (!prepared.ok) return undefined
    return store.putDocument({ ...prepared.value.application, documentHash, documentReadAt: clock() }, mostDocuments, [
      { name: 'application.document_read', accountId: null, origin, data: { application: url } },
    ])
  }

  async function attempt(url: string, origin: Origin): Promise<void> {
    const network = origin.ip === null ? 'unknown' : networkOf(origin.ip)
    const { hits } = await hit(`documents:${network}`, windowSeconds * 1000, clock())
    if (hits > mostReadings) return
    const application = await refresh(url, origin)
    failures.delete(url)
    if (application) return
    const [oldest] = failures.keys()
    if (failures.size >= mostFailures && oldest !== undefined) failures.delete(oldest)
    failures.set(url, clock())
  }

  return {
    /**
     * Prepares the application of an authorization request, if its ID is the URL of a document: reads the document,
     * unless it was read a short time ago. Concurrent requests share one reading. Whether there is such an application
     * then is for `find` to say. Throws a `BusyError` if its document cannot be read now and no earlier one may be used.
     */
    async prepare(id: string, origin: Origin): Promise<void> {
      if (!isOn || !isDocumentUrl(id) || isOwn(id)) return
      const now = clock()
      const known = await store.find(id)
      const readAt = known?.documentReadAt ?? null
      if (readAt !== null && now < secondsAfter(readAt, freshSeconds)) return
      const failedAt = failures.get(id)
      const isCoolingDown = failedAt !== undefined && now < secondsAfter(failedAt, coolDownSeconds)
      if (isCoolingDown || (known && known.disabledAt !== null)) return
      const reading = readOnce(id, () => attempt(id, origin))
      await (known && isCurrent(known) ? reading.catch(whenBusy(undefined)) : reading)
    },
    isCurrent,
  }
}
export type Documents = ReturnType<typeof createDocuments>

/**
 * What people agree to, as a SHA-256: what the document says, with the scopes of APIs that it names. The operator's
 * settings are not part of it: when they change, nobody is asked again. Nor is a member that an upgrade has added, while
 * it has its default: an upgrade must not void consents.
 */
export function documentHashOf(document: ClientMetadata): string {
  const said = readClientMetadata(document)
  const { idTokenAlgorithm = 'ES256', ...members } = said.ok ? said.value : {}
  const apiScopes = document.scope?.split(' ').filter((scope) => scope !== '' && !isStandardScope(scope)) ?? []
  return sha256(
    JSON.stringify({
      ...members,
      ...(idTokenAlgorithm === 'ES256' ? {} : { idTokenAlgorithm }),
      ...(apiScopes.length === 0 ? {} : { apiScopes: [...new Set(apiScopes)].sort() }),
    }),
  )
}
