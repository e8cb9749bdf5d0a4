/**
 * The part of oidc-provider 9 that the service and the sandbox use. The package contains no types.
 * https://github.com/panva/node-oidc-provider/blob/main/docs/README.md
 */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Interaction {
    readonly uid: string
    readonly iat: number
    readonly exp: number
    readonly returnTo: string
    readonly params: Readonly<Record<string, string | undefined>>
    readonly prompt: { readonly name: string; readonly reasons: readonly string[] }
    readonly lastSubmission?: Readonly<Record<string, unknown>>
    session?: { readonly uid?: string; readonly accountId?: string }
    result?: Record<string, unknown>
    save(ttl: number): Promise<string>
  }
  export interface Grant {
    /** The granted scopes of each granted resource, by its URL. */
    readonly resources?: Readonly<Record<string, string>>
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }
  export interface Session {
    readonly uid: string
    readonly accountId?: string
    readonly acr?: string
  }
  export interface Client {
    readonly clientId: string
    readonly applicationType: string
    /** Ours: whether its authorization requests need PKCE. */
    readonly requires_pkce?: boolean
    /** Ours: whether people are not asked for consent. */
    readonly first_party?: boolean
    grantTypeAllowed(type: string): boolean
  }
  /** An access or refresh token before it is issued. */
  export interface Token {
    readonly accountId: string
    readonly clientId: string
    readonly scope?: string
    readonly aud?: string
    /** The thumbprint of the key it is bound to (RFC 9449). */
    readonly jkt?: string
    expiresIn?: number
  }
  export interface AuthorizationCode extends Token {
    readonly kind: string
    /** The code itself. */
    readonly jti: string
    /** When it was issued, in seconds since 1970. */
    readonly iat: number
    readonly sessionUid: string
    readonly grantId: string
    readonly resource?: string | readonly string[]
    sid?: string
  }
  /** Ours: from where a device asked. */
  export type DeviceInfo = { readonly ip: string | null; readonly userAgent: string | null }
  /** The request of a device. What a person decides is written here, and read when the device asks again. */
  export interface DeviceCode {
    readonly clientId: string
    readonly params: Readonly<Record<string, string | readonly string[] | undefined>>
    readonly deviceInfo: DeviceInfo
    accountId?: string
    sessionUid?: string
    grantId?: string
    scope?: string
    resource?: string | readonly string[]
    authTime?: number
    amr?: readonly string[]
    acr?: string
    sid?: string
    error?: string
    errorDescription?: string
    save(): Promise<string>
  }
  export interface Context {
    readonly req: IncomingMessage
    readonly oidc: {
      readonly client?: Client
      readonly session?: Session
      readonly grant?: Grant
      /** The requested resources, by their URLs. */
      readonly resourceServers?: Readonly<Record<string, unknown>>
      readonly params: Record<string, string | undefined>
      /** The fields of a form. */
      readonly body?: Readonly<Record<string, unknown>>
      readonly result?: Readonly<Record<string, unknown>>
      readonly entities: {
        readonly AuthorizationCode?: AuthorizationCode
        readonly DeviceCode?: AuthorizationCode
        readonly IdTokenHint?: { readonly payload: { readonly sub?: string } }
        readonly PushedAuthorizationRequest?: { readonly request: string }
      }
    }
    readonly query: Readonly<Record<string, unknown>>
    body: unknown
    type: string
  }
  type CheckFunction = (context: Context) => boolean | Promise<boolean>
  export interface Prompt {
    readonly checks: {
      remove(reason: string): void
      add(check: object): void
    }
  }
  export const interactionPolicy: {
    base(): { get(name: string): Prompt | undefined; add(prompt: Prompt): void }
    readonly Check: {
      new (reason: string, description: string, check: CheckFunction): object
      /** `error`: what the application gets if no page may be shown. */
      new (reason: string, description: string, error: string, check: CheckFunction): object
    }
    readonly Prompt: new (of: { name: string; requestable: boolean }) => Prompt
  }
  export const errors: {
    readonly InvalidGrant: new (detail: string) => Error
    readonly InvalidTarget: new () => Error
  }
  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    /** The request that is being handled. */
    static readonly ctx: Context | undefined
    readonly Grant: {
      new (fields: { accountId: string; clientId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    readonly Client: {
      prototype: {
        redirectUriAllowed(uri: string): boolean
        responseModeAllowed(mode: string, type: string): boolean
        includeSid(): boolean
      }
    }
    readonly Session: {
      prototype: {
        sidFor(client: string): string
        grantIdFor(client: string): string
        resetIdentifier(): void
        past(maxAge: string): boolean
      }
    }
    readonly AuthorizationCode: { readonly prototype: object }
    readonly DeviceCode: {
      readonly prototype: object
      find(id: string, options: { ignoreExpiration: boolean }): Promise<DeviceCode | undefined>
      findByUserCode(code: string, options: { ignoreExpiration: boolean }): Promise<DeviceCode | undefined>
    }
    readonly Interaction: { find(uid: string): Promise<Interaction | undefined> }
    readonly IdToken: {
      prototype: {
        readonly available: { sub: string }
        readonly client: Client
        payload(): Promise<Record<string, unknown>>
        issue(): Promise<string>
      }
      validate(idToken: string, client: Client): Promise<{ readonly payload: { readonly sub: string } }>
    }
    readonly AccessToken: { prototype: { save(): Promise<string> } }
    /** `exp`: in seconds since 1970. */
    readonly ReplayDetection: { unique(of: string, id: string, exp: number): Promise<boolean> }
    readonly RefreshToken: { prototype: { save(): Promise<string> } }
    silent: boolean
    proxy: boolean
    on(event: 'server_error', listener: (context: Context, error: unknown) => void): void
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

/** Not documented. `engine.ts` checks what it replaces. */
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type Provider from 'oidc-provider'

  export default function internals(provider: Provider): {
    DPoPNonces?: { nextChallenge(): string; checkChallenge(nonce: string): boolean }
  }
}
