import type { Transporter } from 'nodemailer'
import { isLoopback } from '../kernel/loopback.ts'
import type { Delivery, Message, Transport } from './ports.ts'

export type SmtpSettings = {
  readonly host: string
  readonly port: number
  /** TLS from the first byte (`smtps://`), rather than after STARTTLS. */
  readonly implicitTls: boolean
  readonly user: string | null
  readonly password: string | null
  readonly from: string
}

/**
 * How long the server may take to accept a connection and to greet, and how long it may be silent later. In
 * milliseconds.
 */
const connectMs = 10_000
const longestSilenceMs = 20_000
/** How long the delivery of a message may take in all, in milliseconds: a server can be slow without being silent. */
const longestDeliveryMs = 60_000

/**
 * Sends through a mail server. In production the connection must be encrypted and its certificate verified (RFC 8314
 * §3.3). The only exception is a server on this machine.
 */
export function smtpTransport(
  settings: SmtpSettings,
  {
    production,
    deliveryMs = longestDeliveryMs,
    silenceMs = longestSilenceMs,
  }: { production: boolean; deliveryMs?: number; silenceMs?: number },
): Transport {
  const { from } = settings
  // Split name and address here: in one string, a comma in the name would create two senders.
  const [, name = '', address = from] = /^([^<>]*)<([^<>]+)>$/.exec(from) ?? []
  let opened: Promise<Transporter> | undefined

  // Open the transport at the first message. A service that sends none needs neither the library nor a connection.
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      ...connectionOf(settings, production, { connect: connectMs, silence: silenceMs }),
      pool: true,
      maxConnections: 4,
      // Messages must not make the library read files or URLs.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  /** A server that is silent may be waiting for that of the recipient. One that answers nobody fails a check, too. */
  const explainSilence = async (): Promise<Delivery> => {
    const fault = await verifySmtp(settings, { production, signal: AbortSignal.timeout(verifyMs) })
    return { tag: 'transient', reason: 'timed_out', everybody: fault !== null }
  }

  return {
    async send({ id, to, locale, sender, subject, text, html }): Promise<Delivery> {
      // Closes the connection of this message.
      const signal = AbortSignal.timeout(deliveryMs)
      try {
        opened ??= open()
        const transporter = await opened
        await transporter.sendMail({
          from: { name: sender ?? name.trim(), address },
          // As an object it is only one email address: a comma in it adds no second recipient.
          to: { name: '', address: to },
          subject,
          text,
          html,
          messageId: `<${id}@${address.slice(address.lastIndexOf('@') + 1)}>`,
          headers: {
            'Content-Language': locale,
            // Prevents automatic replies (RFC 3834 §5).
            'Auto-Submitted': 'auto-generated',
          },
          signal,
        })
        return { tag: 'sent' }
      } catch (error) {
        if (signal.aborted) return { tag: 'transient', reason: 'timed_out', everybody: false }
        return isSilent(error) ? await explainSilence() : readFailure(error)
      }
    },
    close(): void {
      void opened?.then(
        (transporter) => transporter.close({ force: true }),
        () => undefined,
      )
    },
  }
}

/** Whether a server greeted, and then became silent. */
const isSilent = (error: unknown): boolean =>
  (error as { timeoutType?: unknown } | null)?.timeoutType === 'SOCKET_TIMEOUT'

/** How long the server may be silent during a check, in milliseconds. */
const verifyMs = 4000

/** The connection options, the same for sending and for checks. */
const connectionOf = (
  { host, port, implicitTls, user, password }: SmtpSettings,
  production: boolean,
  ms: { readonly connect: number; readonly silence: number },
) => ({
  host,
  port,
  secure: implicitTls,
  connectionTimeout: ms.connect,
  greetingTimeout: ms.connect,
  socketTimeout: ms.silence,
  dnsTimeout: ms.connect,
  requireTLS: production && !isLoopback(host) && !implicitTls,
  tls: { rejectUnauthorized: !isLoopback(host), minVersion: 'TLSv1.2' as const },
  ...(user === null ? {} : { auth: { user, pass: password ?? '' } }),
})

/** Why a mail server rejected us: nodemailer's code, and the number of the server's reply. */
export type SmtpFault = { readonly code: string; readonly reply: number | null; readonly reason: string | null }

/**
 * Connects and logs in as for a message, without sending one. Returns the failure, or `null` on success. `signal` ends
 * the connection. The server's text is never passed on.
 */
export async function verifySmtp(
  settings: SmtpSettings,
  { production, signal }: { production: boolean; signal: AbortSignal },
): Promise<SmtpFault | null> {
  const { createTransport } = await import('nodemailer')
  const transporter = createTransport(connectionOf(settings, production, { connect: verifyMs, silence: verifyMs }))
  try {
    await Promise.race([transporter.verify(), aborted(signal)])
    return null
  } catch (error) {
    const {
      code,
      responseCode,
      message = '',
    } = (error ?? {}) as {
      code?: string
      responseCode?: number
      message?: string
    }
    // Errors of TLS and the network are only in the message.
    const [reason = null] =
      /\b(E[A-Z]{4,}|[A-Z]+_CERT[A-Z_]*|CERT_[A-Z_]+|certificate|SSL routines)\b/.exec(message) ?? []
    return { code: code ?? 'unknown', reply: responseCode ?? null, reason }
  } finally {
    transporter.close()
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })

/**
 * Classifies a failure. It is permanent only if the server rejected this recipient or this message. A 5xx about our
 * identity (no authentication, no relaying: 5.7.x, RFC 3463 §3.8) must be fixed by the operator, and the message waits.
 * Only the number of the reply is kept: its text may contain personal data.
 */
export function readFailure(error: unknown): Delivery {
  const { code, responseCode, command, response } = (error ?? {}) as {
    code?: string
    responseCode?: number
    command?: string
    response?: string
  }
  const reason = [code, responseCode].filter((part) => part !== undefined).join('_') || 'unknown'
  const isAboutMessage = command === 'RCPT TO' || command === 'DATA'
  const isAboutPerson = isAboutMessage || command === 'MAIL FROM'
  const isAboutService = [530, 534, 535, 538].includes(responseCode ?? 0) || /^5\d\d[ -]5\.7\./.test(response ?? '')
  const permanent = isAboutMessage && !isAboutService && (responseCode ?? 0) >= 500
  return permanent ? { tag: 'refused', reason } : { tag: 'transient', reason, everybody: !isAboutPerson }
}

/** Used if no mail server is configured. Messages wait in the queue as they do while a server is down. */
export const noTransport: Transport = {
  send: () => Promise.resolve({ tag: 'transient', reason: 'not_configured', everybody: true }),
  close: () => undefined,
}

/** A message in the mailbox. */
export type ReceivedMessage = Message & { readonly at: Date }
/** A mailbox for messages that are not sent, readable on this machine. Newest first. */
export type Mailbox = {
  readonly messages: () => readonly ReceivedMessage[]
  readonly find: (id: string) => ReceivedMessage | undefined
}

/** How many messages it keeps. The oldest are removed. */
const mailboxSize = 200

/** A mailbox in memory, for development and tests. */
export function createMailbox(clock: () => Date): Transport & Mailbox {
  const kept: ReceivedMessage[] = []
  return {
    send(message) {
      kept.unshift({ ...message, at: clock() })
      kept.splice(mailboxSize)
      return Promise.resolve({ tag: 'sent' })
    },
    close: () => undefined,
    messages: () => [...kept],
    find: (id) => kept.find((message) => message.id === id),
  }
}
