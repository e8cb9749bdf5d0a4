import type { Config } from '../config.ts'
import { isLoopback } from '../kernel/loopback.ts'
import { type SmtpFault, verifySmtp } from '../mail/transport.ts'
import { type Check, type Finding, failed, passed, warning } from './check.ts'

const name = 'mail'

export const mailCheck = ({ mail, production }: Pick<Config, 'mail' | 'production'>): Check => ({
  name,
  slow: 'Check SMTP_URL, and that no firewall blocks the connection.',
  async run(report, signal) {
    if (mail.tag === 'smtp')
      return report(smtpFinding(mail, production, await verifySmtp(mail, { production, signal })))
    report(production ? offFinding : mailboxFinding)
  },
})

const mailboxFinding = passed(
  name,
  'SMTP_URL is not set: outside production, messages stay in memory and are shown at /mailbox.',
)
const offFinding = warning(
  name,
  'SMTP_URL is not set: nobody can verify an email address, reset a password or sign in by email.',
  'Set SMTP_URL and MAIL_FROM.',
)

type Smtp = Extract<Config['mail'], { tag: 'smtp' }>

/** Matches nodemailer's code, and Node's code in the message. The first match counts. */
const faults: readonly (readonly [
  fits: (fault: SmtpFault) => boolean,
  text: (mail: Smtp, fault: SmtpFault) => readonly [found: string, remedy: string],
])[] = [
  [
    ({ code, reply }) => code === 'EAUTH' || reply === 535,
    (_, { reply }) => [
      `The mail server rejected the user or password${reply === null ? '' : ` (${reply})`}.`,
      'Check both in SMTP_URL, and percent-encode special characters (@ as %40, / as %2F).',
    ],
  ],
  [
    ({ code, reason }) => code === 'EDNS' || reason === 'ENOTFOUND' || reason === 'EAI_AGAIN',
    ({ host }) => [`The mail server ${host} was not found.`, 'Check the host in SMTP_URL.'],
  ],
  [
    ({ reason }) => reason !== null && /CERT|certificate/.test(reason),
    ({ host }, { reason }) => [
      `The certificate of ${host} is not trusted (${reason}).`,
      'Use the name that the certificate is for, or have the server send its whole chain; NODE_EXTRA_CA_CERTS adds a CA.',
    ],
  ],
  [
    ({ code, reason }) => code === 'ETLS' || reason === 'EPROTO' || reason === 'SSL routines',
    ({ implicitTls }) => [
      'TLS with the mail server failed.',
      implicitTls
        ? 'Use smtp:// with the port for STARTTLS, usually 587. smtps:// starts with TLS, usually on port 465.'
        : 'The server must offer STARTTLS. smtps:// starts with TLS, usually on port 465.',
    ],
  ],
  [
    ({ code, reason }) => code === 'ETIMEDOUT' || reason === 'ETIMEDOUT',
    ({ host, port }) => [
      `${host}:${port} did not respond in time.`,
      'Check host and port in SMTP_URL (port 465 needs smtps://), and that no firewall is in between.',
    ],
  ],
]

export function smtpFinding(mail: Smtp, production: boolean, fault: SmtpFault | null): Finding {
  const { host, port, implicitTls, user } = mail
  if (fault !== null) {
    const known = faults.find(([fits]) => fits(fault))
    const [found, remedy] = known?.[1](mail, fault) ?? [
      `${host}:${port} did not accept the connection (${[fault.code, fault.reply, fault.reason].filter(Boolean).join(', ')}).`,
      'Check host and port in SMTP_URL, and that the mail server is running.',
    ]
    return failed(name, found, remedy)
  }
  const login = user === null ? 'without a login' : 'and the login'
  const tls = implicitTls
    ? 'TLS from the start'
    : production && !isLoopback(host)
      ? 'STARTTLS'
      : 'STARTTLS if the server offers it'
  return passed(name, `${host}:${port} accepted the connection ${login} (${tls}). Nothing was sent.`)
}
