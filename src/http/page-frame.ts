import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Account } from '../kernel/account.ts'
import { type PageBrand, plainPageBrand } from './brand.ts'
import type { Fault } from './problem.ts'
import type { StaticFile } from './static.ts'

/** What every page knows about the request it answers, and what it needs from its response. */
export type PageFrame = {
  /** Who the service is for its users. */
  readonly brand: PageBrand
  /** The time of the response; `null` if times are shown as dates only. */
  readonly now: Date | null
  /** The path that was requested. */
  readonly path: string
  /** The page to show again in another language; `null` if showing it again would repeat an act or lose a secret. */
  readonly here: string | null
  /** Who is signed in. */
  readonly viewer: { readonly account: Account; readonly scopes: readonly string[] } | null
  /** The token of the forms in the frame. Reading it can set a cookie. */
  readonly csrfToken: () => string
  /** The form of this page that was just refused: then the page is the response to it. */
  readonly refusedForm: RefusedForm | null
  /** The script files that the components of the page need. The policy of the response follows from them. */
  readonly scripts: Set<StaticFile['path']>
}

/** A refused form: where it was sent, what was typed, and why it was refused. */
export type RefusedForm = {
  readonly action: string
  readonly typed: Readonly<Record<string, unknown>>
  readonly faults: readonly Fault[]
  /** What happened, if no field is to blame. */
  readonly detail: string
}

const outsideOfRequests: PageFrame = {
  brand: plainPageBrand,
  now: null,
  path: '/',
  here: null,
  viewer: null,
  csrfToken: () => '',
  refusedForm: null,
  scripts: new Set(),
}

const Context = createContext<PageFrame>(outsideOfRequests)
export const PageFrameProvider = Context.Provider
export const usePageFrame = (): PageFrame => useContext(Context)

/** Loads a script file of ours on this page, once. It must improve a page that also works without it. */
export const useScript = (...files: readonly StaticFile[]): void => {
  const { scripts } = usePageFrame()
  for (const { path } of files) scripts.add(path)
}
