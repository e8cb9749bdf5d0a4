import { createClients } from './applications/clients.ts'
import { paths } from './applications/metadata.ts'
import type { CompleteConfig } from './config.ts'
import type { Foundation } from './foundation.ts'
import { networkOf } from './http/limits.ts'
import { createClientProofs } from './openid/client-proofs.ts'
import { deliverLogoutToken } from './openid/deliver.ts'
import { createMetadataDocuments } from './openid/metadata-documents.ts'
import { createNonces } from './openid/nonces.ts'
import { createOpenid } from './openid/openid.ts'
import { limitRequests } from './openid/requests.ts'
import { createSectorDocuments } from './openid/sector-documents.ts'

type ClientsParts = Parameters<typeof createClients>[0]
type OpenidParts = Parameters<typeof createOpenid>[0]

type OpenidProviderParts = Pick<ClientsParts, 'throttle' | 'subjectKey' | 'prepareRs256'> & {
  readonly nonceKey: Buffer
  readonly config: CompleteConfig
  readonly foundation: Foundation
  readonly logoutToken: (notice: Parameters<ClientsParts['deliver']>[1]) => Promise<string>
}

/**
 * Wires what signs people in to applications. Sessions need the clients, and the protocol engine needs sessions and
 * flows, so `createEngine` is called when these exist.
 */
export function createOpenidProvider({ config, foundation, nonceKey, logoutToken, ...parts }: OpenidProviderParts) {
  const { base, log, store: stored } = foundation
  const { publicUrl, tokens: lifetimes } = config
  const nonces = config.dpopNonces ? createNonces({ key: nonceKey, clock: base.clock }) : null
  const { requests, clientKeys, proofs } = createClientProofs({
    ...base,
    nonces,
    states: stored.openidStates,
    proxy: config.proxy,
    reach: config.applicationReach,
    issuer: lifetimes.issuer,
    tokenEndpoint: new URL(paths.token, publicUrl),
  })
  const clients = createClients({
    ...base,
    ...parts,
    stored,
    mode: config.registration,
    isOn: config.metadataDocuments,
    openResources: config.openResources,
    own: { publicUrl, audience: lifetimes.audience },
    read: createMetadataDocuments(limitRequests(requests)),
    networkOf,
    verifyAssertion: proofs.verifyAssertion,
    sectorDocument: createSectorDocuments(limitRequests(requests)),
    record: stored.audit.record,
    refreshTtlSeconds: lifetimes.refreshTtlSeconds,
    deliver: async (uri, notice) => deliverLogoutToken(requests, uri, await logoutToken(notice)),
  })

  return {
    ...clients,
    /**
     * The thumbprint of the key that a DPoP proof shows, or the nonce that it lacks; `undefined` if the proof is invalid.
     */
    async dpopKey(...proof: Parameters<typeof proofs.verifyDpop>) {
      const shown = await proofs.verifyDpop(...proof)
      return shown?.tag === 'proven' ? shown.key : shown && nonces ? { nonce: nonces.current() } : undefined
    },
    createEngine: (needed: Pick<OpenidParts, 'tokens' | 'devices' | 'claims'>) =>
      createOpenid({
        ...base,
        ...lifetimes,
        ...clients,
        ...needed,
        publicUrl,
        proofs,
        nonces,
        clientKeys,
        onWarning: (text) => log.warn(`OpenID engine: ${text}`),
        states: stored.openidStates,
        consents: stored.consents,
      }),
    /** Ends the calls to applications. */
    close: requests.close,
  }
}
