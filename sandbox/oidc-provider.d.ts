/**
 * The part of oidc-provider 9 that the sandbox uses. The package contains no types.
 * https://github.com/panva/node-oidc-provider/blob/main/docs/README.md
 */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Interaction {
    readonly params: Readonly<Record<string, string | undefined>>
    readonly prompt: { readonly name: string }
  }
  export interface Grant {
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }
  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    readonly Grant: new (fields: {
      accountId: string
      clientId: string
    }) => Grant
    readonly Client: { prototype: { redirectUriAllowed(uri: string): boolean } }
    silent: boolean
    callback(): (req: IncomingMessage, res: ServerResponse) => unknown
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<Interaction>
    interactionResult(
      req: IncomingMessage,
      res: ServerResponse,
      result: Record<string, unknown>,
      options?: { mergeWithLastSubmission?: boolean },
    ): Promise<string>
  }
}
