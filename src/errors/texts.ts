import type { ErrorCode, ParamName } from './catalogue.ts'

/** What a person reads of an error, in one language. */
export type ErrorText = { readonly title: string; readonly detail: string }

/** The `{placeholders}` of a text, read from its type. */
type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never
type Same<A, B> = [A, B] extends [B, A] ? true : false

/** A title without placeholders, and a detail with exactly those that the catalogue lists for the code. */
type Checked<C extends ErrorCode, T extends ErrorText> = {
  readonly title: Same<Placeholders<T['title']>, never> extends true ? string : 'A title has no placeholders'
  readonly detail: Same<Placeholders<T['detail']>, ParamName<C>> extends true
    ? string
    : `The placeholders are not those of ${C} in the catalogue`
}

/** The texts of every code in one language. A missing code, an unknown code or a wrong placeholder does not compile. */
export const errorTexts = <const T extends Readonly<Record<ErrorCode, ErrorText>>>(
  texts: T & { readonly [C in keyof T]: C extends ErrorCode ? Checked<C, T[C]> : never },
): T => texts
