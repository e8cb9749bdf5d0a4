import type { NoticeDelivery } from '../applications/logout-notices.ts'

/** How long an application may take to accept a notice, in milliseconds. */
const deliveryMs = 5000

/**
 * Sends a logout token to an application (OpenID Connect Back-Channel Logout §2.5). Redirects are not followed: the
 * token is for the registered URL only. An application that answers 400 has read the token and refuses it; any other
 * failure may pass.
 */
export async function deliverLogoutToken(uri: string, token: string): Promise<NoticeDelivery> {
  let response: Response
  try {
    response = await fetch(uri, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ logout_token: token }).toString(),
      signal: AbortSignal.timeout(deliveryMs),
    })
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    return { tag: 'transient', reason: isLate ? 'timeout' : 'unreachable' }
  }
  await response.body?.cancel().catch(() => undefined)
  if (response.ok) return { tag: 'sent' }
  return { tag: response.status === 400 ? 'refused' : 'transient', reason: `status_${response.status}` }
}
