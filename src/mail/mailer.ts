import type { Bus } from '../events/bus.ts'
import { atMost } from '../kernel/at-most.ts'
import { backOff } from '../kernel/back-off.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, UnopenableError } from '../kernel/crypto.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { outsideLimit } from '../kernel/limit.ts'
import { takeTurns } from '../kernel/take-turns.ts'
import { createWorkers } from '../kernel/work-through.ts'
import { secretPlace } from './compose.ts'
import type { Delivery, Mail, MailStore, Message, Transport } from './ports.ts'
import { type MailBrand, render } from './templates.ts'

/** From 15 seconds up to three hours between tries, for three days. In seconds. */
const delaySeconds = { first: 15, most: 3 * 3600 }
const patienceSeconds = 3 * 24 * 3600
/**
 * Longer than the slowest delivery (`transport.ts`) and the writes before and after it, so that no other worker takes a
 * message that is being sent.
 */
const leaseSeconds = 300
/**
 * How long a round lasts at most, in milliseconds. Messages in progress continue after it. It is shorter than the period
 * of the job, so that a slow message delays no round.
 */
const longestRoundMs = 4000
/**
 * How many messages are sent concurrently, and how many of them to one domain. A slow host must not delay the others.
 */
const atOnce = 4
const atOncePerDomain = 3

/** Seconds until the next try, after `attempts` tries. */
export const mailRetryDelay = (attempts: number, random: Random): number =>
  backOff(attempts, delaySeconds, chance(random))

/** What a delivery shows about the mail server. One that took too long may be the fault of the recipient's server. */
function serverAfter(delivery: Delivery): 'answered' | 'failed' | 'unknown' {
  if (delivery.tag !== 'transient') return 'answered'
  if (delivery.everybody) return 'failed'
  return delivery.reason === 'timed_out' ? 'unknown' : 'answered'
}

type MailerParts = {
  mails: MailStore
  transport: Transport
  sealer: Sealer
  clock: Clock
  random: Random
  events: Pick<Bus, 'emit'>
  publicUrl: URL
  /** How messages present the operator now. */
  brand: () => MailBrand
  providerName: (id: string) => string
  onDefect: (error: unknown, letter: string) => void
  roundMs?: number
}

/** Sends the queued messages. Each is sent at least once, or dropped after about three days. */
export function createMailer(parts: MailerParts) {
  const { mails, transport, sealer, clock, random, events, publicUrl, brand, providerName, onDefect } = parts
  const { roundMs = longestRoundMs } = parts

  /** Renders a message. Secrets are decrypted only here; the queue and the log contain none. */
  const messageOf = (mail: Mail): Message | undefined => {
    try {
      const secret =
        mail.secret === null
          ? {}
          : (JSON.parse(sealer.open(mail.secret, secretPlace(mail.id))) as Record<string, string>)
      return render(mail, secret, { publicUrl, brand: brand(), providerName })
    } catch (error) {
      // If no key of the ring fits, the operator may add the key again. Any other error is a defect, and must not delay
      // later messages.
      if (!(error instanceof UnopenableError)) onDefect(error, mail.id)
      return undefined
    }
  }

  /** Whether the message is too late to send: its link or code has expired, or it waited too long. */
  const isLate = ({ createdAt, params }: Mail): boolean => {
    const now = clock()
    return (
      now >= secondsAfter(createdAt, patienceSeconds) ||
      (params.expires_at !== undefined && now >= new Date(params.expires_at))
    )
  }

  const handle = async (mail: Mail): Promise<Delivery> => {
    const { template } = mail
    if (isLate(mail)) {
      await mails.finish(mail.id)
      events.emit('mail.handled', { template, result: 'gave_up', server: 'unknown' })
      return { tag: 'refused', reason: 'late' }
    }
    const message = messageOf(mail)
    const delivery: Delivery = message
      ? await transport.send(message)
      : { tag: 'transient', reason: 'unreadable', everybody: false }
    if (delivery.tag === 'transient') {
      const next = secondsAfter(clock(), mailRetryDelay(mail.attempts + 1, random))
      const last = secondsAfter(mail.createdAt, patienceSeconds)
      await mails.retry(mail.id, next < last ? next : last, delivery.reason)
    } else await mails.finish(mail.id)
    const result = delivery.tag === 'refused' ? 'gave_up' : delivery.tag
    events.emit('mail.handled', { template, result, server: message ? serverAfter(delivery) : 'unknown' })
    return delivery
  }

  /** How many messages are being sent to each domain. */
  const inProgress = new Map<string, number>()
  const isBusy = (domain: string): boolean => (inProgress.get(domain) ?? 0) >= atOncePerDomain
  const count = (domain: string, change: 1 | -1): void => {
    const messages = (inProgress.get(domain) ?? 0) + change
    if (messages > 0) inProgress.set(domain, messages)
    else inProgress.delete(domain)
  }

  let isStopping = false
  /** If the server cannot be reached, do not try all other messages in this round. */
  let isUnreachable = false
  const takeNext = takeTurns(mails, clock, leaseSeconds)
  const take = async () => {
    if (isStopping || isUnreachable) return undefined
    const taken = await takeNext(isBusy)
    if (taken) count(taken.receiver, 1)
    return taken
  }
  const workers = createWorkers(atOnce, take, async ({ receiver, item }) => {
    const delivery = await handle(item).finally(() => count(receiver, -1))
    if (delivery.tag === 'transient' && delivery.everybody) isUnreachable = true
  })

  return {
    /**
     * A round: sends the messages that are due, a few at a time. It does not wait for slow messages, which continue.
     * Returns how many were handled since the last round.
     */
    async work(): Promise<number> {
      isUnreachable = false
      workers.start()
      await atMost(roundMs, workers.end(), undefined)
      return workers.result()
    },
    /** A message was queued: if a round is waiting for others, it is sent now. */
    wake(): void {
      // The message must not be sent within the time limit of the request that queued it.
      if (!workers.isIdle()) outsideLimit(workers.start)
    },
    backlog: (): Promise<number> => mails.backlog(),
    /** Takes no more messages, and waits for those in progress. */
    async stop(): Promise<void> {
      isStopping = true
      await workers.end()
    },
    /** Messages still in progress fail, and are retried. */
    close: (): void => transport.close(),
  }
}
export type Mailer = ReturnType<typeof createMailer>
