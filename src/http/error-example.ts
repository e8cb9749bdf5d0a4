import type { AppError, ErrorCode, Locale } from '../errors/catalogue.ts'
import { factsOf } from './error-facts.ts'
import { failuresOf } from './openapi/outcomes.ts'
import { type Describe, fault, type Problem, passwordFaults } from './problem.ts'
import type { Route } from './route.ts'

/** Every example has the same request ID, so that a document with examples changes only when an error does. */
const requestId = 'req_2f9c41d07be35a86c0149d6e27f8b3a5'

/**
 * The routes that can answer an error, those first that name it themselves: the others answer it because every route
 * of their kind does.
 */
export function routesOf(code: ErrorCode, routes: readonly Route<never>[]): readonly Route<never>[] {
  const all = routes.filter((route) => failuresOf(route).includes(code))
  const names = ({ fails }: Route<never>): boolean => fails.includes(code)
  return [...all.filter(names), ...all.filter((route) => !names(route))]
}

/** The route that an example is a response of: one that programs of others call, if there is one. */
export function exampleRoute(code: ErrorCode, routes: readonly Route<never>[]): Route<never> | undefined {
  const all = routesOf(code, routes)
  const isForOperators = ({ credential }: Route<never>): boolean => credential === 'doctor' || credential === 'metrics'
  return all.find((route) => route.surface === 'api' && !isForOperators(route)) ?? all[0]
}

/** The error of a code with the values of its example. */
export function exampleError(code: ErrorCode): AppError {
  const { params = {}, extra, retryAfter } = factsOf(code)
  return { code, params, ...(extra && { extra }), ...(retryAfter !== undefined && { retryAfter }) }
}

/** The response of a service with that error: described by the same function as every response. */
export function exampleOf(
  code: ErrorCode,
  { locale, routes, describe }: { locale: Locale; routes: readonly Route<never>[]; describe: Describe },
): Problem {
  const error = exampleError(code)
  const { faults = passwordFaults('password', error) } = factsOf(code)
  return describe(error, {
    locale,
    requestId,
    oauth: exampleRoute(code, routes)?.oauth !== undefined,
    faults: faults.map((found) => fault(found.path, found.code, locale, found.params)),
  })
}
