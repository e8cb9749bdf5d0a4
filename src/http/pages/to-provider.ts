import type { z } from 'zod'
import { authorizationHandle } from '../../flows/begin-with-provider.ts'
import { type Redirect, seeOther } from '../reply.ts'
import type { StartedFlow } from '../schemas/sign-in.ts'
import { flowCookies } from '../sign-in-answers.ts'

/** Sends a browser to a provider, with the cookie that binds the way back to this browser. */
export const toProvider = (
  { authorize_url: url, state, flow_token: binding }: z.input<typeof StartedFlow>,
  cookieNames: (beginning: string) => readonly string[],
  seconds: number,
): Redirect =>
  seeOther(url, { cookies: flowCookies({ handle: authorizationHandle(state), binding }, cookieNames, seconds) })
