import { setTimeout as pause } from 'node:timers/promises'
import { createVisitor } from '../visitor.ts'
import { base } from './steps.ts'

const visitor = createVisitor()
const read = new Set<string>()

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'")

export type LetterRead = { readonly subject: string; readonly text: string; readonly links: readonly URL[] }

/**
 * The next letter with this subject to this address, as the mailbox page shows it; each is read once. Letters leave a
 * moment after the answer that promised them, so it is waited for, half a minute at most.
 */
export async function letterTo(address: string, subject: string): Promise<LetterRead> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { text: list } = await visitor.ask(`${base}/mailbox`)
    const entry = [...list.matchAll(/<li><a href="(\/mailbox\/[^"]+)">([^<]*)<\/a>([\s\S]*?)<\/li>/g)].find(
      ([, path = '', title = '', about = '']) =>
        !read.has(path) && unescaped(title) === subject && about.includes(` ${address},`),
    )
    if (entry?.[1]) {
      read.add(entry[1])
      const { text } = await visitor.ask(`${base}${entry[1]}`)
      const body = /<main[\s\S]*<\/main>/.exec(text)?.[0] ?? text
      return {
        subject,
        text: unescaped(body.replace(/<[^>]+>/g, ' ')),
        links: [...body.matchAll(/href="(https?:[^"]+)"/g)].map(([, link = '']) => new URL(unescaped(link))),
      }
    }
    await pause(100)
  }
  throw new Error(`no letter “${subject}” came to ${address}; see ${base}/mailbox`)
}

/** What the link of a letter proves itself with. */
export const ticketOf = ({ links, subject }: LetterRead): string => {
  const ticket = links.map((link) => link.searchParams.get('ticket')).find(Boolean)
  if (!ticket) throw new Error(`there is no ticket in “${subject}”`)
  return ticket
}
