/** The language rules of CONTRIBUTING.md: words that only insiders understand, and lines that nobody can review. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { documents as generated } from '../../docs/generate.ts'
import { texts as errors } from '../../src/errors/catalogue.ts'
import { loadGuide } from '../../src/errors/guidance.ts'
import { eventCatalogue as events } from '../../src/events/catalogue.ts'

const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]))

const documents = [
  'README.md',
  'README.pt-BR.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  '.env.example',
  'sandbox/README.md',
  'bench/README.md',
  ...filesIn('docs').filter((file) => file.endsWith('.md')),
  ...filesIn('deploy').filter((file) => !file.endsWith('.json')),
]
const texts = [
  'src/errors/texts.en.ts',
  'src/errors/texts.pt-br.ts',
  'src/errors/guidance.en.ts',
  'src/errors/guidance.pt-br.ts',
  'src/http/error-page.tsx',
  'src/http/pages/texts.en.ts',
  'src/http/pages/texts.pt-br.ts',
  'src/mail/templates.en.ts',
  'src/mail/templates.pt-br.ts',
]

/** What not to write, and what to write instead. */
const words: readonly (readonly [RegExp, instead: string])[] = [
  [/\bwho(?:m|se)?ever\b/i, 'anyone who, the user who'],
  [/\banew\b/i, 'again, renew, recreate'],
  [/\bmeanwhile\b/i, 'in the meantime, concurrently'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bno (?:longer )?good\b|\bworth nothing\b/i, 'invalid, expired'],
  [/\bput out\b|\btaken back\b/i, 'revoked, disabled'],
  [/\btrail\b/i, 'audit log'],
  [/\bletters?\b/i, 'message, email'],
  [/\bcom(?:es?|ing) round\b/i, 'background job, runs on schedule'],
  [/\bin vain\b/i, 'without success'],
  [/\b(?:is|are|was|were|be|been) told\b/i, 'report, return, show, notify'],
  [/\b(?:some|every|any)body\b/i, 'someone, everyone, a person'],
  [/\bways? in\b/i, 'sign-in method'],
  [/\bif you like\b/i, 'optional'],
  [/\btoken from further back\b/i, 'older token'],
  [/\bby their maker\b|\btried again by itself\b/i, 'synced, retried automatically'],
  [/\bopens? (?:an )?accounts?\b/i, 'create an account'],
  [/\bbeside\b/i, 'next to, together with'],
  [/\be-mails?\b/i, 'email'],
  [/\b(?:behaviours?|colours?|favour\w*|honour\w*|licence|centre|cheque|dialogue)\b/i, 'American spelling'],
  [/\b(?:cancell(?:ed|ing)|label(?:led|ling)|signall(?:ed|ing)|travell(?:ed|ing))\b/i, 'American spelling'],
  [
    /\b(?:author|recogn|organ|initial|normal|optim|synchron|real|custom|minim)is(?:e[ds]?|ing|ation)\b/i,
    'American spelling',
  ],
]

/** Lines that may use such a word, with the reason. */
const allowed: readonly (readonly [file: string, part: string, reason: string])[] = [
  ['docs/id-tokens.md', 'to the letter', 'compared character by character: the idiom'],
  ['docs/operating.md', 'within two letters of a setting', 'letters of the alphabet'],
  ['CONTRIBUTING.md', '`letter({…})`', 'a name in the code'],
  ['src/kernel/email.ts', 'only letters, marks', 'letters of the alphabet'],
  ['src/kernel/email.ts', 'After a letter, a combining mark', 'letters of the alphabet'],
  ['src/kernel/typed-code.ts', 'letters included', 'letters of the alphabet'],
  ['src/providers/jira-cloud.ts', 'A domain name ends in letters', 'letters of the alphabet'],
  ['src/settings/unknown-names.ts', 'by at most two', 'letters of the alphabet'],
  ['src/store/user-lists.ts', 'other letters in a name', 'letters of the alphabet'],
  ['src/http/pages/texts.en.ts', '32 digits and letters from a to f', 'letters of the alphabet'],
]
const isAllowed = (file: string, line: string): boolean =>
  allowed.some(([where, part]) => where === file && line.includes(part))

/** In Portuguese, `e-mail` is the word. */
const isPortuguese = (file: string): boolean => /pt-/i.test(file)

/** Names in the code are no prose: `letter_case`, `user_cancelled_authorize`, links to a file. */
const proseOf = (line: string): string => line.replace(/`[^`]*`/g, '``').replace(/\]\([^)]*\)/g, ']')

function refused(file: string, lines: readonly string[]): string[] {
  return lines.flatMap((line, index) =>
    isAllowed(file, line)
      ? []
      : words
          .filter(([word]) => !(isPortuguese(file) && word.source.includes('e-mail')))
          .filter(([word]) => word.test(proseOf(line)))
          .map(([word, instead]) => `${file}:${index + 1}: “${proseOf(line).match(word)?.[0]}”: write ${instead}`),
  )
}

/** The texts in a source file, line by line: its quoted strings. */
const quoted = (line: string): string =>
  [...line.matchAll(/'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`?|"([^"]*)"/g)]
    .flatMap(([, single, template, double]) => [single ?? template ?? double ?? ''])
    // An event, a path or a class name has no space.
    .filter((text) => text.includes(' '))
    .join(' · ')

test.each(documents)('%s uses the words of the glossary', (file) => {
  expect(refused(file, readFileSync(file, 'utf8').split('\n'))).toEqual([])
})

test.each(texts)('%s uses the words of the glossary', (file) => {
  expect(refused(file, readFileSync(file, 'utf8').split('\n').map(quoted))).toEqual([])
})

test('the catalogues of errors and events use the words of the glossary', () => {
  const ofErrors = Object.values(errors.en).flatMap(({ title, detail }) => [title, detail])
  const ofEvents = Object.values(events).map(({ meaning }) => meaning)
  expect(refused('errors', ofErrors)).toEqual([])
  expect(refused('events', ofEvents)).toEqual([])
})

/** Each text of a source file that no program reads: a comment, or the title of a test. */
function proseIn(file: string): readonly { readonly text: string; readonly isTitle: boolean }[] {
  const source = readFileSync(file, 'utf8')
  const root = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found = new Map<number, { text: string; isTitle: boolean }>()
  const visit = (node: ts.Node): void => {
    for (const { pos, end } of ts.getLeadingCommentRanges(source, node.pos) ?? [])
      found.set(pos, { text: source.slice(pos, end), isTitle: false })
    if (ts.isCallExpression(node) && /^(?:test|describe)\b/.test(node.expression.getText())) {
      const [title] = node.arguments
      if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)))
        found.set(title.pos, { text: title.getText().replace(/\$\{[^}]*\}/g, ''), isTitle: true })
    }
    ts.forEachChild(node, visit)
  }
  visit(root)
  return [...found.values()]
}
const sources = (folder: string): string[] => filesIn(folder).filter((file) => /\.tsx?$/.test(file))

test('comments use the words of the glossary', () => {
  const lines = sources('src').map((file) => ({ file, comments: proseIn(file).map(({ text }) => text) }))
  expect(lines.flatMap(({ file, comments }) => refused(file, comments))).toEqual([])
})

/** The letters of the alphabet are no messages. */
const isAboutLetters = (title: string): boolean => /\bletters?\b/.test(title) && !/\bmail|inbox/.test(title)

test('titles of tests use the words of the glossary', () => {
  const titles = sources('test').map((file) => ({
    file,
    titles: proseIn(file).flatMap(({ text, isTitle }) => (isTitle && !isAboutLetters(text) ? [text] : [])),
  }))
  expect(titles.flatMap(({ file, titles }) => refused(file, titles))).toEqual([])
})

test.each(['en', 'pt-BR'] as const)('errors are explained in sentences of at most 25 words (%s)', async (locale) => {
  const guidance = Object.values(await loadGuide(locale)).flatMap((each) => Object.values(each).flat())
  const details = Object.values(errors[locale]).flatMap(({ title, detail }) => [title, detail])
  const sentences = [...guidance, ...details].flatMap((text) => text.split(/(?<=[.!?:])\s/))
  expect(sentences.filter((sentence) => sentence.split(/\s+/).length > 25)).toEqual([])
})

test('every exception to the glossary is still needed', () => {
  for (const [file, part] of allowed) expect(readFileSync(file, 'utf8'), `${file}: ${part}`).toContain(part)
})

test.each(['Whoever has it', 'the trail', 'is told', 'no longer good', 'behaviour', 'Cancelled', 'an e-mail'])(
  'the check rejects “%s”',
  (line) => {
    expect(refused('docs/x.md', [line])).toHaveLength(1)
  },
)

/** Lines that a reviewer reads: not tables, code, diagrams, or a single value that cannot be broken. */
function longLines(text: string): string[] {
  let isCode = false
  return text.split('\n').flatMap((line, index) => {
    if (line.startsWith('```')) isCode = !isCode
    const isValue = /^# [A-Z0-9_]+=\S+$/.test(line)
    return isCode || isValue || line.trimStart().startsWith('|') || [...line].length <= 120
      ? []
      : [`${index + 1}: ${[...line].length} characters`]
  })
}

test.each(documents.filter((file) => !(file in generated) && (file.endsWith('.md') || file === '.env.example')))(
  '%s has no line over 120 characters outside tables and code',
  (file) => {
    expect(longLines(readFileSync(file, 'utf8'))).toEqual([])
  },
)
