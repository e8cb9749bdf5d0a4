import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { endWithWorker } from './children.ts'

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

type Env = Readonly<Record<string, string>>

/** Starts a program of the source tree, such as `demo/tour.ts`, in another folder. The caller ends it. */
export const startProgram = (script: string, env: Env, cwd: string): Program =>
  start(['--import', import.meta.resolve('tsx'), inTree(script)], env, cwd)

/**
 * Starts the demo, bundled: it starts in a third of the time that its sources take. `demo/tour.test.ts` starts the
 * sources, too, as `npm run demo` does.
 */
export const startDemo = (env: Env, cwd: string): Program => start([join(inject('built'), 'demo.js')], env, cwd)

function start(args: readonly string[], env: Env, cwd: string): Program {
  const child = endWithWorker(
    spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TSX_TSCONFIG_PATH: inTree('tsconfig.json'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
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
      void ended.then((code) => reject(new Error(`${args.at(-1)} ended with ${code}:\n${said}`)))
    })
  return { child, ended, saying, said: () => said }
}
