/** An application that signs people in through the measured service, and its sign-ins. */
import { createHash, randomBytes } from 'node:crypto'
import { createVisitor, nextOf } from '../demo/visitor.ts'
import { readConfig } from '../src/config.ts'
import { createVinculum } from '../src/vinculum.ts'
import { encryptionKey } from './processes.ts'

const application = 'app_bench'
const redirectUri = 'http://localhost:5173/'

/** Registers the application in this database. Returns its ID. */
export async function registerApplication(database: string): Promise<string> {
  const config = readConfig({ DATABASE_URL: database, ENCRYPTION_KEYS: encryptionKey, LOG_LEVEL: 'error' })
  const { encryptionKeys } = config
  if (!encryptionKeys) throw new Error('the encryption key of the bench was not read')
  const vinculum = await createVinculum({ ...config, encryptionKeys })
  try {
    const declared = {
      id: application,
      name: 'Bench',
      kind: 'browser',
      enabled: true,
      firstParty: true,
      redirectUris: [redirectUri],
    } as const
    const { applied } = await vinculum.applyApplications([declared], { dryRun: false })
    if (!applied) throw new Error('the application of the bench was not registered')
  } finally {
    await vinculum.close()
  }
  return application
}

/**
 * A browser in which a person has signed in with the provider of the bench. The code of the provider is computed: see
 * `provider.ts`.
 */
export async function openBrowser(base: string, person: number) {
  const browser = createVisitor()
  const begun = nextOf(await browser.ask(`${base}/auth/local`))
  const { state = '', code_challenge } = Object.fromEntries(begun?.searchParams ?? [])
  const code = Buffer.from(JSON.stringify({ subject: `person-${person}`, code_challenge })).toString('base64url')
  await browser.ask(`${base}/auth/local/callback?${new URLSearchParams({ code, state })}`)
  return browser
}

/** A person signs in in a browser of their own, and then to the application. Returns its first refresh token. */
export async function signInToApplication(port: number, person: number): Promise<string> {
  const base = `http://localhost:${port}`
  const browser = await openBrowser(base, person)

  const verifier = randomBytes(32).toString('base64url')
  const request = new URLSearchParams({
    client_id: application,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid email offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const visit = await browser.ask(`${base}/oauth/authorize?${request}`)
  const back = nextOf(visit)
  const returned = back?.searchParams.get('code')
  if (!returned) throw new Error(`no code for person ${person}: ${visit.status} ${back?.pathname}`)
  const answer = await fetch(`${base}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: application,
      redirect_uri: redirectUri,
      code: returned,
      code_verifier: verifier,
    }),
  })
  const tokens = (await answer.json()) as { refresh_token?: string }
  if (tokens.refresh_token === undefined) throw new Error(`no refresh token for person ${person}: ${answer.status}`)
  return tokens.refresh_token
}

/** The sign-ins of that many people, one after the other. */
export async function applicationTokens(port: number, people: number): Promise<string[]> {
  const tokens: string[] = []
  for (let person = 0; person < people; person++) tokens.push(await signInToApplication(port, person))
  return tokens
}
