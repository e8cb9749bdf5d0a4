/**
 * Preloaded into the service, with a file in its URL (`?to=`). It writes the URL of each package that the service's own
 * code imports to that file, one per line. It registers itself as the hook, and is loaded once more on the hooks
 * thread.
 */
import { appendFileSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

type Context = { readonly parentURL?: string }
type Resolved = { readonly url: string }

const to = new URL(import.meta.url).searchParams.get('to') ?? ''
if (isMainThread) register(import.meta.url)

export async function resolve(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context)
  const ours = context.parentURL !== undefined && !context.parentURL.includes('/node_modules/')
  if (ours && resolved.url.includes('/node_modules/')) appendFileSync(to, `${resolved.url}\n`)
  return resolved
}
