import { existsSync, type StatsFs, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { dataFolder } from '../secrets.ts'
import { type Check, type Finding, failed, passed, warning } from './check.ts'

/** Less free space than either of these causes a warning. */
const leastShare = 0.1
const leastBytes = 1024 ** 3

/** Where the service and its log collector write. The log itself goes to standard output. */
const places = (config: Config): readonly (readonly [what: string, path: string])[] => [
  ['data', dataFolder(config)],
  ['log', '/var/log'],
]

export const diskCheck = (config: Config): Check => ({
  name: 'disk',
  slow: 'A file system does not respond: check mounts and disks (dmesg).',
  async run(report) {
    const seen = new Set<number>()
    for (const [what, wanted] of places(config)) {
      const path = existing(wanted)
      const { dev } = statSync(path)
      if (seen.has(dev)) continue
      seen.add(dev)
      report(diskFinding(`disk.${what}`, path, await statfs(path)))
    }
  },
})

/** The folder, or its nearest existing parent, in which it will be created. */
const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(resolve(path))))

type Space = Pick<StatsFs, 'bsize' | 'blocks' | 'bavail' | 'files' | 'ffree'>

/** Free space available to an unprivileged user. File systems that create inodes on demand report none. */
export function diskFinding(name: string, path: string, { bsize, blocks, bavail, files, ffree }: Space): Finding {
  const bytes = bavail * bsize
  const share = blocks === 0 ? 1 : bavail / blocks
  const inodes = files === 0 ? 1 : ffree / files
  const percent = (part: number): string => `${Math.floor(part * 100)} %`
  const found = `${(bytes / leastBytes).toFixed(1)} GiB (${percent(share)}) free on the file system of ${path}${files === 0 ? '' : `, inodes: ${percent(inodes)} free`}.`
  const remedy = 'Free some space or enlarge the disk. When it is full, the service responds to writes with 503.'
  if (bavail === 0 || (files > 0 && ffree === 0)) return failed(name, found, remedy)
  return share < leastShare || bytes < leastBytes || inodes < leastShare
    ? warning(name, found, remedy)
    : passed(name, found)
}
