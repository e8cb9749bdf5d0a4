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

/** How long the other side may take: to be reached and to greet, and to say anything at all later. In milliseconds. */
const connectMs = 10_000
const silenceMs = 20_000

/**
 * Sends through a mail server. The connection is encrypted and its certificate checked, in production without exception
 * (RFC 8314 §3.3), unless the server is this machine: what does not leave it needs neither.
 */
export function smtpTransport(settings: SmtpSettings, { production }: { production: boolean }): Transport {
  const { from } = settings
  // Taken apart here: in one piece a comma in the name would make two senders.
  const [, name = '', address = from] = /^([^<>]*)<([^<>]+)>$/.exec(from) ?? []
  let opened: Promise<Transporter> | undefined

  // Opened at the first letter: a service that has none to send needs neither the library nor the connection.
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      ...connectionOf(settings, production),
      pool: true,
      maxConnections: 4,
      // It is ours to say what is read from where: a letter names no file and no URL.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return {
    async send({ id, to, locale, subject, text, html }): Promise<Delivery> {
      try {
        opened ??= open()
        const transporter = await opened
        await transporter.sendMail({
          from: { name: name.trim(), address },
          // As an object it is an address and nothing else: a comma in it makes no second reader.
          to: { name: '', address: to },
          subject,
          text,
          html,
          messageId: `<${id}@${address.slice(address.lastIndexOf('@') + 1)}>`,
          headers: {
            'Content-Language': locale,
            // Nobody's holiday reply, please (RFC 3834 §5).
            'Auto-Submitted': 'auto-generated',
          },
        })
        return { tag: 'sent' }
      } catch (error) {
        return readFailure(error)
      }
    },
    close(): void {
      void opened?.then(
        (transporter) => transporter.close(),
        () => undefined,
      )
    },
  }
}

/** How long the other side may stay silent while it is only checked, in milliseconds. */
const verifyMs = 4000

/** How the server is connected to; the same for a message and for a check. */
const connectionOf = (
  { host, port, implicitTls, user, password }: SmtpSettings,
  production: boolean,
  ms = { connect: connectMs, silence: silenceMs },
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

/** Why a mail server does not take us: nodemailer's code, and the number of the server's reply. */
export type SmtpFault = { readonly code: string; readonly reply: number | null; readonly reason: string | null }

/**
 * Connects as for a message, up to the login, and sends none. Answers what failed, `null` when nothing did. `signal`
 * ends the connection. Nothing of the server's own text is passed on.
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
    // What TLS and the network say is in the message alone.
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
 * What a failure means for the letter. For good is only what the server says of this reader or this letter: a 5xx about
 * who we are (no authentication, no relaying: 5.7.x, RFC 3463 §3.8) is the operator's to mend, and the letter waits for
 * it. Of the reply only its number is kept: its text may name anybody.
 */
export function readFailure(error: unknown): Delivery {
  const { code, responseCode, command, response } = (error ?? {}) as {
    code?: string
    responseCode?: number
    command?: string
    response?: string
  }
  const reason = [code, responseCode].filter((part) => part !== undefined).join('_') || 'unknown'
  const aboutLetter = command === 'RCPT TO' || command === 'DATA'
  const aboutSomebody = aboutLetter || command === 'MAIL FROM'
  const aboutUs = [530, 534, 535, 538].includes(responseCode ?? 0) || /^5\d\d[ -]5\.7\./.test(response ?? '')
  const permanent = aboutLetter && !aboutUs && (responseCode ?? 0) >= 500
  return permanent ? { tag: 'refused', reason } : { tag: 'transient', reason, everybody: !aboutSomebody }
}

/** No mail server was named: letters wait for one, as long as they wait for any. */
export const noTransport: Transport = {
  send: () => Promise.resolve({ tag: 'transient', reason: 'not_configured', everybody: true }),
  close: () => undefined,
}

/** A letter that arrived in the mailbox. */
export type Received = Message & { readonly at: Date }
/** Where letters go while nobody is meant to get any: they can be read on this machine. Newest first. */
export type Mailbox = {
  readonly messages: () => readonly Received[]
  readonly find: (id: string) => Received | undefined
}

/** How many it keeps: the oldest go. */
const mailboxSize = 200

/** A mailbox in memory, for development and tests. */
export function createMailbox(clock: () => Date): Transport & Mailbox {
  const kept: Received[] = []
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
