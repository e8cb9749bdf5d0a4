import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import { perPage } from '../../../src/http/pages/admin-frame.tsx'
import { List, slice } from '../../../src/http/pages/admin-list.tsx'

const all = Array.from({ length: 2 * perPage + 1 }, (_, n) => ({ id: `one-${n}` }))

test('the pages of a list contain every row once, and the last one has no next page', () => {
  const seen: string[] = []
  let after: string | undefined
  for (let pages = 0; pages < 3; pages++) {
    const { shown, next } = slice(all, after)
    expect(shown.length).toBe(pages < 2 ? perPage : 1)
    seen.push(...shown.map(({ id }) => id))
    expect([pages, next]).toEqual([pages, pages < 2 ? shown.at(-1)?.id : undefined])
    after = next
  }
  expect(seen).toEqual(all.map(({ id }) => id))
})

test('a list that ends with its page has no next page', () => {
  expect(slice(all.slice(0, perPage), undefined).next).toBeUndefined()
  expect(slice([], undefined)).toEqual({ shown: [], next: undefined })
})

test('the cursor of a deleted row leads to the first page', () => {
  expect(slice(all, 'deleted').shown[0]).toEqual(all[0])
})

test('a list is a table with a name for each cell on phones, or says that it is empty', () => {
  const common = { heading: 'All shops', none: 'No shop yet.', head: ['Name', 'Kind'], next: null }
  const full = renderToString(<List {...common} rows={[{ key: 'a', cells: ['Shop', 'Server'] }]} />)
  expect(full).toContain('<th scope="row">Shop</th><td data-label="Kind">Server</td>')
  expect(full).toContain('aria-labelledby="all"')
  expect(renderToString(<List {...common} rows={[]} />)).toContain('<p>No shop yet.</p>')
  expect(renderToString(<List {...common} rows={[]} next={{ href: '/next?after=a', label: 'Next page' }} />)).toContain(
    'href="/next?after=a"',
  )
})
