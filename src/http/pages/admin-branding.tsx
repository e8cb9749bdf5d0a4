import type { VNode } from 'preact'
import { z } from 'zod'
import type { BrandView } from '../../branding/branding.ts'
import type { BrandTextField } from '../../branding/fields.ts'
import { ok } from '../../kernel/result.ts'
import {
  answered,
  apiNameOf,
  brandPictureNames,
  brandPictures,
  brandTexts,
  changeOf,
  fieldNames,
  putPicture,
  removePicture,
  update,
} from '../api/branding.ts'
import { brandFiles } from '../brand.ts'
import { formOf } from '../form.ts'
import type { FormRefusal } from '../page-frame.ts'
import { type FieldFault, fault } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { type Principal, route } from '../route.ts'
import type { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { adminPage } from './admin-frame.tsx'
import { BrandPreview } from './brand-preview.tsx'
import { Area, Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { Panel } from './panel.tsx'
import { PicturePart } from './pictures.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

/** The administrators' page that shows and changes how pages and email present the operator. */

const path = '/admin/branding'
type Values = Readonly<Record<string, string>>

const pageFields = ['name', 'color', 'supportEmail', 'privacyUrl', 'termsUrl', 'formText', 'formTextPt'] as const
const mailFields = ['mailSender', 'mailHeader', 'mailHeaderPt', 'mailFooter', 'mailFooterPt'] as const
const areas: ReadonlySet<BrandTextField> = new Set(['formText', 'formTextPt', 'mailFooter', 'mailFooterPt'])

type FieldProps = Reader & {
  readonly field: BrandTextField
  /** The text in the field, by its name in the form. */
  readonly typed: Values
  readonly view: BrandView
}

function BrandField({ field, typed, view, say }: FieldProps): VNode {
  const { branding: words } = say
  const name = apiNameOf(field)
  const value = typed[name] ?? ''
  const inherited = view.changed.includes(field) ? null : view.values[field]
  const hints = [
    ...(field === 'color' ? [words.colorHint] : []),
    ...(inherited === null ? [] : [words.fromEnvironment(inherited)]),
  ]
  const hint = hints.length === 0 ? {} : { hint: hints.join(' ') }
  if (areas.has(field)) return <Area name={name} label={words.fields[field]} value={value} {...hint} />
  const isCode = field === 'color' || field === 'privacyUrl' || field === 'termsUrl'
  return (
    <Field
      name={name}
      label={words.fields[field]}
      autocomplete="off"
      optional
      value={value}
      {...(isCode ? { code: 'text' } : {})}
      {...hint}
    />
  )
}

type ViewProps = Reader & {
  readonly view: BrandView
  readonly typed: Values
  readonly who: Principal
  readonly csrf: string
  readonly status?: string | undefined
  readonly refused?: readonly FormRefusal[]
  readonly isPreview?: true
}

function BrandingPage({ view, typed, who, csrf, status, refused, isPreview, ...reader }: ViewProps): VNode {
  const { branding: words } = reader.say
  const fieldsOf = (fields: readonly BrandTextField[]) =>
    fields.map((field) => <BrandField key={field} {...reader} field={field} typed={typed} view={view} />)
  return (
    <Layout {...reader} title={words.title} signedIn={csrf} scopes={who.scopes} status={status} refused={refused}>
      <p>{words.intro}</p>
      <Panel id="preview" title={words.preview}>
        <p role="status" id="not-saved" hidden={!isPreview}>
          {words.notSaved}
        </p>
        <BrandPreview {...reader} view={view} />
      </Panel>
      <Form action={path} csrf={csrf} preview="/branding/preview">
        <p class="fine">{words.empty}</p>
        <Panel id="pages" title={words.pages}>
          {fieldsOf(pageFields)}
        </Panel>
        <Panel id="mail" title={words.mail}>
          {fieldsOf(mailFields)}
        </Panel>
        <p class="actions">
          <button type="submit" class="primary">
            {words.save}
          </button>
          <button type="submit" name="preview" value="yes">
            {words.show}
          </button>
        </p>
      </Form>
      <Pictures {...reader} view={view} csrf={csrf} />
    </Layout>
  )
}

/** The pictures in use, and their forms. */
function Pictures({ view, csrf, ...reader }: Reader & Pick<ViewProps, 'view' | 'csrf'>): VNode {
  const { branding: words } = reader.say
  const files = brandFiles(view.brand)
  return (
    <Panel id="pictures" title={words.pictures}>
      {brandPictureNames.map((name) => {
        const { [name]: field } = brandPictures
        const isUploaded = view.changedPictures.includes(field)
        return (
          <PicturePart
            key={name}
            {...reader}
            title={words[field]}
            hint={words[`${field}Hint`]}
            src={files[field]?.path ?? null}
            scheme={field === 'logoDark' ? 'dark' : 'light'}
            origin={isUploaded || files[field] === null ? undefined : words.pictureFromEnvironment}
            action={`${path}/${name}`}
            isUploaded={isUploaded}
            csrf={csrf}
          />
        )
      })}
    </Panel>
  )
}

/** What was set at run time, by the name of the field in the form. */
const setValues = ({ values, changed }: BrandView): Values =>
  Object.fromEntries(changed.map((field) => [apiNameOf(field), values[field] ?? '']))

const page = route({
  ...adminPage,
  auth: 'recent',
  path,
  scope: 'settings:read',
  summary: 'Show how pages and email present the operator',
  query: doneQuery,
  fails: [],
  handle({ who, query: { done }, locale, csrfToken }, { branding }: Services) {
    const view = branding.view()
    const status = doneMessageOf(done, locale)
    return show(
      locale,
      <BrandingPage
        {...readerOf(locale)}
        view={view}
        typed={setValues(view)}
        who={who}
        csrf={csrfToken()}
        status={status}
      />,
    )
  },
})

const texts = Object.fromEntries(fieldNames.map((name) => [name, brandTexts[name].optional()])) as Record<
  (typeof fieldNames)[number],
  z.ZodOptional<ReturnType<typeof storable>>
>
const fields = z.strictObject({
  ...texts,
  preview: z.literal('yes').optional().describe('Show the values without saving them'),
})

/** What was typed, for the form that is shown again. */
const typedValues = (body: z.output<typeof fields>): Values =>
  Object.fromEntries(fieldNames.map((name) => [name, body[name] ?? '']))

const refusalsIn = (faults: readonly FieldFault[] | undefined, { locale }: Reader): readonly FormRefusal[] =>
  (faults ?? []).map(({ path: field, code, params }) => ({
    field,
    text: fault(field, code, locale, params).detail,
    atField: true,
  }))

const form = formOf(update, {
  path,
  summary: 'Change how pages and email present the operator, or show a preview',
  fields,
  also: ['page'],
  async before({ who, body, locale, csrfToken }, { branding }) {
    if (body.preview === undefined) return undefined
    const previewed = await branding.preview(changeOf(body))
    // Invalid values are refused in the same words as when they are saved.
    if (!previewed.ok) {
      const reader = readerOf(locale)
      const { faults } = answered(previewed) as { faults?: readonly FieldFault[] }
      return show(
        locale,
        <BrandingPage
          {...reader}
          view={branding.view()}
          typed={typedValues(body)}
          who={who}
          csrf={csrfToken()}
          refused={refusalsIn(faults, reader)}
        />,
        { status: 400 },
      )
    }
    return show(
      locale,
      <BrandingPage
        {...readerOf(locale)}
        view={previewed.value}
        typed={typedValues(body)}
        who={who}
        csrf={csrfToken()}
        isPreview
      />,
    )
  },
  done: () => ok(seeOther(doneAt(path, 'branding_saved'))),
  failed({ faults }, { who, body, locale, csrfToken }, { branding }) {
    const reader = readerOf(locale)
    const refused = refusalsIn(faults, reader)
    if (refused.length === 0) return undefined
    return show(
      locale,
      <BrandingPage
        {...reader}
        view={branding.view()}
        typed={typedValues(body)}
        who={who}
        csrf={csrfToken()}
        refused={refused}
      />,
      { status: 400 },
    )
  },
})

const uploadForm = formOf(putPicture, {
  path: `${path}/:picture`,
  summary: 'Upload a logo or a favicon in a form',
  done: () => seeOther(doneAt(path, 'picture_saved')),
})
const removeForm = formOf(removePicture, {
  path: `${path}/:picture/remove`,
  summary: 'Remove an uploaded logo or favicon in a form',
  done: () => seeOther(doneAt(path, 'picture_removed')),
})

export const adminBrandingRoutes = [page, form, uploadForm, removeForm]
