import { tallyText } from '../sealing/ring.ts'
import { type Command, plain } from './command.ts'

export const reseal: Command = {
  ...plain,
  summary: 'encrypt everything again with the first key of ENCRYPTION_KEYS, while the service runs',
  async run({ service, progress }) {
    const { key, resealed, unopenable, left } = await (await service()).reseal(progress)
    const ok = unopenable.length === 0 && left.length === 0
    return {
      ok,
      done: [
        `${resealed} values were encrypted again with ${key}.`,
        ...(ok
          ? [`Everything is encrypted with ${key}. Once each node runs with this key first, you can remove the others.`]
          : []),
      ],
      failed: [
        ...(unopenable.length > 0
          ? [
              `Some values are damaged, or encrypted with a key that is missing (${tallyText(unopenable)}). Add their key to ENCRYPTION_KEYS, and run the command again.`,
            ]
          : []),
        ...(left.length > 0
          ? [
              `Nodes still encrypt values with another key (${tallyText(left)}). Start every node with ${key} as the first key of ENCRYPTION_KEYS, and run the command again.`,
            ]
          : []),
      ],
      data: { result: ok ? 'resealed' : 'incomplete', key, resealed, unopenable, left },
    }
  },
}
