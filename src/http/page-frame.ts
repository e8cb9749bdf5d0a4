import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
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
  /** Why the form of this page was refused. The layout sets it before its content is rendered. */
  refusals: readonly FormRefusal[]
  /**
   * The path that the form around sends its fields to: it tells forms with fields of the same name apart. Forms cannot be
   * nested, so it is the form that was rendered last.
   */
  formAction: string | null
}

/**
 * Why a form was refused. The layout shows every refusal in one way: a summary at the top that links to the field, a
 * title that begins with "Error:", and the focus on the first invalid field, without a script.
 */
export type FormRefusal = {
  /** The element ID of the field; `null` if no field can correct it. */
  readonly field: string | null
  readonly text: string
  /** The name of the field, before the text in the summary: for forms with errors that read alike. */
  readonly label?: string
  /** Also shown at the field: for forms that are longer than a screen. */
  readonly atField?: true
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
  refusals: [],
  formAction: null,
}

/**
 * The frame of the page that is being rendered. Rendering is synchronous, so there is one at a time. Preact's hooks would
 * do the same, but cost a sixth of the CPU time of a page.
 */
let current = outsideOfRequests
export const usePageFrame = (): PageFrame => current

/** Renders a page. Its components can use this frame, and add the scripts they need to it. */
export function renderPage(view: VNode, frame: PageFrame): string {
  current = frame
  try {
    return `<!doctype html>${renderToString(view)}`
  } finally {
    current = outsideOfRequests
  }
}

/** Loads a script file of ours on this page, once. It must improve a page that also works without it. */
export const useScript = (...files: readonly StaticFile[]): void => {
  const { scripts } = usePageFrame()
  for (const { path } of files) scripts.add(path)
}
