import { type Command, plain } from './command.ts'

export const rotateKeys: Command = {
  ...plain,
  summary: 'publish new signing keys; they sign after eight minutes',
  async run({ service }) {
    await (await service()).rotateSigningKeys()
    return {
      ok: true,
      done: ['New signing keys are published. They sign after eight minutes.'],
      data: { result: 'rotated' },
    }
  },
}
