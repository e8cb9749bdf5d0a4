import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The path of a file of the source tree. */
export const inTree = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export type Program = {
  readonly child: ChildProcess
  /** The exit code. */
  readonly ended: Promise<number | null>
  /** Resolves when the text is printed; rejects when the program ends without it. */
  readonly saying: (text: string) => Promise<void>
  /** Everything printed so far, on both outputs. */
  readonly said: () => string
}

/** Starts a program of the source tree, such as `demo/demo.ts`, in another folder. The caller ends it. */
export function startProgram(script: string, env: Readonly<Record<string, string>>, cwd: string): Program {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), inTree(script)], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TSX_TSCONFIG_PATH: inTree('tsconfig.json'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const collect = (chunk: Buffer): void => {
    said += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const saying = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const listen = (): void => {
        if (said.includes(text)) resolve()
      }
      child.stdout.on('data', listen)
      child.stderr.on('data', listen)
      void ended.then((code) => reject(new Error(`${script} ended with ${code}:\n${said}`)))
    })
  return { child, ended, saying, said: () => said }
}
