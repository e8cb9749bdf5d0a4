import { type Command, plain } from './command.ts'

/** A message for each result. All but the first two are failures. */
const sentences = {
  made: (who: string) => `${who} is now an administrator, in all current sessions.`,
  already: (who: string) => `${who} is already an administrator. Nothing was changed.`,
  not_found: (who: string) =>
    `There is no account with the email address or ID ${who}. Sign in with it once, then run the command again.`,
  unverified: (who: string) =>
    `The email address of ${who} is not verified, so it may belong to someone else. Sign in and verify it, then run the command again.`,
  disabled: (who: string) => `${who} is disabled. Enable the account first, then run the command again.`,
} as const

export const makeAdmin: Command = {
  ...plain,
  positionals: ['account'],
  summary: 'make an account an administrator, by its verified email address or ID',
  async run({ service }, { positionals: [who = ''] }) {
    const result = await (await service()).makeAdministrator(who)
    const ok = result === 'made' || result === 'already'
    const sentence = sentences[result](who)
    return { ok, done: ok ? [sentence] : [], failed: ok ? [] : [sentence], data: { result, account: who } }
  },
}
