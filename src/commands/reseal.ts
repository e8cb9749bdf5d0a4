import { tallyText } from '../sealing/ring.ts'
import { type Command, plain } from './command.ts'

export const reseal: Command = {
  ...plain,
  summary: 'encrypt everything again with the first of ENCRYPTION_KEYS, beside a running service',
  async run({ service, progress }) {
    const { key, resealed, unopenable, left } = await (await service()).reseal(progress)
    const ok = unopenable.length === 0 && left.length === 0
    return {
      ok,
      done: [
        `${resealed} values were sealed again with ${key}.`,
        ...(ok ? [`Everything is sealed with ${key}. The other keys may go.`] : []),
      ],
      failed: [
        ...(unopenable.length > 0
          ? [
              `Some values are sealed with a key that is not given, or damaged (${tallyText(unopenable)}). Add the key they were sealed with to ENCRYPTION_KEYS, and run this again.`,
            ]
          : []),
        ...(left.length > 0
          ? [
              `Values are still being sealed with another key (${tallyText(left)}). Start every node with ${key} as the first of ENCRYPTION_KEYS, and run this again.`,
            ]
          : []),
      ],
      data: { result: ok ? 'resealed' : 'incomplete', key, resealed, unopenable, left },
    }
  },
}
