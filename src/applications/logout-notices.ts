import type { Bus } from '../events/bus.ts'
import { backOff } from '../kernel/back-off.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { takeTurns } from '../kernel/take-turns.ts'
import { workThrough } from '../kernel/work-through.ts'
import type { IdTokenAlgorithm } from './policy.ts'
import type { Application, ApplicationStore, LogoutNotice, LogoutNoticeStore } from './ports.ts'
import type { Subjects } from './subjects.ts'

/** From 5 seconds up to an hour between tries, for a day. In seconds. */
const delaySeconds = { first: 5, most: 3600 }
const patienceSeconds = 24 * 3600
/** Longer than a delivery takes, so that no other worker takes a notice that is being delivered. */
const leaseSeconds = 60
/** A round starts no new deliveries after this time. The next round continues. */
const roundSeconds = 20
/**
 * How many notices are delivered concurrently, and how many of them to one application. One that does not respond must
 * not delay the others.
 */
const atOnce = 8
const atOncePerApplication = 4

/** The result of one delivery. `refused`: the application answered that it will never accept the notice. */
export type NoticeDelivery =
  | { readonly tag: 'sent' }
  | { readonly tag: 'transient' | 'refused'; readonly reason: string }

type DeliveredNotice = LogoutNotice & { readonly subject: string; readonly algorithm: IdTokenAlgorithm }

type LogoutNoticesParts = {
  notices: LogoutNoticeStore
  applications: Pick<ApplicationStore, 'find'>
  subjects: Pick<Subjects, 'of'>
  /** Signs the logout token about this `sub`, with the algorithm of id_tokens, and sends it to the URL. */
  deliver: (uri: string, notice: DeliveredNotice) => Promise<NoticeDelivery>
  clock: Clock
  random: Random
  events: Pick<Bus, 'emit'>
}

/**
 * Delivers back-channel logout notices (OpenID Connect Back-Channel Logout). Each is delivered at least once, or dropped
 * after a day: by then the application's tokens have long been refused.
 */
export function createLogoutNotices({
  notices,
  applications,
  subjects,
  deliver,
  clock,
  random,
  events,
}: LogoutNoticesParts) {
  let stopping = false

  /** Returns whether its application can be expected to take further notices now. */
  const handle = async (notice: LogoutNotice): Promise<boolean> => {
    const { id, applicationId, attempts, createdAt } = notice
    const application: Application | undefined = await applications.find(applicationId)
    const done = async (result: 'sent' | 'gave_up'): Promise<true> => {
      await notices.finish(id)
      events.emit('application.logout_notified', { application: applicationId, result })
      return true
    }
    // The application has no such URL any more.
    if (!application || application.backchannelLogoutUri === null) {
      await notices.finish(id)
      return true
    }
    if (clock() >= secondsAfter(createdAt, patienceSeconds)) return done('gave_up')
    const subject = subjects.of(application, notice.accountId)
    const { backchannelLogoutUri: uri, idTokenAlgorithm: algorithm } = application
    const delivery = await deliver(uri, { ...notice, subject, algorithm })
    if (delivery.tag === 'sent') return done('sent')
    if (delivery.tag === 'refused') return done('gave_up')
    await notices.retry(id, secondsAfter(clock(), backOff(attempts + 1, delaySeconds, chance(random))), delivery.reason)
    events.emit('application.logout_notified', { application: applicationId, result: 'transient' })
    return false
  }

  return {
    /**
     * Delivers the notices that are due. Returns how many were handled. After a failure, the other notices of the
     * application wait for the next round.
     */
    async work(): Promise<number> {
      const last = secondsAfter(clock(), roundSeconds)
      const inProgress = new Map<string, number>()
      const failed = new Set<string>()
      const errors: unknown[] = []
      const takeNext = takeTurns(notices, clock, leaseSeconds)
      const isPaused = (id: string): boolean => failed.has(id) || (inProgress.get(id) ?? 0) >= atOncePerApplication
      const take = async (): Promise<LogoutNotice | undefined> => {
        if (stopping || clock() > last) return undefined
        const taken = await takeNext(isPaused)
        if (taken) inProgress.set(taken.receiver, (inProgress.get(taken.receiver) ?? 0) + 1)
        return taken?.item
      }
      const handled = await workThrough(atOnce, take, async (notice) => {
        const { applicationId } = notice
        const isFine = await handle(notice).catch((thrown: unknown) => {
          errors.push(thrown)
          return false
        })
        if (!isFine) failed.add(applicationId)
        inProgress.set(applicationId, (inProgress.get(applicationId) ?? 1) - 1)
      })
      if (errors.length > 0) throw errors[0]
      return handled
    },
    backlog: (): Promise<number> => notices.backlog(),
    stop: (): void => {
      stopping = true
    },
  }
}
export type LogoutNotices = ReturnType<typeof createLogoutNotices>
