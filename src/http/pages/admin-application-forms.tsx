import { z } from 'zod'
import { type ApplicationKind, applicationKinds } from '../../applications/policy.ts'
import { applicationParams, create, update } from '../api/applications.ts'
import { formOf } from '../form.ts'
import type { FormRefusal } from '../page-frame.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import type { Services } from '../services.ts'
import { shownSecret } from './admin-application.tsx'
import { adminPage } from './admin-frame.tsx'
import { ApplicationFields } from './application-fields.tsx'
import { applicationPage, applicationsPath, newApplicationPath } from './application-pages.ts'
import { createFields, editFields, type FormValues, noValues, refusalsIn, typedValues } from './application-values.ts'
import { Submit } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { doneAt } from './status.ts'

/** The administrators' forms that add and change an application. */

const writing = { ...adminPage, auth: 'recent', scope: 'applications:write' } as const

const choose = route({
  ...writing,
  path: newApplicationPath,
  summary: 'Choose the kind of a new application',
  fails: [],
  handle({ who, locale, csrfToken }, _services: Services) {
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    return show(
      locale,
      <Layout {...reader} title={words.choose} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{words.chooseText}</p>
        <ul class="entries">
          {applicationKinds.map((kind) => (
            <li key={kind}>
              <p>
                <a href={`${newApplicationPath}/${kind}`}>{words.kinds[kind].name}</a>
              </p>
              <p class="fine">{words.kinds[kind].text}</p>
            </li>
          ))}
        </ul>
      </Layout>,
    )
  },
})

type FormProps = Reader & {
  readonly title: string
  readonly action: string
  readonly kind: ApplicationKind
  readonly values: FormValues
  readonly isNew: boolean
  readonly submit: string
  readonly refused?: readonly FormRefusal[]
  readonly csrf: string
  readonly scopes: readonly string[]
}

const FormPage = ({ title, action, kind, values, isNew, submit, refused, csrf, scopes, ...reader }: FormProps) => (
  <Layout {...reader} title={title} signedIn={csrf} scopes={scopes} refused={refused}>
    <Form action={action} csrf={csrf}>
      <input type="hidden" name="kind" value={kind} />
      <ApplicationFields {...reader} kind={kind} values={values} isNew={isNew} />
      <Submit>{submit}</Submit>
    </Form>
  </Layout>
)

const kindParams = object({
  kind: z.enum(applicationKinds).meta({ parameter: 'ApplicationKind', description: 'A kind of application' }),
})

const newPage = route({
  ...writing,
  path: `${newApplicationPath}/:kind`,
  summary: 'Show the form to add an application',
  params: kindParams,
  fails: [],
  handle({ who, params: { kind }, locale, csrfToken }, _services: Services) {
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    return show(
      locale,
      <FormPage
        {...reader}
        title={words.addTitle(words.kinds[kind].name)}
        action={applicationsPath}
        kind={kind}
        values={noValues}
        isNew
        submit={words.create}
        csrf={csrfToken()}
        scopes={who.scopes}
      />,
    )
  },
})

const createForm = formOf(create, {
  path: applicationsPath,
  shownOn: `${newApplicationPath}/:kind`,
  summary: 'Add an application; its secret is shown once',
  fields: createFields,
  also: ['page'],
  done: ({ who, locale, csrfToken }, issued) =>
    issued.secret === null
      ? seeOther(doneAt(applicationPage(issued.id), 'application_added'))
      : shownSecret(locale, who, csrfToken(), issued),
  failed({ faults }, { who, body, locale, csrfToken }) {
    const reader = readerOf(locale)
    const refused = refusalsIn(faults, body.scopes, reader)
    if (refused.length === 0) return undefined
    const { applications: words } = reader.say
    return show(
      locale,
      <FormPage
        {...reader}
        title={words.addTitle(words.kinds[body.kind].name)}
        action={applicationsPath}
        kind={body.kind}
        values={typedValues(body)}
        isNew
        submit={words.create}
        refused={refused}
        csrf={csrfToken()}
        scopes={who.scopes}
      />,
      { status: 400 },
    )
  },
})

const edit = route({
  ...writing,
  path: `${applicationsPath}/:id/edit`,
  summary: 'Show the form that changes an application',
  params: applicationParams,
  fails: ['application_not_found'],
  async handle({ who, params: { id }, locale, csrfToken }, { applications }: Services) {
    const found = await applications.get(id)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    return show(
      locale,
      <FormPage
        {...reader}
        title={words.editTitle(found.value.name)}
        action={`${applicationPage(id)}/edit`}
        kind={found.value.kind}
        values={found.value}
        isNew={false}
        submit={words.save}
        csrf={csrfToken()}
        scopes={who.scopes}
      />,
    )
  },
})

const editForm = formOf(update, {
  path: `${applicationsPath}/:id/edit`,
  summary: 'Change an application',
  fields: editFields,
  also: ['page'],
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'application_saved')),
  async failed({ faults }, { who, params: { id }, body, locale, csrfToken }, { applications }) {
    const found = await applications.get(id)
    const reader = readerOf(locale)
    const refused = refusalsIn(faults, body.scopes, reader)
    if (!found.ok || refused.length === 0) return undefined
    const { applications: words } = reader.say
    return show(
      locale,
      <FormPage
        {...reader}
        title={words.editTitle(found.value.name)}
        action={`${applicationPage(id)}/edit`}
        kind={found.value.kind}
        values={typedValues(body)}
        isNew={false}
        submit={words.save}
        refused={refused}
        csrf={csrfToken()}
        scopes={who.scopes}
      />,
      { status: 400 },
    )
  },
})

export const adminApplicationFormRoutes = [choose, newPage, createForm, edit, editForm]
