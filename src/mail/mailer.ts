import type { Bus } from '../events/bus.ts'
import { backOff } from '../kernel/back-off.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, UnopenableError } from '../kernel/crypto.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { secretPlace } from './letters.ts'
import type { Delivery, Mail, MailStore, Message, Transport } from './ports.ts'
import { render } from './templates.ts'

/** From a quarter of a minute up to three hours, for three days: in seconds. */
const delaySeconds = { first: 15, most: 3 * 3600 }
const patienceSeconds = 3 * 24 * 3600
/** Longer than sending a few may take, so that nobody else takes a letter that is on its way. */
const leaseSeconds = 120
/** How many one round handles, and how many of them at a time: the next round goes on with the rest. */
const roundSize = 60
const atOnce = 4

/** Seconds until the next try, after `attempts` of them. */
export const mailRetryDelay = (attempts: number, random: Random): number =>
  backOff(attempts, delaySeconds, chance(random))

type Parts = {
  mails: MailStore
  transport: Transport
  sealer: Sealer
  clock: Clock
  random: Random
  events: Pick<Bus, 'emit'>
  publicUrl: URL
  providerName: (id: string) => string
  onDefect: (error: unknown, letter: string) => void
}

/** Works off the queue of letters: each is sent at least once, or given up after about three days. */
export function createMailer(parts: Parts) {
  const { mails, transport, sealer, clock, random, events, publicUrl, providerName, onDefect } = parts

  /** A secret is opened here and nowhere else: in the queue and in the log there is none. */
  const messageOf = (mail: Mail): Message | undefined => {
    try {
      const secret =
        mail.secret === null
          ? {}
          : (JSON.parse(sealer.open(mail.secret, secretPlace(mail.id))) as Record<string, string>)
      return render(mail, secret, { publicUrl, providerName })
    } catch (error) {
      // No key of the ring opens it: the operator may bring the key back. Anything else is a defect of ours, and not to
      // hold up the letters behind it.
      if (!(error instanceof UnopenableError)) onDefect(error, mail.id)
      return undefined
    }
  }

  /** Whether the letter is still worth anything: nobody wants a code that is no longer good. */
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
      events.emit('mail.handled', { template, result: 'gave_up' })
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
    events.emit('mail.handled', { template, result })
    return delivery
  }

  let stopping = false

  return {
    /** Works off what is due, a few at a time; answers how many were handled. */
    async work(): Promise<number> {
      let handled = 0
      while (handled < roundSize && !stopping) {
        const now = clock()
        const taken = await mails.take(atOnce, now, secondsAfter(now, leaseSeconds))
        const deliveries = await Promise.all(taken.map(handle))
        handled += taken.length
        // A server that cannot be reached is not asked for every letter there is.
        const unreachable = deliveries.some((delivery) => delivery.tag === 'transient' && delivery.everybody)
        if (taken.length === 0 || unreachable) break
      }
      return handled
    },
    backlog: (): Promise<number> => mails.backlog(),
    /** Takes no more: what is on its way may arrive. */
    stop: (): void => {
      stopping = true
    },
    close: (): void => transport.close(),
  }
}
export type Mailer = ReturnType<typeof createMailer>
