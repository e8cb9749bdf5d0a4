import { interactionPolicy } from 'oidc-provider'
import { twoFactorClass } from '../applications/policy.ts'

/**
 * When a person must do something: the engine's own rules, and five of ours. `select_account` shows the sign-in page.
 * `acr_values` with two factors asks for a sign-in once, and the id_token says what was done. The person of an
 * `id_token_hint` is compared by the `sub` that this application knows. A native application needs no consent of its own:
 * whether it is first-party is the operator's decision, and a stored consent counts. A person agrees to each API by its
 * URL: the engine compares scopes alone, so an API for which no scope is asked would get a token that no page ever named.
 */
export function createPolicy(
  subject: (clientId: string, accountId: string) => Promise<string | undefined>,
  ownResources: readonly string[],
) {
  const { base, Check, Prompt } = interactionPolicy
  const prompts = base()
  prompts.add(new Prompt({ name: 'select_account', requestable: true }))
  prompts.get('login')?.checks.add(
    new Check('two_factor_requested', 'a sign-in with two factors was requested', 'login_required', ({ oidc }) => {
      const asked = oidc.params.acr_values?.split(' ').includes(twoFactorClass) === true
      return asked && oidc.session?.acr !== twoFactorClass && oidc.result?.login === undefined
    }),
  )
  prompts.get('login')?.checks.remove('id_token_hint')
  prompts.get('login')?.checks.add(
    new Check(
      'id_token_hint',
      'the id_token_hint is about someone else',
      'login_required',
      async ({ oidc: { entities, session, client } }) => {
        if (!entities.IdTokenHint) return false
        if (session?.accountId === undefined || !client) return true
        return entities.IdTokenHint.payload.sub !== (await subject(client.clientId, session.accountId))
      },
    ),
  )
  prompts.get('consent')?.checks.remove('native_client_prompt')
  prompts.get('consent')?.checks.add(
    new Check(
      'resources_missing',
      'requested resources not granted',
      'consent_required',
      ({ oidc: { resourceServers = {}, grant } }) => {
        const granted = [...ownResources, ...Object.keys(grant?.resources ?? {})]
        return !Object.keys(resourceServers).every((resource) => granted.includes(resource))
      },
    ),
  )
  return prompts
}
