/** The beginning of each warning that the engine writes to the console. */
const prefix = 'oidc-provider WARNING: '

/**
 * Loads the engine, and passes its warnings on. It has no logger: it writes them to the console, of which another text
 * would break a log of JSON lines. One of them is written on Node.js 20, which the engine no longer names as supported.
 * Every other text of the console passes unchanged.
 */
export async function withWarnings<T>(onWarning: (text: string) => void, load: () => Promise<T>): Promise<T> {
  const { console: output } = globalThis
  const { warn } = output
  output.warn = (...args: unknown[]): void => {
    const [text] = args
    if (typeof text === 'string' && text.includes(prefix)) onWarning(text.slice(text.indexOf(prefix) + prefix.length))
    else warn.apply(output, args)
  }
  try {
    return await load()
  } finally {
    output.warn = warn
  }
}
