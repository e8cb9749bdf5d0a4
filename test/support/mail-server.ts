/** A real mail server in this process: it stores what it accepts, and refuses as configured. */
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export type Delivered = {
  readonly to: readonly string[]
  readonly from: string
  readonly raw: string
  readonly secure: boolean
}
type Stage = 'RCPT' | 'DATA'

export async function startMailServer(options: SMTPServerOptions = {}) {
  const delivered: Delivered[] = []
  const attempts: Stage[] = []
  let closed = 0
  const held = new Map<() => void, string>()
  let isHeld: (address: string) => boolean = () => false
  const refusing = new Map<Stage, { code: number; text: string }>()
  const refusal = (stage: Stage): Error | undefined => {
    attempts.push(stage)
    const told = refusing.get(stage)
    return told && Object.assign(new Error(told.text), { responseCode: told.code })
  }
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, _session, done) {
      const answer = (): void => done(refusal('RCPT'))
      if (isHeld(address)) held.set(answer, address)
      else answer()
    },
    onClose: () => void closed++,
    onData(stream, { envelope, secure }, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const refused = refusal('DATA')
        if (!refused) {
          delivered.push({
            to: envelope.rcptTo.map(({ address }) => address),
            from: envelope.mailFrom ? envelope.mailFrom.address : '',
            raw: Buffer.concat(chunks).toString('utf8'),
            secure,
          })
        }
        done(refused)
      })
    },
    ...options,
  })
  // Clients that disconnect are part of the tests.
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    delivered,
    attempts,
    refuse(stage: Stage, code: number, text: string): void {
      refusing.set(stage, { code, text })
    },
    accept: () => refusing.clear(),
    /** Does not answer for these recipients until `release`. */
    hold(which: (address: string) => boolean): void {
      isHeld = which
    },
    /** The recipients for which a client waits, or has waited. */
    held: (): readonly string[] => [...held.values()],
    release(): void {
      isHeld = () => false
      for (const answer of held.keys()) answer()
      held.clear()
    },
    /** How many connections were closed. */
    closed: () => closed,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
