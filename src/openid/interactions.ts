/** What a person must do before an application gets its answer. */
import type { Applications } from '../applications/applications.ts'
import { paths } from '../applications/metadata.ts'
import { classOf, isAllowed, isStandardScope } from '../applications/policy.ts'
import type { Application, ConsentStore } from '../applications/ports.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import type { LiveSession } from '../sessions/ports.ts'
import type { EngineHost } from './engine-host.ts'
import type { Views } from './views.ts'

export type Interaction = {
  readonly uid: string
  /** The page it continues on when everything is done. */
  readonly continueAt: string
  readonly application: Application
  /** Where the browser returns to. */
  readonly redirectUri: string | null
  readonly loginHint: string | null
  /** The languages that the application asks for, separated by spaces. */
  readonly uiLocales: string | null
  readonly step:
    | {
        readonly tag: 'sign_in'
        /** The session that is not recent or strong enough: another one must replace it. `null`: any session will do. */
        readonly replaces: string | null
      }
    | {
        readonly tag: 'consent'
        readonly accountId: string
        readonly scopes: readonly string[]
        readonly resources: readonly string[]
      }
}

type InteractionsParts = Pick<EngineHost, 'engine' | 'secondsUntil'> &
  Pick<Views, 'allowedOf'> & {
    /** The URLs of our own API. */
    readonly own: readonly string[]
    readonly applications: Pick<Applications, 'any' | 'find'>
    readonly consents: Pick<ConsentStore, 'allow'>
    readonly clock: Clock
  }

export function createInteractions(parts: InteractionsParts) {
  const { engine, secondsUntil, allowedOf, own, applications, consents, clock } = parts
  const isOther = (resource: string): boolean => !own.includes(resource)

  /** The engine's interaction with its application. */
  const interactionOf = async (uid: string) => {
    // Without an application there is no request, and nothing to load the engine for.
    if (!(await applications.any())) return undefined
    const { provider } = await engine()
    const interaction = await provider.Interaction.find(uid)
    const application = interaction && (await applications.find(interaction.params.client_id ?? ''))
    return interaction && application ? { interaction, application } : undefined
  }

  type EngineInteraction = NonNullable<Awaited<ReturnType<typeof interactionOf>>>['interaction']
  /**
   * The engine compares the session of its first request with the present one. A person who signs in again gets another
   * session, so the first one is removed here. The browser is still the same: its cookie names this interaction.
   */
  const finish = async (interaction: EngineInteraction, result: Readonly<Record<string, unknown>>): Promise<string> => {
    delete interaction.session
    interaction.result = 'error' in result ? { ...result } : { ...interaction.lastSubmission, ...result }
    await interaction.save(Math.max(1, secondsUntil(interaction.exp)))
    return `${paths.authorize}/${interaction.uid}`
  }
  const read = async (uid: string): Promise<Interaction | undefined> => {
    const found = await interactionOf(uid)
    if (!found) return undefined
    const { interaction, application } = found
    const { prompt, params } = interaction
    const { login_hint: loginHint = null, ui_locales: uiLocales = null, redirect_uri: redirectUri = null } = params
    const base = { uid, continueAt: `${paths.authorize}/${uid}`, application, redirectUri, loginHint, uiLocales }
    if (prompt.name === 'consent') {
      const scopes = (params.scope ?? '').split(' ').filter((scope) => application.scopes.includes(scope))
      const asked = params.resource
      const resources = asked === undefined ? [] : [asked].flat().filter(isOther)
      const seen = resources.length > 0 ? scopes : scopes.filter(isStandardScope)
      return {
        ...base,
        step: { tag: 'consent', accountId: interaction.session?.accountId ?? '', scopes: seen, resources },
      }
    }
    const fresh = prompt.reasons.some((reason) => reason !== 'no_session')
    // Signing in again always starts another session, so no times need to be compared.
    return { ...base, step: { tag: 'sign_in', replaces: fresh ? (interaction.session?.uid ?? null) : null } }
  }

  return {
    /** What a person must do next; `undefined` if the request is unknown or has expired. */
    interaction: read,

    /** Records that the person of this session is signed in. Returns where to continue. */
    async signedIn(uid: string, session: LiveSession): Promise<string | undefined> {
      const found = await interactionOf(uid)
      if (!found) return undefined
      const { interaction } = found
      const acr = classOf(session.amr)
      return finish(interaction, {
        ...(interaction.prompt.name === 'select_account' ? { select_account: {} } : {}),
        login: {
          accountId: session.accountId,
          ts: epochSeconds(session.authTime),
          amr: [...session.amr],
          ...(acr === undefined ? {} : { acr }),
        },
      })
    },

    /** Records what the person allows the application to see. Returns where to continue. */
    async allow(uid: string, accountId: string, origin: Origin): Promise<string | undefined> {
      const found = await interactionOf(uid)
      const step = (await read(uid))?.step
      if (!found || step?.tag !== 'consent') return undefined
      const { interaction, application } = found
      const { scopes, resources } = step
      const { documentHash } = application
      if (!isAllowed({ scopes, resources }, await allowedOf(application, accountId)))
        await consents.allow({ accountId, applicationId: application.id, scopes, resources, documentHash }, clock(), [
          { name: 'application.consented', accountId, origin, data: { application: application.id } },
        ])
      return finish(interaction, { consent: { grantId: '' } })
    },

    /** Records that the person refused. The application gets `access_denied`. */
    async refuse(uid: string): Promise<string | undefined> {
      const found = await interactionOf(uid)
      return found && finish(found.interaction, { error: 'access_denied' })
    },
  }
}
