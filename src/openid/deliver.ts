import type { NoticeDelivery } from '../applications/logout-notices.ts'
import type { Requests } from './requests.ts'

/**
 * Sends a logout token to an application (OpenID Connect Back-Channel Logout §2.5). Redirects are not followed: the
 * token is for the registered URL only. An application that answers 400 has read the token and refuses it; any other
 * failure may pass.
 */
export async function deliverLogoutToken(
  { send }: Pick<Requests, 'send'>,
  uri: string,
  token: string,
): Promise<NoticeDelivery> {
  const result = await send(uri, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ logout_token: token }).toString(),
    mostBytes: 0,
  })
  if (result.tag === 'failed') return { tag: 'transient', reason: result.reason }
  const { status } = result
  if (status >= 200 && status < 300) return { tag: 'sent' }
  return { tag: status === 400 ? 'refused' : 'transient', reason: `status_${status}` }
}
