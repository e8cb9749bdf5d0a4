import type { VNode } from 'preact'
import { expect, test } from 'vitest'
import { renderPage, usePageFrame } from '../../../src/http/page-frame.ts'
import { Field, Tick } from '../../../src/http/pages/field.tsx'

const action = '/somewhere'

/** What a form contains that was refused with these fields. */
function shownAgain(form: VNode, typed: Readonly<Record<string, unknown>>): string {
  const faults = [{ path: 'other', code: 'invalid_format', detail: '' }] as const
  const refusedForm = { action, typed, faults, detail: '' }
  return renderPage(form, {
    ...usePageFrame(),
    formAction: action,
    refusedForm,
    refusals: [],
    scripts: new Set<never>(),
  })
}

test.each([
  ['a password', <Field key="p" name="field" label="" type="password" autocomplete="current-password" />],
  ['a one-time code', <Field key="o" name="field" label="" autocomplete="one-time-code" code="digits" />],
  ['a recovery code', <Field key="r" name="field" label="" autocomplete="off" code="text" isSecret />],
])('%s is not sent back', (_, field) => {
  expect(shownAgain(field, { field: 'as-typed' })).not.toContain('as-typed')
})

test.each([
  ['a name', <Field key="n" name="field" label="" autocomplete="off" value="before" />],
  ['a number or an ID', <Field key="i" name="field" label="" autocomplete="off" code="text" value="before" />],
])('%s is shown again as it was typed', (_, field) => {
  expect(shownAgain(field, { field: 'as-typed' })).toContain('value="as-typed"')
})

test.each([
  ['ticked', 'yes', true],
  ['ticked with others', ['no', 'yes'], true],
  ['not ticked', undefined, false],
  ['another one', 'no', false],
])('a choice that was %s stays so, whatever it was at first', (_, sent, ticked) => {
  for (const checked of [true, false]) {
    const choice = (
      <Tick type="checkbox" name="field" value="yes" checked={checked}>
        Yes
      </Tick>
    )
    expect(shownAgain(choice, { field: sent }).includes(' checked')).toBe(ticked)
  }
})
