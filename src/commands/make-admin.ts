import { type Command, plain } from './command.ts'

/** What became of it; all but the first two are failures. */
const sentences = {
  made: (who: string) => `${who} is an administrator now, with every session it has.`,
  already: (who: string) => `${who} is an administrator already; nothing was changed.`,
  not_found: (who: string) =>
    `There is no account with the address or id ${who}. Sign in with it once, then run this again.`,
  unverified: (who: string) =>
    `The address of ${who} is not verified, so it may not be theirs. Verify it by signing in, then run this again.`,
  disabled: (who: string) => `${who} is disabled. Enable it before making it administrator.`,
} as const

export const makeAdmin: Command = {
  ...plain,
  positionals: ['account'],
  summary: 'make an account an administrator, by its verified email address or its id',
  async run({ service }, { positionals: [who = ''] }) {
    const result = await (await service()).makeAdministrator(who)
    const ok = result === 'made' || result === 'already'
    const sentence = sentences[result](who)
    return { ok, done: ok ? [sentence] : [], failed: ok ? [] : [sentence], data: { result, account: who } }
  },
}
