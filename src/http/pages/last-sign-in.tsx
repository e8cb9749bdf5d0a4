import type { VNode } from 'preact'
import { usePageFrame } from '../page-frame.ts'
import { type Reader, Time } from './layout.tsx'

const hourMs = 3_600_000

/** When an account was last used to sign in. Only the hour is known, so the present hour is "in the last hour". */
export function LastSignIn({ at, ...reader }: Reader & { readonly at: Date | null }): VNode {
  const { now } = usePageFrame()
  const { people } = reader.say
  if (at === null) return <>{people.neverSignedIn}</>
  if (now !== null && now.getTime() - at.getTime() < hourMs) return <>{people.signedInLastHour}</>
  return <Time {...reader} at={at} />
}
