import { createOutbound } from '../providers/calls/outbound.ts'
import { createClientKeys } from './client-keys.ts'
import { createProofs } from './proofs.ts'
import { createRequests, limitRequests } from './requests.ts'

type ClientProofsParts = Omit<Parameters<typeof createProofs>[0], 'keys' | 'audiences'> & {
  readonly proxy: Parameters<typeof createOutbound>[0]
  readonly reach: Parameters<typeof createRequests>[0]['reach']
  readonly issuer: string
  readonly tokenEndpoint: URL
}

/** Calls to URLs of applications, the keys that are found there, and what is verified with them. */
export function createClientProofs({ proxy, reach, issuer, tokenEndpoint, ...parts }: ClientProofsParts) {
  const requests = createRequests({ outbound: createOutbound(proxy), reach })
  const clientKeys = createClientKeys({ ...limitRequests(requests), clock: parts.clock })
  // Older clients name the token endpoint as the audience of their assertions.
  const proofs = createProofs({ ...parts, keys: clientKeys, audiences: [issuer, tokenEndpoint.href] })
  return { requests, clientKeys, proofs }
}
