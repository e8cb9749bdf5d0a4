import assert from 'node:assert/strict'

/** The parts of every step: requests, and printing the response. */

export const base = `http://localhost:${process.env.PORT || 3000}`
export const sandbox = `http://127.0.0.1:${process.env.SANDBOX_PORT || 4400}`

/** The sample app and the sample API of the demo. */
export const sampleApp = `http://localhost:${process.env.SAMPLE_APP_PORT || 5173}`
export const sampleApi = `http://localhost:${process.env.SAMPLE_API_PORT || 5174}`

export type Json = Record<string, unknown> & { [name: string]: never }
export type Answer = { readonly status: number; readonly body: Json; readonly headers: Headers }
type RequestOptions = {
  readonly body?: object
  readonly form?: Readonly<Record<string, string>>
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An API client: JSON in and out, or a form as `curl -d` sends it. */
export async function api(
  method: string,
  path: string,
  { body, form, token, headers }: RequestOptions = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      accept: 'application/json',
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : form ? { body: new URLSearchParams(form) } : {}),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: (text === '' ? {} : JSON.parse(text)) as Json,
    headers: response.headers,
  }
}

/** Sends a command to the sandbox. */
export async function control(path: string, body: object): Promise<void> {
  const response = await fetch(`${sandbox}/_sandbox${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.ok(response.ok, `the sandbox rejected ${path}: ${await response.text()}`)
}

export const print = (text: string): void => void process.stdout.write(`${text}\n`)

const secret = /^(state|secret|uri|code|recovery_code)$|_(token|ticket)$/
const cut = (text: string): string => `${text.slice(0, Math.min(8, text.length / 3))}…`
export const short = (value: unknown): string =>
  JSON.stringify(value, (name, inner: unknown) => {
    if (name === 'recovery_codes' && Array.isArray(inner)) return inner.map((code) => cut(String(code)))
    // Problems have a `code` too, which is not a secret.
    const hidden = typeof inner === 'string' && secret.test(name) && !(name === 'code' && /^[a-z_]+$/.test(inner))
    return hidden ? cut(inner) : inner
  })

let taken = 0
/** The number of steps so far. */
export const steps = (): number => taken

export async function step(title: string, work: () => Promise<unknown>): Promise<void> {
  taken++
  try {
    const shown = await work()
    print(`${String(taken).padStart(2)}. ${title}`)
    if (shown !== undefined) print(`      ${short(shown)}`)
  } catch (error) {
    print(`${String(taken).padStart(2)}. FAILED: ${title}`)
    throw error
  }
}
