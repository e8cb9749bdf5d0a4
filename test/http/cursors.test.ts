import { expect, test } from 'vitest'
import { userCursor, userCursorOf } from '../../src/http/schemas/fields.ts'

// As long as a provider may make them: 256 characters, each of which may become two in lower case.
test.each(['a', '愛', '😀', 'i̇'])(
  'the cursor of a search page that ends at a long name is accepted: 256 × %s',
  (character) => {
    const key = character.repeat(256)
    const place = { at: new Date(1_700_000_000_123), id: `usr_${'0'.repeat(32)}`, begins: { index: 1, key } }
    expect(userCursor.parse(userCursorOf(place))).toEqual(place)
  },
)
