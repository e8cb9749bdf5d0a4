import type { VNode } from 'preact'
import { z } from 'zod'
import { type SignInTarget, targetFields } from '../api/sign-in-target.ts'

/** The pages before a sign-in pass its target on, in their links and forms. */

const names = ['return_to', 'code_challenge', 'code_challenge_method'] as const

/** The query of these pages. Another site may add parameters: unknown ones are ignored. */
export const targetQuery = z.looseObject({
  ...targetFields,
  done: z.string().max(2048).optional().describe('Which notice the page shows'),
})

const pairsOf = (given: SignInTarget): [string, string][] =>
  names.flatMap((name): [string, string][] => (given[name] === undefined ? [] : [[name, given[name]]]))

/** The query string of a link, with its `?`; empty if there is nothing to pass on. */
export function suffixOf(given: SignInTarget): string {
  const pairs = new URLSearchParams(pairsOf(given)).toString()
  return pairs === '' ? '' : `?${pairs}`
}

/** The hidden fields of a form. */
export const TargetFields = ({ given }: { given: SignInTarget }): VNode => (
  <>
    {pairsOf(given).map(([name, value]) => (
      <input key={name} type="hidden" name={name} value={value} />
    ))}
  </>
)
