import { setTimeout as pause } from 'node:timers/promises'
import { createVisitor } from '../visitor.ts'
import { base } from './steps.ts'

const visitor = createVisitor()
const read = new Set<string>()

const unescapeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'")

export type ReceivedMessage = { readonly subject: string; readonly text: string; readonly links: readonly URL[] }

/**
 * Returns the next message with this subject to this email address, from the mailbox page. Each is returned once.
 * Messages are sent shortly after the response, so this waits up to half a minute.
 */
export async function messageTo(address: string, subject: string): Promise<ReceivedMessage> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { text: list } = await visitor.ask(`${base}/mailbox`)
    const entry = [...list.matchAll(/<li><a href="(\/mailbox\/[^"]+)">([^<]*)<\/a>([\s\S]*?)<\/li>/g)].find(
      ([, path = '', title = '', about = '']) =>
        !read.has(path) && unescapeHtml(title) === subject && about.includes(` ${address},`),
    )
    if (entry?.[1]) {
      read.add(entry[1])
      const { text } = await visitor.ask(`${base}${entry[1]}`)
      const body = /<main[\s\S]*<\/main>/.exec(text)?.[0] ?? text
      return {
        subject,
        text: unescapeHtml(body.replace(/<[^>]+>/g, ' ')),
        links: [...body.matchAll(/href="(https?:[^"]+)"/g)].map(([, link = '']) => new URL(unescapeHtml(link))),
      }
    }
    await pause(100)
  }
  throw new Error(`no message “${subject}” arrived for ${address}; see ${base}/mailbox`)
}

/** The ticket in the link of a message. */
export const ticketOf = ({ links, subject }: ReceivedMessage): string => {
  const ticket = links.map((link) => link.searchParams.get('ticket')).find(Boolean)
  if (!ticket) throw new Error(`there is no ticket in “${subject}”`)
  return ticket
}
