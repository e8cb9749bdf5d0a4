import type { VNode } from 'preact'
import { z } from 'zod'
import type { Account } from '../../kernel/account.ts'
import { type MetadataPatch, patchOfEdit } from '../../kernel/metadata.ts'
import { updateMetadata } from '../api/user-metadata.ts'
import { formOf } from '../form.ts'
import type { FaultCode } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object } from '../route.ts'
import { userPage } from './admin-frame.tsx'
import { Area, Submit } from './field.tsx'
import { Form, type Reader } from './layout.tsx'
import { Panel } from './panel.tsx'
import { useTyped } from './refusal.tsx'
import { doneAt } from './status.ts'

/** The metadata on the administrators' page of an account, and the form that changes it. */

const jsonObject = (field: 'metadata' | 'shown') =>
  z
    .string()
    .max(16_384)
    .transform((text, context): MetadataPatch => {
      const value = text.trim() === '' ? {} : parsed(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as MetadataPatch
      context.addIssue({ code: 'custom', params: { fault: 'not_json' satisfies FaultCode }, input: text })
      return z.NEVER
    })
    .describe(field === 'metadata' ? 'The metadata as JSON' : 'The metadata that the form was shown with')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const metadataForm = formOf(updateMetadata, {
  path: '/admin/users/:id/metadata',
  summary: 'Change the metadata of an account',
  // What a back end changed since the page was shown stays: only what was edited is sent.
  fields: object({ metadata: jsonObject('metadata'), shown: jsonObject('shown') }).transform(({ metadata, shown }) => ({
    metadata: { public: patchOfEdit(shown, metadata) },
  })),
  done: ({ params }) => seeOther(doneAt(userPage(params.id), 'user_metadata_changed')),
  failed: (refusal) => ({ ...refusal, faults: refusal.faults?.map((fault) => ({ ...fault, path: 'metadata' })) ?? [] }),
})

type MetadataProps = Reader & { readonly account: Account; readonly csrf: string; readonly mayChange: boolean }

export function UserMetadata({ account, csrf, mayChange, say }: MetadataProps): VNode {
  const { people } = say
  const { public: shown } = account.metadata
  const text = JSON.stringify(shown, null, 2)
  return (
    <Panel id="about-metadata" title={people.metadata}>
      <p>{people.metadataText}</p>
      {mayChange ? (
        <Form action={`${userPage(account.id)}/metadata`} csrf={csrf}>
          <ShownMetadata value={text} />
          <Area name="metadata" label={people.metadataField} hint={people.metadataHint} value={text} code />
          <Submit>{people.metadataSave}</Submit>
        </Form>
      ) : Object.keys(shown).length === 0 ? (
        <p>{people.noMetadata}</p>
      ) : (
        <pre>
          <code>{text}</code>
        </pre>
      )}
    </Panel>
  )
}

/** The text as the form was shown with it first, even after a refusal: what was typed was made from that. */
function ShownMetadata({ value }: { value: string }): VNode {
  const { typed: shown = value } = useTyped('shown', 'shown')
  return <input type="hidden" name="shown" value={shown} />
}
