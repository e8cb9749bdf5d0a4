import { expect, test } from 'vitest'
import { userCursor, userCursorOf } from '../../src/http/schemas.ts'

// As long as a provider may make them: 256 characters, of which lowering may make two each.
test.each(['a', '愛', '😀', 'i̇'])(
  'the cursor of a page of a search that ends at a long name is accepted: 256 × %s',
  (character) => {
    const key = character.repeat(256)
    const place = { createdAt: new Date(1_700_000_000_123), id: `usr_${'0'.repeat(32)}`, begins: { index: 1, key } }
    expect(userCursor.parse(userCursorOf(place))).toEqual(place)
  },
)
