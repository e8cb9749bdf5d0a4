import type { Request } from 'express'
import type { VNode } from 'preact'
import type { z } from 'zod'
import type { AppError, Locale } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { HttpMethod } from '../kernel/http-method.ts'
import type { Random } from '../kernel/ids.ts'
import type { Picture } from '../kernel/picture.ts'
import type { acceptsOf } from './body.ts'
import type { PageBrand } from './brand.ts'
import type { Cookies } from './cookies.ts'
import type { Cors, CrossOrigin } from './cors.ts'
import type { Csrf } from './csrf.ts'
import type { createHeaders, HeaderList } from './headers.ts'
import type { Limiter } from './limits.ts'
import type { Authenticate } from './principal.ts'
import type { Describe } from './problem.ts'
import type { Principal, Route } from './route.ts'
import type { StaticFile } from './static.ts'

/** What an error page may know about the request. */
export type ErrorContext = {
  readonly status: number
  readonly locale: Locale
  readonly requestId: string
  /** The requested path, to return to; `null` if returning would repeat what was refused. */
  readonly returnTo: string | null
  /** The page in `/account` or `/admin` that shows the refused form; `null` if unknown. */
  readonly formPage: string | null
  readonly who: Principal | null
}

/** What every request needs. Created once. */
export type Frame = {
  readonly publicUrl: URL
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<Bus, 'emit'>
  readonly headers: ReturnType<typeof createHeaders>
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly cors: Cors
  readonly describe: Describe
  readonly authenticate: Authenticate
  readonly recentAuthSeconds: number
  /** How long a request may take, in milliseconds; `null` if the store limits each of its waits itself. */
  readonly requestMs: number | null
  readonly limiter: (name: Route['limit']) => Limiter | undefined
  readonly requestId: () => string
  readonly addressOf: (request: Request) => string | null
  /** What every page shows of the operator. */
  readonly brand: () => PageBrand
  /** A file of the brand: its colors, its logo. `undefined` if there is no such file. */
  readonly brandFile: (path: string) => StaticFile | undefined
  /** The logo of an application, by the hash in its path. */
  readonly applicationLogo: (hash: string) => Promise<Picture | undefined>
  /** Learns of a file that another node already serves. */
  readonly reloadBrand: () => Promise<void>
  readonly errorPage: (error: AppError, context: ErrorContext) => VNode
  /** Writes a refusal to the audit log. */
  readonly record: (fact: Fact) => Promise<void>
  readonly onDefect: (error: unknown, requestId: string) => void
}

/** A segment of the path of a page that is typed into its form, such as the kind of what is created. */
export type FieldSegment = { readonly field: string }

/** The page that shows a form. */
export type FormPage<D> = {
  readonly page: BoundRoute<D>
  /** The segments of its path; a number is the place of a parameter in the path of the form. */
  readonly segments: readonly (string | number | FieldSegment)[]
}

/** A route, with everything derived from it that is the same for every request. */
export type BoundRoute<D> = {
  readonly route: Route<D>
  readonly limiter: Limiter | undefined
  readonly accepts: ReturnType<typeof acceptsOf>
  readonly headers: HeaderList
  readonly crossOrigin: CrossOrigin
  /** The schema of the body: an empty object if the route has none. */
  readonly body: z.ZodType
  /** What leaves the service of a reply. */
  readonly strip: (reply: unknown) => unknown
  /** The page that shows the form of this route. */
  readonly formPage?: FormPage<D> | undefined
}

/** What a request is for, as far as its path and method show. */
export type Target = {
  /** The pattern of the path. It is a metric label, so it never contains text from the request. */
  readonly pattern: string
  /** One of our names for the method. It is a metric label, too. */
  readonly method: HttpMethod
  /** Who reads an error response: an API never responds with a page. */
  readonly surface: 'api' | 'browser'
  readonly oauth: boolean
  /** Which scripts of other origins may read the response. */
  readonly crossOrigin: CrossOrigin
  readonly bound?: BoundRoute<unknown> | undefined
}
