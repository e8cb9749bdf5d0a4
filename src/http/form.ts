/**
 * Forms of pages, derived from the API routes that do the same. An act is declared once: who may do it, how recently
 * they must have signed in, how often, with which parameters and body, and which errors it returns. A form that
 * repeated this could forget a check.
 */
import type { z } from 'zod'
import type { AppError, ErrorCode } from '../errors/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Answer, Page, Redirect } from './reply.ts'
import type {
  AnswerKind,
  Auth,
  DeclaredRoute,
  GeneralCode,
  HandlerOutcome,
  Input,
  MaybePromise,
  Route,
  Schema,
  SchemaOutput,
} from './route.ts'

/** A page looks at the session even where an API route does not: the token of its form is bound to it. */
type FormAuth<A extends Auth> = A extends 'none' ? 'public' : A

/** The value that an act returns as JSON; `undefined` for an act that returns nothing. */
type Value<R> = R extends Schema ? z.input<R> : undefined

type Refusal<E extends ErrorCode> = Extract<HandlerOutcome<never, AppError<E | GeneralCode>>, { readonly ok: false }>
type Answered<E extends ErrorCode> = HandlerOutcome<Redirect | Page, AppError<E | GeneralCode>>

type Place<F, X extends ErrorCode> = {
  readonly path: `/${string}`
  readonly summary: string
  /** The fields of the form, where they differ from the body of the act. */
  readonly fields?: F
  /** The page with the form, if it is not the nearest page above its path. */
  readonly shownOn?: `/${string}`
  /** Errors of the form in addition to those of the act. */
  readonly fails?: readonly X[]
  /** Kinds of response besides a redirect. */
  readonly also?: readonly AnswerKind[]
}

/**
 * The form of a page that does what an API route does, through the handler of that route.
 *
 * `fields` reads the form into the body of the act. `before` can answer instead of the act: with `undefined`, the act
 * runs. `done` responds after success: where to go, or the page to show. `failed` can show an error on the page with
 * the form: with `undefined`, the error is answered as by any route.
 */
export function formOf<
  A extends Auth,
  const E extends ErrorCode,
  D,
  P extends Schema | undefined,
  B extends Schema | undefined,
  R extends Schema | undefined,
  F extends z.ZodType<SchemaOutput<B>> | undefined = undefined,
  const X extends ErrorCode = never,
>(
  act: DeclaredRoute<A, E, D, P, B, R>,
  form: Place<F, X> & {
    readonly before?: (input: FormInput<A, P, B, F>, vinculum: D) => MaybePromise<Answered<NoInfer<E | X>> | undefined>
    readonly done: (
      input: FormInput<A, P, B, F>,
      value: Value<R>,
      vinculum: D,
    ) => MaybePromise<Redirect | Result<Redirect | Page, never>>
    readonly failed?: (
      refusal: Refusal<NoInfer<E>>,
      input: FormInput<A, P, B, F>,
      vinculum: D,
    ) => MaybePromise<Answered<NoInfer<E | X>> | undefined>
  },
): Route<D> {
  const { before, done, failed } = form
  return {
    ...declarationOf(act, form),
    async handle(given, vinculum) {
      // The schemas of the form have read it, as this type says.
      const input = given as unknown as FormInput<A, P, B, F>
      const instead = await before?.(input, vinculum)
      if (instead) return instead
      const outcome = await act.handle(given, vinculum)
      if (!outcome.ok) return (await failed?.(outcome as Refusal<E>, input, vinculum)) ?? outcome
      const answer = await done(input, jsonOf<R>(outcome.value), vinculum)
      return 'kind' in answer ? ok(answer) : answer
    },
  }
}

type FormInput<A extends Auth, P, B, F> = Input<
  SchemaOutput<P>,
  undefined,
  F extends Schema ? z.output<F> : SchemaOutput<B>,
  FormAuth<A>
>

/**
 * The form that ends a sign-in which an API route also ends. Only its handler differs: a browser gets a session cookie
 * where a program gets tokens.
 */
export function signInFormOf<
  A extends Auth,
  const E extends ErrorCode,
  D,
  P extends Schema | undefined,
  F extends Schema,
  const X extends ErrorCode = never,
>(
  act: DeclaredRoute<A, E, D, P, Schema | undefined, Schema | undefined>,
  form: Place<F, X> & {
    readonly fields: F
    readonly handle: (input: FormInput<A, P, undefined, F>, vinculum: D) => MaybePromise<Answered<NoInfer<E | X>>>
  },
): Route<D> {
  const { handle } = form
  return {
    ...declarationOf(act, form),
    handle: (given, vinculum) => handle(given as unknown as FormInput<A, P, undefined, F>, vinculum),
  }
}

/** What a program calls instead, and what the act does. */
function descriptionOf({ method, path, description }: Route<never>): string {
  const operation = `\`${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}\``
  const form = `The form of a page for ${operation}: the same rules, answered with a page or a redirect.`
  return description === undefined ? form : `${form} ${description}`
}

function declarationOf(
  act: Route<never>,
  { path, summary, shownOn, fields, fails = [], also }: Place<Schema | undefined, ErrorCode>,
) {
  const { auth, scope, limit, params, query, upload } = act
  const body = fields ?? act.body
  return {
    act,
    method: 'post',
    path,
    summary,
    tag: 'Pages',
    surface: 'browser',
    auth: auth === 'none' ? 'public' : auth,
    limit,
    status: 303,
    fails: [...act.fails, ...fails],
    description: descriptionOf(act),
    ...(scope === undefined ? {} : { scope }),
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
    ...(also === undefined ? {} : { also }),
    ...(shownOn === undefined ? {} : { shownOn }),
    ...(upload === undefined ? {} : { upload }),
  } as const satisfies Omit<Route, 'handle'>
}

const jsonOf = <R>(answer: Answer<unknown>): Value<R> => (answer.kind === 'json' ? answer.value : undefined) as Value<R>
